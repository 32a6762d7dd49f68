/*
 * json_boundary.c
 *		Tests of the JSON boundary: the documents it takes and gives, letter by letter.
 */
#include "fake_store.h"
#include "recorder.h"

#include "tap.h"

#define EVENT_A "{\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}"
#define RECORD_1 "{\"sequence_number\": 1, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", " \
	"\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}"
#define RECORD_2 "{\"sequence_number\": 2, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", " \
	"\"event_type\": \"b\\u0001\", \"payload\": null, \"metadata\": {\"m\": [ ]}}"

/* Takes the result over. */
static void
answers(int code, char *result, int expected_code, const char *expected)
{
	if (!tap_ok(code == expected_code && result != NULL && strcmp(result, expected) == 0, "%s",
				expected))
		tap_diagnostic("found %d %s", code, result == NULL ? "NULL" : result);
	factstr_json_free(result);
}

static void
test_appending(factstr_store *store)
{
	uint64_t	zero = 0;
	uint64_t	two = 2;
	char	   *result;
	int			code;

	code = factstr_json_append(store,
							   "[" EVENT_A ", {\"payload\": null, \"event_type\": \"b\\u0001\", "
							   "\"metadata\": {\"m\": [ ]}}]",
							   NULL, &result);
	answers(code, result, FACTSTR_OK, "{\"first_sequence_number\": 1, \"last_sequence_number\": 2, "
			"\"committed_count\": 2}");
	code = factstr_json_append_if(store, "[" EVENT_A "]", "{}", &two, "key", &result);
	answers(code, result, FACTSTR_OK, "{\"first_sequence_number\": 3, \"last_sequence_number\": 3, "
			"\"committed_count\": 1}");
	code = factstr_json_append_if(store, "[" EVENT_A "]", NULL, &two, NULL, &result);
	answers(code, result, FACTSTR_CONFLICT,
			"{\"expected_context_version\": 2, \"actual_context_version\": 3}");
	code = factstr_json_append_if(store, "[" EVENT_A "]", "{}", NULL, NULL, &result);
	answers(code, result, FACTSTR_CONFLICT,
			"{\"expected_context_version\": null, \"actual_context_version\": 3}");
	code = factstr_json_append_if(store, "[" EVENT_A "]",
								  "{\"filters\": [{\"event_types\": [\"none\"]}]}", &zero, NULL,
								  &result);
	answers(code, result, FACTSTR_CONFLICT,
			"{\"expected_context_version\": 0, \"actual_context_version\": null}");
}

static void
test_errors(factstr_store *store)
{
	char	   *result;
	int			code;

	code = factstr_json_append(store, "[]", NULL, &result);
	answers(code, result, FACTSTR_EMPTY_APPEND,
			"{\"code\": \"empty_append\", \"message\": \"append requires at least one event\"}");
	code = factstr_json_append(store, "[{\"event_type\": \"a\", \"payload\": 1, \"meta\\\"\": 1}]",
							   NULL, &result);
	answers(code, result, FACTSTR_MALFORMED, "{\"code\": \"malformed_input\", \"message\": "
			"\"invalid events at $[0]: unknown key \\\"meta\\\"\\\"\", \"detail\": "
			"\"The keys of an event are \\\"event_type\\\", \\\"payload\\\" and, if wanted, "
			"\\\"metadata\\\".\"}");
	code = factstr_json_append(store, NULL, NULL, &result);
	answers(code, result, FACTSTR_MISUSE,
			"{\"code\": \"misuse\", \"message\": \"events must not be NULL\"}");
	code = factstr_json_query(NULL, NULL, &result);
	answers(code, result, FACTSTR_MISUSE,
			"{\"code\": \"misuse\", \"message\": \"store must not be NULL\"}");
	code = factstr_json_query(store, "{\"min_sequence_number\": 9223372036854775808}", &result);
	answers(code, result, FACTSTR_MALFORMED, "{\"code\": \"malformed_input\", \"message\": "
			"\"invalid event_query at $.min_sequence_number: min_sequence_number is beyond the "
			"64-bit signed range\", \"detail\": \"\\\"min_sequence_number\\\" is an integer in the "
			"64-bit signed range, or absent.\"}");
	(void) tap_ok(factstr_json_query(store, NULL, NULL) == FACTSTR_MISUSE, "a result is required");
	factstr_json_free(NULL);
}

static void
test_querying(factstr_store *store)
{
	char	   *result;
	int			code;

	code = factstr_json_query(store, "{\"filters\": [{\"event_types\": [\"none\"]}]}", &result);
	answers(code, result, FACTSTR_OK,
			"{\"event_records\": [], \"last_returned_sequence_number\": null, "
			"\"current_context_version\": null}");
	code = factstr_json_query(store, "{\"min_sequence_number\": 3}", &result);
	answers(code, result, FACTSTR_OK,
			"{\"event_records\": [], \"last_returned_sequence_number\": null, "
			"\"current_context_version\": 3}");
	code = factstr_json_query(
		store,
		"{\"filters\": [{\"payload_predicates\": [null]}, "
		"{\"payload_predicates\": [{\"x\": 1}]}], \"min_sequence_number\": null}",
		&result);
	answers(
		code, result, FACTSTR_OK,
		"{\"event_records\": [" RECORD_1 ", " RECORD_2 ", "
		"{\"sequence_number\": 3, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", "
		"\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}], \"last_returned_sequence_number\": 3, "
		"\"current_context_version\": 3}");
}

static int
take_nothing(const char *event_records, void *context)
{
	(void) event_records;
	(void) context;
	return 1;
}

static void
test_streams(factstr_store *store)
{
	factstr_stream *stream;
	char	   *result;
	int			code;

	code = factstr_json_streams(store, &result);
	answers(code, result, FACTSTR_OK, "[]");
	(void) tap_ok(factstr_json_stream_to_durable(store, "s \"1\"", "{\"filters\": []}",
												 take_nothing, NULL, &stream,
												 NULL) == FACTSTR_HANDLER_FAILED,
				  "a handler that fails");
	code = factstr_json_streams(store, &result);
	answers(code, result, FACTSTR_OK,
			"[{\"name\": \"s \\\"1\\\"\", \"event_query\": {\"filters\": []}, "
			"\"cursor_sequence_number\": 0, \"head_sequence_number\": 3, \"lag_facts\": 3, "
			"\"lag_time\": 1.500000, \"last_success_at\": null, \"failure_count\": 1, "
			"\"last_error\": \"the handler returned 1\", \"last_failed_at\": null, "
			"\"retry_at\": null, \"active\": false}]");
}

int
main(void)
{
	factstr_store *store = fake_store_open();

	test_appending(store);
	test_errors(store);
	test_querying(store);
	test_streams(store);
	(void) factstr_close(store);
	return tap_finish();
}
