/*
 * json_boundary.c
 *		Tests of the JSON boundary: the documents it takes and gives, letter by letter.
 */
#include "results/error.h"
#include "api/store.h"

#include "lib/stores.h"

#define EVENT_A "{\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}"
#define TIME INT64_C(1769847330123456)
#define RECORD_1 "{\"sequence_number\": 1, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", " \
	"\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}"
#define RECORD_2 "{\"sequence_number\": 2, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", " \
	"\"event_type\": \"b\\u0001\", \"payload\": null, \"metadata\": {\"m\": [ ]}}"
#define RECORD_3 "{\"sequence_number\": 3, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\", " \
	"\"event_type\": \"a\", \"payload\": {\"x\": 1.0}}"

/* A call's code and its document, which is taken over. */
static void
ok_answer(int code, char *result, int expected_code, const char *expected, const char *name)
{
	ok_code(code, expected_code, NULL, "%s", name);
	ok_str(result, expected, "%s: the document", name);
	factstr_json_free(result);
}

#define CONFLICT \
	"{\"code\": \"conditional_append_conflict\", \"message\": \"conditional append conflict\", "
#define VERSION_HINT \
	"\"hint\": \"Query the context again, decide again, and append with its current version.\", "

static void
test_appending(void)
{
	factstr_store *store = store_open("memory:");
	char	   *result;
	int			code;

	code = factstr_json_append(store,
							   "[" EVENT_A ", {\"payload\": null, \"event_type\": \"b\\u0001\", "
							   "\"metadata\": {\"m\": [ ]}}]",
							   NULL, &result);
	ok_answer(code, result, FACTSTR_OK, "{\"first_sequence_number\": 1, "
			  "\"last_sequence_number\": 2, \"committed_count\": 2}", "an append");
	code = factstr_json_append(store, "[" EVENT_A "]", "{\"expected_context_version\": 2, "
							   "\"context_query\": { }, \"idempotency_key\": \"key\"}", &result);
	ok_answer(code, result, FACTSTR_OK, "{\"first_sequence_number\": 3, "
			  "\"last_sequence_number\": 3, \"committed_count\": 1}", "a conditional append");
	code = factstr_json_append(store, "[" EVENT_A "]", "{\"expected_context_version\": 2}", &result);
	ok_answer(code, result, FACTSTR_CONFLICT,
			  CONFLICT "\"detail\": \"The context was expected to be at version 2, and is at version 3.\", "
			  VERSION_HINT "\"expected_context_version\": 2, \"actual_context_version\": 3}", "a conflict");
	code = factstr_json_append(store, "[" EVENT_A "]", "{\"expected_context_version\": null}", &result);
	ok_answer(code, result, FACTSTR_CONFLICT,
			  CONFLICT "\"detail\": \"The context was expected to be empty, and is at version 3.\", "
			  VERSION_HINT "\"expected_context_version\": null, \"actual_context_version\": 3}",
			  "a context that is not empty");
	code = factstr_json_append(store, "[" EVENT_A "]", "{\"after_sequence_number\": 2}", &result);
	ok_answer(code, result, FACTSTR_CONFLICT,
			  CONFLICT "\"detail\": \"The context has fact 3, after 2.\", \"hint\": \"Query the context "
			  "again, decide again, and append after the newest fact that was read.\", "
			  "\"after_sequence_number\": 2, \"actual_context_version\": 3}",
			  "a fact after the position");
	code = factstr_json_append(store, "[" EVENT_A "]", "{\"after_sequence_number\": 4}", &result);
	ok_answer(code, result, FACTSTR_MALFORMED, "{\"code\": \"malformed_input\", \"message\": "
			  "\"invalid after_sequence_number: 4 is beyond the newest fact, 3\", "
			  "\"hint\": \"Pass a number that was read from this log.\"}",
			  "a position that the log does not have");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_errors(void)
{
	factstr_store *store = store_open("memory:");
	char	   *result;
	int			code;

	code = factstr_json_append(store, "[]", NULL, &result);
	ok_answer(code, result, FACTSTR_EMPTY_APPEND,
			  "{\"code\": \"empty_append\", \"message\": \"append requires at least one event\"}",
			  "no events");
	code = factstr_json_append(store, "[{\"event_type\": \"a\", \"payload\": 1, \"meta\\\"\": 1}]",
							   NULL, &result);
	ok_answer(code, result, FACTSTR_MALFORMED, "{\"code\": \"malformed_input\", \"message\": "
			  "\"invalid events at $[0]: unknown key \\\"meta\\\"\\\"\", \"detail\": "
			  "\"The keys of an event are \\\"event_type\\\", \\\"payload\\\" and, if wanted, "
			  "\\\"metadata\\\".\"}", "an unknown key");
	code = factstr_json_append(store, NULL, NULL, &result);
	ok_answer(code, result, FACTSTR_MISUSE,
			  "{\"code\": \"misuse\", \"message\": \"events must not be NULL\"}", "events NULL");
	code = factstr_json_query(NULL, NULL, &result);
	ok_answer(code, result, FACTSTR_MISUSE,
			  "{\"code\": \"misuse\", \"message\": \"store must not be NULL\"}", "store NULL");
	code = factstr_json_query(store, "{\"after\": 9223372036854775808}", &result);
	ok_answer(code, result, FACTSTR_MALFORMED, "{\"code\": \"malformed_input\", \"message\": "
			  "\"invalid event_query at $.after: after is beyond the "
			  "64-bit signed range\", \"detail\": \"It is an integer from "
			  "0 to 9223372036854775807, or absent.\"}", "a number out of range");
	ok_code(factstr_json_query(store, NULL, NULL), FACTSTR_MISUSE, NULL, "a result is required");
	factstr_json_free(NULL);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Three facts whose time is known. */
static factstr_store *
open_with_facts(void)
{
	factstr_store *store = store_open("memory:");
	factstr_fact facts[] = {
		{1, TIME, "a", "{\"x\": 1.0}", NULL, {0}},
		{2, TIME, "b\001", "null", "{\"m\": [ ]}", {0}},
		{3, TIME, "a", "{\"x\": 1.0}", NULL, {0}}
	};
	factstr_batch batch = {1, 3, 3, facts, NULL, NULL, 0, NULL, {0}};
	factstr_error error;

	if (factstr_import(store, &batch, 1, NULL, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	return store;
}

static void
test_querying(void)
{
	factstr_store *store = open_with_facts();
	char	   *result;
	int			code;

	code = factstr_json_query(store, "{\"filters\": [{\"event_types\": [\"none\"]}]}", &result);
	ok_answer(code, result, FACTSTR_OK,
			  "{\"event_records\": [], \"last_returned_sequence_number\": null, "
			  "\"current_context_version\": null}", "a query that matches nothing");
	code = factstr_json_query(store, "{\"after\": 3}", &result);
	ok_answer(code, result, FACTSTR_OK,
			  "{\"event_records\": [], \"last_returned_sequence_number\": null, "
			  "\"current_context_version\": 3}", "a query with a minimum");
	code = factstr_json_query(
		store,
		"{\"filters\": [{\"payload_predicates\": [null]}, "
		"{\"payload_predicates\": [{\"x\": 1}]}], \"after\": null}",
		&result);
	ok_answer(code, result, FACTSTR_OK,
			  "{\"event_records\": [" RECORD_1 ", " RECORD_2 ", " RECORD_3 "], "
			  "\"last_returned_sequence_number\": 3, \"current_context_version\": 3}",
			  "a query that matches all");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Streams of which everything is known. */
static int
list_known_streams(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	const factstr_stream_status failing = {
		.name = "s \"1\"",
		.event_query = "{\"filters\": []}",
		.head_sequence_number = 3,
		.lag_facts = 3,
		.lag_us = INT64_C(1500000),
		.failure_count = 1,
		.last_error = "the handler returned 1"
	};
	const factstr_stream_status active = {
		.name = "t",
		.event_query = "{}",
		.cursor_sequence_number = 3,
		.head_sequence_number = 3,
		.last_success_at = TIME,
		.last_failed_at = TIME,
		.retry_at = TIME,
		.active = true
	};

	(void) backend;
	if (!fs_stream_list_add(streams, &failing) || !fs_stream_list_add(streams, &active))
		return fs_error_no_memory(error);
	return FACTSTR_OK;
}

static void
test_streams(void)
{
	fs_methods	methods = fs_memory_store;
	factstr_store *store = store_open("memory:");
	char	   *result;
	int			code = factstr_json_streams(store, &result);

	ok_answer(code, result, FACTSTR_OK, "[]", "no streams");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);

	methods.streams = list_known_streams;
	if (fs_open_methods(&methods, "", &store, NULL) != FACTSTR_OK)
		tap_bail_out("the store cannot be opened");
	code = factstr_json_streams(store, &result);
	ok_answer(code, result, FACTSTR_OK,
			  "[{\"name\": \"s \\\"1\\\"\", \"event_query\": {\"filters\": []}, "
			  "\"cursor_sequence_number\": 0, \"head_sequence_number\": 3, \"lag_facts\": 3, "
			  "\"lag_us\": 1500000, \"last_success_at\": null, \"failure_count\": 1, "
			  "\"last_error\": \"the handler returned 1\", \"last_failed_at\": null, "
			  "\"retry_at\": null, \"active\": false}, "
			  "{\"name\": \"t\", \"event_query\": {}, "
			  "\"cursor_sequence_number\": 3, \"head_sequence_number\": 3, \"lag_facts\": 0, "
			  "\"lag_us\": 0, \"last_success_at\": \"2026-01-31T08:15:30.123456Z\", "
			  "\"failure_count\": 0, \"last_error\": null, "
			  "\"last_failed_at\": \"2026-01-31T08:15:30.123456Z\", "
			  "\"retry_at\": \"2026-01-31T08:15:30.123456Z\", \"active\": true}]", "two streams");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static int
take_nothing(const char *delivery, void *context, factstr_error *error)
{
	(void) delivery;
	(void) context;
	(void) error;
	return 1;
}

static void
test_failing_handler(void)
{
	factstr_store *store = open_with_facts();
	factstr_stream *stream;
	char	   *result;

	ok_code(factstr_json_stream_open(store, "s", "{\"filters\": []}", take_nothing, NULL, NULL, NULL,
									 NULL, &stream, &result),
			FACTSTR_HANDLER_FAILED, NULL, "a JSON handler that fails");
	ok_contains(result, "the handler returned 1", "its result is told");
	factstr_json_free(result);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_appending();
	test_errors();
	test_querying();
	test_streams();
	test_failing_handler();
	return tap_finish();
}
