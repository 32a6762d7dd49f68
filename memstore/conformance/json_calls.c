/*
 * json_calls.c
 *		The JSON boundary has all that the other calls have: cursors, batches, copies, streams.
 */
#include "deliveries.h"
#include "redactions.h"

#include <stdio.h>
#include <string.h>

static void
free_json(void *result)
{
	factstr_json_free(result);
}

/* The result of a call that must have this code; it becomes the test's. */
static const char *
answer(fc_test *test, const char *call, int code, char *result, int expected)
{
	fc_expect_code(test, call, code, NULL, expected);
	if (result == NULL)
	{
		fc_fail(test, "%s: expected a document, found NULL", call);
		return "";
	}
	fc_own(test, free_json, result);
	return result;
}

static void
expect_refusal(fc_test *test, const char *call, int code, char *result, int expected, const char *named)
{
	const char *document = answer(test, call, code, result, expected);

	fc_expect(test, strncmp(document, "{\"code\": \"", 10) == 0 &&
			  strncmp(document + 10, factstr_code_name(expected), strlen(factstr_code_name(expected))) == 0 &&
			  strstr(document, named) != NULL,
			  "%s: expected an error that names \"%s\", found %s", call, named, document);
}

/* The records of facts first to last, as an answer of a query has them. */
static const char *
records(fc_test *test, uint64_t first, uint64_t last)
{
	const factstr_query_result *stored = fc_query(test, test->store, NULL);
	char	   *text = fc_format(test, "[");
	char		time[FACTSTR_TIME_SIZE];

	for (uint64_t i = first; i <= last; i++)
	{
		const factstr_fact *fact = &stored->facts[i - 1];

		text = fc_format(test, "%s%s{\"sequence_number\": %llu, \"occurred_at\": \"%s\", \"event_type\": \"%s\", "
						 "\"payload\": %s%s%s}", text, i == first ? "" : ", ", (unsigned long long) i,
						 factstr_format_time(fact->occurred_at, time), fact->event_type, fact->payload,
						 fact->metadata == NULL ? "" : ", \"metadata\": ",
						 fact->metadata == NULL ? "" : fact->metadata);
	}
	return fc_format(test, "%s]", text);
}

static void
opening(fc_test *test)
{
	factstr_store *store = NULL;
	char	   *result = NULL;
	int			code = factstr_json_open("memory:", &store, &result);

	fc_expect_json(test, "an opened store", answer(test, "factstr_json_open", code, result, FACTSTR_OK), "{}");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	code = factstr_json_open("nowhere:", &store, &result);
	expect_refusal(test, "factstr_json_open", code, result, FACTSTR_CANNOT_OPEN, "URL");
	fc_expect(test, store == NULL, "a store came with the error");
	code = factstr_json_open("memory:", NULL, &result);
	expect_refusal(test, "factstr_json_open", code, result, FACTSTR_MISUSE, "store");
}

static void
versions(fc_test *test)
{
	char	   *result = NULL;
	int			code = factstr_json_context_version(test->store, NULL, &result);

	fc_expect_json(test, "the version of an empty log",
				   answer(test, "factstr_json_context_version", code, result, FACTSTR_OK),
				   "{'current_context_version': null}");
	(void) fc_append_types(test, "a b");
	code = factstr_json_context_version(test->store, fc_quote(test, FC_TYPE("a")), &result);
	fc_expect_json(test, "the version of a context",
				   answer(test, "factstr_json_context_version", code, result, FACTSTR_OK),
				   "{'current_context_version': 1}");
	code = factstr_json_context_version(test->store, "[]", &result);
	expect_refusal(test, "factstr_json_context_version", code, result, FACTSTR_MALFORMED, "event_query");
}

/*
 * Cursors
 */

static void
close_cursor(void *cursor)
{
	factstr_read_close(cursor);
}

static factstr_cursor *
open_cursor(fc_test *test, const char *query, const char *options)
{
	factstr_cursor *cursor = NULL;
	char	   *result = NULL;
	int			code = factstr_json_read_open(test->store, query == NULL ? NULL : fc_quote(test, query),
											  options == NULL ? NULL : fc_quote(test, options), &cursor,
											  &result);

	fc_expect_json(test, "an opened cursor", answer(test, "factstr_json_read_open", code, result, FACTSTR_OK),
				   "{}");
	fc_own(test, close_cursor, cursor);
	return cursor;
}

static const char *
read_next(fc_test *test, factstr_cursor *cursor, size_t max_count)
{
	char	   *result = NULL;
	int			code = factstr_json_read_next(cursor, max_count, &result);

	return answer(test, "factstr_json_read_next", code, result, FACTSTR_OK);
}

static void
cursors(fc_test *test)
{
	factstr_cursor *cursor;
	char	   *result = NULL;
	int			code;

	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': null}, {'event_type': 'a', 'payload': [2]}]", NULL);
	cursor = open_cursor(test, NULL, NULL);
	fc_expect_json(test, "two facts", read_next(test, cursor, 2), records(test, 1, 2));
	fc_expect_json(test, "the last one", read_next(test, cursor, 2), records(test, 3, 3));
	fc_expect_json(test, "the end", read_next(test, cursor, 2), "[]");
	fc_expect_json(test, "behind the end", read_next(test, cursor, 2), "[]");
	cursor = open_cursor(test, FC_TYPE("a"), "{'backwards': true, 'max_count': 1}");
	fc_expect_json(test, "the newest match", read_next(test, cursor, 9), records(test, 3, 3));
	fc_expect_json(test, "no more than wanted", read_next(test, cursor, 9), "[]");
	code = factstr_json_read_next(cursor, 0, &result);
	expect_refusal(test, "reading nothing", code, result, FACTSTR_MALFORMED, "max_count");
	code = factstr_json_read_next(NULL, 1, &result);
	expect_refusal(test, "no cursor", code, result, FACTSTR_MISUSE, "cursor");
}

static void
many_facts(fc_test *test)
{
	factstr_cursor *cursor;
	const char *facts;
	size_t		count = 0;

	for (int i = 0; i < 100; i++)
		(void) fc_append_types(test, "a b c d e f g h i j");
	cursor = open_cursor(test, NULL, "{}");
	do
	{
		fc_json    *document;

		facts = read_next(test, cursor, 300);
		document = fc_json_parse(facts);
		count += document == NULL ? 0 : fc_json_count(document);
		fc_json_free(document);
	} while (strcmp(facts, "[]") != 0);
	fc_expect_number(test, "facts read in pieces", count, 1000);
}

static void
read_options_are_checked(fc_test *test)
{
	static const char *const malformed[] = {
		"[]", "{", "{'limit': 1}", "{'max_count': -1}", "{'max_count': '1'}", "{'backwards': 1}"
	};
	factstr_cursor *cursor = NULL;
	char	   *result = NULL;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
	{
		int			code = factstr_json_read_open(test->store, NULL, fc_quote(test, malformed[i]), &cursor,
												  &result);

		expect_refusal(test, malformed[i], code, result, FACTSTR_MALFORMED, "options");
		fc_expect(test, cursor == NULL, "%s: a cursor came with the error", malformed[i]);
	}
}

/*
 * Batches
 */

static void
batches(fc_test *test)
{
	char	   *result = NULL;
	int			code;

	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	code = factstr_json_batches(test->store, fc_quote(test, FC_TYPE("a")), 0, 10, &result);
	fc_expect_json(test, "batches with a match", answer(test, "factstr_json_batches", code, result, FACTSTR_OK),
				   fc_format(test, "[{\"first_sequence_number\": 1, \"last_sequence_number\": 2, "
							 "\"event_records\": %s}, {\"first_sequence_number\": 4, "
							 "\"last_sequence_number\": 4, \"event_records\": %s}]",
							 records(test, 1, 1), records(test, 4, 4)));
	code = factstr_json_batches(test->store, NULL, 4, 10, &result);
	fc_expect_json(test, "no batches", answer(test, "factstr_json_batches", code, result, FACTSTR_OK), "[]");
	code = factstr_json_batches(test->store, NULL, 0, 0, &result);
	expect_refusal(test, "no number of batches", code, result, FACTSTR_MALFORMED, "max_batches");
}

/*
 * Copies
 */

static const char *
export_json(fc_test *test, factstr_store *store)
{
	char	   *result = NULL;
	int			code = factstr_json_export(store, 0, 10, &result);

	return answer(test, "factstr_json_export", code, result, FACTSTR_OK);
}

static const char *
import_json(fc_test *test, factstr_store *store, const char *batches_text)
{
	char	   *result = NULL;
	int			code = factstr_json_import(store, batches_text, &result);

	return answer(test, "factstr_json_import", code, result, FACTSTR_OK);
}

static void
copies(fc_test *test)
{
	factstr_store *copy = fc_open(test, fc_fresh(test));
	const char *exported;

	(void) fc_append_events(test, "[{'event_type': '\\u00e9 \\\"a\\\"', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': null}]", "a \"key\"");
	(void) fc_append_types(test, "c");
	exported = export_json(test, test->store);
	fc_expect_json(test, "the result of an import", import_json(test, copy, exported),
				   "{'first_sequence_number': 1, 'last_sequence_number': 3, 'committed_count': 3}");
	fc_expect_json(test, "the copy", export_json(test, copy), exported);
	fc_expect_json(test, "nothing to import", import_json(test, copy, "[]"),
				   "{'first_sequence_number': null, 'last_sequence_number': null, 'committed_count': 0}");
	fc_expect_json(test, "history without numbers",
				   import_json(test, copy, fc_quote(test, "[{'event_records': [{'occurred_at': "
													"'2018-02-07T02:45:21.5+01:00', 'event_type': 'd', 'payload': 1}], "
													"'idempotency_key': null}]")),
				   "{'first_sequence_number': 4, 'last_sequence_number': 4, 'committed_count': 1}");
	fc_expect(test, strstr(export_json(test, copy), "\"2018-02-07T01:45:21.500000Z\"") != NULL,
			  "the time of an imported fact is another one");
}

static void
redactions_move_along(fc_test *test)
{
	factstr_store *copy = fc_open(test, fc_fresh(test));
	char	   *result = NULL;
	const char *exported;
	int			code;

	fc_append_owners(test);
	(void) import_json(test, copy, export_json(test, test->store));
	code = factstr_json_redact(test->store, 1, "{}", "a \"right\"", NULL, &result);
	(void) answer(test, "factstr_json_redact", code, result, FACTSTR_OK);
	code = factstr_json_redact(test->store, 1, "{\"n\": 1}", "again", "{\"m\": 2}", &result);
	(void) answer(test, "factstr_json_redact", code, result, FACTSTR_OK);
	exported = export_json(test, test->store);
	code = factstr_json_import_redactions(copy, exported, &result);
	fc_expect_json(test, "redactions that are new",
				   answer(test, "factstr_json_import_redactions", code, result, FACTSTR_OK), "{'imported_count': 2}");
	fc_expect_json(test, "the copy that follows", export_json(test, copy), exported);
	code = factstr_json_import_redactions(copy, exported, &result);
	fc_expect_json(test, "the same again",
				   answer(test, "factstr_json_import_redactions", code, result, FACTSTR_OK), "{'imported_count': 0}");
	copy = fc_open(test, fc_fresh(test));
	(void) import_json(test, copy, exported);
	fc_expect_json(test, "a copy made since", export_json(test, copy), exported);
}

static void
malformed_batches(fc_test *test)
{
#define RECORD "{'occurred_at': '2026-01-31T08:15:30Z', 'event_type': 'a', 'payload': 1}"
	static const struct
	{
		const char *batches;
		const char *named;
	}			malformed[] = {
		{"{}", "array"},
		{"[", "line 1"},
		{"[1]", "$[0]"},
		{"[{'event_records': []}]", "$[0]"},
		{"[{}]", "event_records"},
		{"[{'event_records': [" RECORD "]}, {'event_records': {}}]", "$[1]"},
		{"[{'event_records': [" RECORD "], 'key': 'k'}]", "key"},
		{"[{'event_records': [" RECORD "], 'idempotency_key': 1}]", "idempotency_key"},
		{"[{'event_records': [" RECORD "], 'first_sequence_number': 1}]", "$[0]"},
		{"[{'event_records': [" RECORD "], 'first_sequence_number': 0, 'last_sequence_number': 0}]",
		"first_sequence_number"},
		{"[{'event_records': [1]}]", "$[0].event_records[0]"},
		{"[{'event_records': [" RECORD ", {'event_type': 'a', 'payload': 1}]}]", "occurred_at"},
		{"[{'event_records': [{'occurred_at': '2026-01-31', 'event_type': 'a', 'payload': 1}]}]", "occurred_at"},
		{"[{'event_records': [{'occurred_at': '2026-01-31T08:15:30Z', 'payload': 1}]}]", "event_type"},
		{"[{'event_records': [{'occurred_at': '2026-01-31T08:15:30Z', 'event_type': 'a'}]}]", "payload"},
		{"[{'event_records': [{'occurred_at': '2026-01-31T08:15:30Z', 'event_type': '', 'payload': 1}]}]",
		"$[0].event_records[0].event_type"},
		{"[{'event_records': [" RECORD ", {'sequence_number': 1, 'occurred_at': '2026-01-31T08:15:30Z', "
			"'event_type': 'a', 'payload': 1}]}]", "$[0].event_records[1].sequence_number"},
		{"[{'event_records': [{'occurred_at': '2026-01-31T08:15:30Z', 'event_type': 'a', 'payload': 1, "
			"'redactions': [{}]}]}]", "redactions"},
		{"[{'event_records': [{'occurred_at': '2026-01-31T08:15:30Z', 'event_type': 'a', 'payload': 1, "
			"'metadata': [1]}]}]", "metadata"}
	};
	char	   *result = NULL;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
	{
		int			code = factstr_json_import(test->store, fc_quote(test, malformed[i].batches), &result);

		expect_refusal(test, malformed[i].batches, code, result, FACTSTR_MALFORMED, malformed[i].named);
	}
	fc_expect_log_ends_at(test, 0);
#undef RECORD
}

/*
 * Streams
 */

static void
free_stream(void *stream)
{
	(void) factstr_stream_close(stream, -1);
}

static void
streams(fc_test *test)
{
	factstr_stream *stream = NULL;
	char	   *result = NULL;
	int			fd = -1;
	int			code = factstr_json_stream_open(test->store, "s", NULL, NULL, NULL, NULL, NULL, NULL,
												&stream, &result);

	(void) answer(test, "factstr_json_stream_open", code, result, FACTSTR_OK);
	fc_own(test, free_stream, stream);
	code = factstr_json_stream_state(stream, &result);
	fc_expect_json(test, "the state of a stream", answer(test, "factstr_json_stream_state", code, result, FACTSTR_OK),
				   "{}");
	code = factstr_json_stream_fd(stream, &result);
	fc_expect(test, sscanf(answer(test, "factstr_json_stream_fd", code, result, FACTSTR_OK), "{\"fd\": %d}", &fd) == 1 &&
			  fd > 0, "a descriptor: found %s", result);
	factstr_stream_unsubscribe(stream);
	code = factstr_json_stream_state(stream, &result);
	expect_refusal(test, "the state of a stream that has ended", code, result, FACTSTR_MISUSE, "unsubscribed");
	code = factstr_json_stream_state(NULL, &result);
	expect_refusal(test, "the state of no stream", code, result, FACTSTR_MISUSE, "stream");
}

static void
durable_streams(fc_test *test)
{
	char	   *result = NULL;
	int			code;

	(void) fc_append_types(test, "a b");
	fc_end_stream(fc_subscribe_durable(test, "s", FC_ALL));
	code = factstr_json_wait(test->store, "s", 2, 0, &result);
	fc_expect_json(test, "a wait", answer(test, "factstr_json_wait", code, result, FACTSTR_OK), "{}");
	code = factstr_json_wait(test->store, "s", 3, 0, &result);
	expect_refusal(test, "a wait in vain", code, result, FACTSTR_WAIT_TIMED_OUT, "fact 3");
	code = factstr_json_stream_seek(test->store, "s", 1, &result);
	fc_expect_json(test, "a seek", answer(test, "factstr_json_stream_seek", code, result, FACTSTR_OK), "{}");
	fc_expect_cursor(test, "s", 1);
	code = factstr_json_stream_seek(test->store, "s", 9, &result);
	expect_refusal(test, "a seek beyond the end", code, result, FACTSTR_MALFORMED, "9");
	code = factstr_json_stream_drop(test->store, "s", &result);
	fc_expect_json(test, "a drop", answer(test, "factstr_json_stream_drop", code, result, FACTSTR_OK), "{}");
	code = factstr_json_stream_drop(test->store, "s", &result);
	expect_refusal(test, "a second drop", code, result, FACTSTR_NO_SUCH_STREAM, "\\\"s\\\"");
}

const fc_case fc_json_call_cases[] = {
	{{"JSON boundary", "8", "opening a store, or the error of it"}, 0, opening},
	{{"JSON boundary", "13", "the version of a context"}, 0, versions},
	{{"JSON boundary", "2, 13", "facts are read through a cursor"}, 0, cursors},
	{{"JSON boundary", "2, 13", "many facts are read in pieces"}, 0, many_facts},
	{{"JSON boundary", "8", "options of a cursor are checked"}, 0, read_options_are_checked},
	{{"JSON boundary", "5, 18", "batches are those that streams deliver"}, 0, batches},
	{{"JSON boundary", "37", "an import stores the batches of an export"}, 0, copies},
	{{"JSON boundary", "41", "redactions move along with exports"}, 0, redactions_move_along},
	{{"JSON boundary", "8, 37", "malformed batches are refused by their place"}, 0, malformed_batches},
	{{"JSON boundary", "44", "the state and the descriptor of a stream"}, 0, streams},
	{{"JSON boundary", "30", "durable streams are waited for, moved and dropped"}, 0, durable_streams},
	{{NULL, NULL, NULL}, 0, NULL}
};
