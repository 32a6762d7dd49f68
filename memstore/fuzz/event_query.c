/*
 * event_query.c
 *		Fuzz target: any bytes as an event query.
 *
 * Beyond "no crash": an accepted query equals the one parsed from its text again, and the answer by the
 * event type alone agrees with that of the whole query.
 */
#include "fuzz.h"

#include "json/binding.h"
#include "match/event_query_parser.h"
#include "match/query_equality.h"
#include "match/query_matcher.h"

/* The document itself is as good a payload as any. */
static void
match(const fs_event_query *query, fs_json payload)
{
	fs_text		event_type = {"a", 1};
	fs_type_verdict verdict = fs_event_type_verdict(query, event_type);
	bool		matches;

	require(fs_event_query_matches(query, event_type, payload, &matches) == FS_COMPLETED);
	require(verdict != FS_MATCH || matches);
	require(verdict != FS_NO_MATCH || !matches);
	require(!fs_asks_for_every_fact(query) || query->partition.count > 1 || matches);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load((const char *) data, size, &error);
	fs_json		again = fs_json_document_load((const char *) data, size, &error);
	fs_event_query query = {0};
	fs_event_query copy = {0};

	require((document == NULL) == (again == NULL));
	if (document != NULL)
	{
		bool		equal;
		bool		accepted = fs_event_query_parse(document, &query, &error);

		require(accepted || error.code != FS_INPUT_OK);
		require(fs_event_query_parse(again, &copy, &error) == accepted);
		if (accepted)
		{
			require(fs_event_query_equal(&query, &copy, &equal) == FS_COMPLETED && equal);
			match(&query, document);
		}
	}
	fs_event_query_release(&query);
	fs_event_query_release(&copy);
	fs_json_document_release(document);
	fs_json_document_release(again);
	return 0;
}
