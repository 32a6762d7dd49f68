/*
 * decide.c
 *		Query, decide, append if nothing has changed: the loop that every decision goes through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bank.h"

/* One attempt.  *reason is why not, or NULL. */
static int
attempt(Bank *bank, const char *query, Decision decision, json_t *request,
		uint64_t *number, const char **reason, factstr_error *error)
{
	factstr_query_result *facts = NULL;
	factstr_event event = {NULL};
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result appended = {0};
	json_t	   *payload = NULL;
	char	   *text = NULL;
	int			code = factstr_query(bank->store, query, &facts, error);

	if (code == FACTSTR_OK)
		*reason = decision(facts, request, &event.event_type, &payload);
	if (code == FACTSTR_OK && *reason == NULL)
	{
		event.payload = text = json_dumps(payload, JSON_COMPACT);
		options.condition = FACTSTR_APPEND_IF;
		options.context_query = query;
		options.expected_context_version = facts->current_context_version;
		code = factstr_append(bank->store, &event, 1, &options, &appended, error);
	}
	*number = appended.last_sequence_number;
	free(text);
	json_decref(payload);
	factstr_query_result_free(facts);
	return code;
}

bool
decide(Bank *bank, json_t *context_query, Decision decision, json_t *request)
{
	char	   *query = json_dumps(context_query, JSON_COMPACT);
	const char *reason = NULL;
	factstr_error error;
	uint64_t	number;
	int			code;

	do
		code = attempt(bank, query, decision, request, &number, &reason, &error);
	while (code == FACTSTR_CONFLICT);

	if (code != FACTSTR_OK)
		(void) failed(&error);
	else if (reason != NULL)
		printf("refused: %s\n", reason);
	else
		printf("done, fact %" PRIu64 "\n", number);
	free(query);
	json_decref(context_query);
	json_decref(request);
	return code == FACTSTR_OK && reason == NULL;
}
