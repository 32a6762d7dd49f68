/*
 * transfer.c
 *		Slice: move money between two accounts, as one fact.
 *
 * The decision's context is both accounts: a consistency boundary that no aggregate was cut for.
 */
#include <stdio.h>
#include <string.h>

#include "bank.h"

static const char *
may_transfer(const factstr_query_result *facts, json_t *request,
			 const char **event_type, json_t **payload)
{
	const char *from = json_string_value(json_object_get(request, "from"));
	const char *to = json_string_value(json_object_get(request, "to"));

	if (!is_open(facts, from) || !is_open(facts, to))
		return "there is no such account";
	if (strcmp(from, to) == 0)
		return "that is one account";
	if (balance_of(facts, from) < json_integer_value(json_object_get(request, "amount")))
		return "there is not enough money in the account";
	*event_type = MONEY_TRANSFERRED;
	*payload = json_incref(request);
	return NULL;
}

bool
transfer(Bank *bank, char **words)
{
	json_int_t	amount = parse_amount(words[2]);

	if (amount < 0)
	{
		printf("refused: \"%s\" is not an amount\n", words[2]);
		return false;
	}
	return decide(bank, facts_about_two(words[0], words[1]), may_transfer,
				   json_pack("{s:s, s:s, s:I}", "from", words[0], "to", words[1], "amount", amount));
}
