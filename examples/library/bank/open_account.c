/*
 * open_account.c
 *		Slice: open an account.  Nothing may be known of it yet.
 */
#include "bank.h"

static const char *
may_open(const factstr_query_result *facts, json_t *request,
		 const char **event_type, json_t **payload)
{
	if (facts->fact_count > 0)
		return "the account is open already";
	*event_type = ACCOUNT_OPENED;
	*payload = json_incref(request);
	return NULL;
}

bool
open_account(Bank *bank, char **words)
{
	return decide(bank, facts_about(words[0]), may_open,
				  json_pack("{s:s, s:s}", "account", words[0], "owner", words[1]));
}
