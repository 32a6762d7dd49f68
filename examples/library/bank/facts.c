/*
 * facts.c
 *		The bank's facts: the query for an account, and the content of its facts.
 */
#include <stdlib.h>
#include <string.h>

#include "bank.h"

/* An account is named "account" in its own facts, "from" or "to" in transfers. */
static void
add_predicates(json_t *predicates, const char *account)
{
	const char *const keys[] = {"account", "from", "to"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void) json_array_append_new(predicates, json_pack("{s:s}", keys[i], account));
}

json_t *
facts_about(const char *account)
{
	return facts_about_two(account, NULL);
}

json_t *
facts_about_two(const char *account, const char *other)
{
	json_t	   *predicates = json_array();

	add_predicates(predicates, account);
	if (other != NULL)
		add_predicates(predicates, other);
	return json_pack("{s:[{s:o}]}", "filters", "payload_predicates", predicates);
}

json_t *
payload_of(const factstr_fact *fact)
{
	return json_loads(fact->payload, JSON_DECODE_ANY, NULL);
}

static bool
names(json_t *payload, const char *key, const char *account)
{
	const char *value = json_string_value(json_object_get(payload, key));

	return value != NULL && strcmp(value, account) == 0;
}

bool
is_open(const factstr_query_result *facts, const char *account)
{
	bool		found = false;

	for (size_t i = 0; i < facts->fact_count && !found; i++)
	{
		json_t	   *payload = payload_of(&facts->facts[i]);

		found = strcmp(facts->facts[i].event_type, ACCOUNT_OPENED) == 0 &&
			names(payload, "account", account);
		json_decref(payload);
	}
	return found;
}

json_int_t
balance_of(const factstr_query_result *facts, const char *account)
{
	json_int_t	balance = 0;

	for (size_t i = 0; i < facts->fact_count; i++)
	{
		const char *type = facts->facts[i].event_type;
		json_t	   *payload = payload_of(&facts->facts[i]);
		json_int_t	amount = json_integer_value(json_object_get(payload, "amount"));

		if (names(payload, "to", account) ||
			(strcmp(type, MONEY_DEPOSITED) == 0 && names(payload, "account", account)))
			balance += amount;
		if (names(payload, "from", account) ||
			(strcmp(type, MONEY_WITHDRAWN) == 0 && names(payload, "account", account)))
			balance -= amount;
		json_decref(payload);
	}
	return balance;
}

json_int_t
parse_amount(const char *text)
{
	char	   *end;
	double		amount = strtod(text, &end);

	if (end == text || *end != '\0' || !(amount >= 0.01 && amount <= 1e12))
		return -1;
	return (json_int_t) (amount * 100 + 0.5);
}
