/*
 * deposit.c
 *		Slice: put money into an account that is open.
 */
#include <stdio.h>

#include "bank.h"

static const char *
may_deposit(const factstr_query_result *facts, json_t *request,
			const char **event_type, json_t **payload)
{
	if (!is_open(facts, json_string_value(json_object_get(request, "account"))))
		return "there is no such account";
	*event_type = MONEY_DEPOSITED;
	*payload = json_incref(request);
	return NULL;
}

bool
deposit(Bank *bank, char **words)
{
	json_int_t	amount = parse_amount(words[1]);

	if (amount < 0)
	{
		printf("refused: \"%s\" is not an amount\n", words[1]);
		return false;
	}
	return decide(bank, facts_about(words[0]), may_deposit,
				   json_pack("{s:s, s:I}", "account", words[0], "amount", amount));
}
