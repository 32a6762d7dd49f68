/*
 * bank.h
 *		Shared by the slices of the bank: how a decision is made, and how the prompt calls one.
 *
 * A slice is one thing that the bank can do, in one file: the facts it asks for, the decision on
 * them, and the facts that it appends.  No slice knows another, or an account as an object: all they
 * share is the facts.
 */
#ifndef BANK_H
#define BANK_H

#include <factstr.h>
#include <jansson.h>

/* Amounts are in cents. */
#define ACCOUNT_OPENED "account-opened"
#define MONEY_DEPOSITED "money-deposited"
#define MONEY_WITHDRAWN "money-withdrawn"
#define MONEY_TRANSFERRED "money-transferred"

typedef struct Bank Bank;

/*
 * Looks at the facts of a context and fills *event, whose payload is a new reference; or returns the
 * reason why not, as static text.
 */
typedef const char *(*Decision) (const factstr_query_result *facts, json_t *request,
								 const char **event_type, json_t **payload);

/*
 * Queries the context, decides, and appends if the context has not changed meanwhile; otherwise starts
 * again.  Takes over the references to the query and the request.  Prints the result, and returns whether a fact
 * was appended.
 */
bool		decide(Bank *bank, json_t *context_query, Decision decision, json_t *request);

/* The query for all facts about the account. */
json_t	   *facts_about(const char *account);
json_t	   *facts_about_two(const char *account, const char *other);

/* The state of an account according to the facts. */
bool		is_open(const factstr_query_result *facts, const char *account);
json_int_t	balance_of(const factstr_query_result *facts, const char *account);

/* Cents from a text such as 12.50; negative if it is none, or not more than 0. */
json_int_t	parse_amount(const char *text);

/* Facts as the slices see them: the payload of a fact, a new reference. */
json_t	   *payload_of(const factstr_fact *fact);

/*
 * The slices.  Each takes the words after its name, as many as it asks for, prints the result, and
 * returns false if it was refused or failed.
 */
bool		open_account(Bank *bank, char **words);
bool		deposit(Bank *bank, char **words);
bool		withdraw(Bank *bank, char **words);
bool		transfer(Bank *bank, char **words);
bool		show_balances(Bank *bank, char **words);
bool		show_history(Bank *bank, char **words);

/* Prints why a slice has failed; returns false. */
bool		failed(const factstr_error *error);

/* The read model behind show_balances, which makes it when it is first asked for. */
typedef struct Balances Balances;

void		balances_stop(Bank *bank);

struct Bank
{
	factstr_store *store;
	Balances   *balances;
};

#endif							/* BANK_H */
