/*
 * withdraw.c
 *		Slice: take money from an account.  It is never overdrawn, however many take at the same time.
 */
#include <stdio.h>

#include "bank.h"

static const char *
may_withdraw(const factstr_query_result *facts, json_t *request,
			 const char **event_type, json_t **payload)
{
	const char *account = json_string_value(json_object_get(request, "account"));

	if (!is_open(facts, account))
		return "there is no such account";
	if (balance_of(facts, account) < json_integer_value(json_object_get(request, "amount")))
		return "there is not enough money in the account";
	*event_type = MONEY_WITHDRAWN;
	*payload = json_incref(request);
	return NULL;
}

bool
withdraw(Bank *bank, char **words)
{
	json_int_t	amount = parse_amount(words[1]);

	if (amount < 0)
	{
		printf("refused: \"%s\" is not an amount\n", words[1]);
		return false;
	}
	return decide(bank, facts_about(words[0]), may_withdraw,
				   json_pack("{s:s, s:I}", "account", words[0], "amount", amount));
}
