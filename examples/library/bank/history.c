/*
 * history.c
 *		Slice: the history of an account, by query.  Nothing is kept for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bank.h"

bool
show_history(Bank *bank, char **words)
{
	json_t	   *about = facts_about(words[0]);
	char	   *query = json_dumps(about, JSON_COMPACT);
	factstr_cursor *cursor = NULL;
	const factstr_fact *fact;
	factstr_error error;
	int			code = factstr_read_open(bank->store, query, NULL, &cursor, &error);

	while (code == FACTSTR_OK &&
		   (code = factstr_read_next(cursor, &fact, &error)) == FACTSTR_OK && fact != NULL)
	{
		json_t	   *payload = payload_of(fact);
		char	   *text = json_dumps(payload, JSON_SORT_KEYS);

		printf("%4" PRIu64 "  %-18s %s\n", fact->sequence_number, fact->event_type, text);
		free(text);
		json_decref(payload);
	}
	factstr_read_close(cursor);
	free(query);
	json_decref(about);
	return code == FACTSTR_OK || failed(&error);
}
