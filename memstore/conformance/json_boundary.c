/*
 * json_boundary.c
 *		The calls with whole documents: the exact form of these.
 */
#include "deliveries.h"

#include <string.h>

#define TWO \
	"[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}}," \
	" {'event_type': 'b', 'payload': null}]"

static void
free_json(void *result)
{
	factstr_json_free(result);
}

/* A result becomes the test's. */
static const char *
keep(fc_test *test, char *result)
{
	if (result == NULL)
	{
		fc_fail(test, "a result: expected a document, found NULL");
		return "";
	}
	fc_own(test, free_json, result);
	return result;
}

static const char *
json_append(fc_test *test, const char *events, const char *key, int code)
{
	char	   *result = NULL;
	const char *options = key == NULL ? NULL : fc_format(test, "{\"idempotency_key\": \"%s\"}", key);
	int			found = factstr_json_append(test->store, fc_quote(test, events), options, &result);

	fc_expect_code(test, "factstr_json_append", found, NULL, code);
	return keep(test, result);
}

/* The options are written with ' for ". */
static const char *
json_append_with(fc_test *test, const char *options, int code)
{
	char	   *result = NULL;
	int			found = factstr_json_append(test->store, fc_quote(test, TWO), fc_quote(test, options), &result);

	fc_expect_code(test, options, found, NULL, code);
	return keep(test, result);
}

/* 0 stands for null. */
static const char *
json_append_if(fc_test *test, const char *context, unsigned int expected, int code)
{
	const char *options = expected == 0 ?
		fc_format(test, "{'context_query': %s, 'expected_context_version': null}", context) :
		fc_format(test, "{'expected_context_version': %u, 'context_query': %s}", expected, context);

	return json_append_with(test, options, code);
}

static const char *
json_append_unless(fc_test *test, const char *context, unsigned int after, int code)
{
	return json_append_with(test, fc_format(test, "{'context_query': %s, 'after_sequence_number': %u}",
											context, after), code);
}

static const char *
json_query(fc_test *test, const char *query)
{
	char	   *result = NULL;
	int			found = factstr_json_query(test->store, fc_quote(test, query), &result);

	fc_expect_code(test, "factstr_json_query", found, NULL, FACTSTR_OK);
	return keep(test, result);
}

/* The record of a stored fact, made from the fact as factstr_query gives it. */
static char *
record_of(fc_test *test, const factstr_fact *fact)
{
	char		time[FACTSTR_TIME_SIZE];

	return fc_format(test,
					 "{\"sequence_number\": %llu, \"occurred_at\": \"%s\", \"event_type\": \"%s\", "
					 "\"payload\": %s%s%s}",
					 (unsigned long long) fact->sequence_number,
					 factstr_format_time(fact->occurred_at, time),
					 fact->event_type, fact->payload, fact->metadata == NULL ? "" :
					 ", \"metadata\": ", fact->metadata == NULL ? "" : fact->metadata);
}

/* The records of all facts from a number on. */
static char *
records_from(fc_test *test, uint64_t first)
{
	const factstr_query_result *stored = fc_query(test, test->store, NULL);
	char	   *text = fc_format(test, "[");

	for (size_t i = first - 1; i < stored->fact_count; i++)
		text = fc_format(test, "%s%s%s", text, i == first - 1 ? "" : ", ",
						 record_of(test, &stored->facts[i]));
	return fc_format(test, "%s]", text);
}

static void
append_document(fc_test *test)
{
	fc_expect_json(test, "the result", json_append(test, TWO, NULL, FACTSTR_OK),
				   "{'first_sequence_number': 1, 'last_sequence_number': 2, 'committed_count': 2}");
	fc_expect_json(test, "the result", json_append(test, "[{'payload': [], 'event_type': 'a', "
														 "'metadata': null}]", "k", FACTSTR_OK),
				   "{'first_sequence_number': 3, 'last_sequence_number': 3, 'committed_count': 1}");
	fc_expect_json(test, "the result of a repetition",
				   json_append(test, "[{'event_type': 'a', 'payload': []}]", "k", FACTSTR_OK),
				   "{'first_sequence_number': 3, 'last_sequence_number': 3, 'committed_count': 1}");
	fc_expect(test, fc_query(test, test->store, NULL)->facts[2].metadata == NULL,
			  "metadata of null was stored");
}

static void
conditional_document(fc_test *test)
{
	fc_expect_json(test, "the result", json_append_if(test, FC_ALL, 0, FACTSTR_OK),
				   "{'first_sequence_number': 1, 'last_sequence_number': 2, 'committed_count': 2}");
	fc_expect_json(test, "the result", json_append_if(test, FC_TYPE("b"), 2, FACTSTR_OK),
				   "{'first_sequence_number': 3, 'last_sequence_number': 4, 'committed_count': 2}");
	fc_expect_json(test, "the result", json_append_unless(test, FC_TYPE("c"), 3, FACTSTR_OK),
				   "{'first_sequence_number': 5, 'last_sequence_number': 6, 'committed_count': 2}");
}

/* Is it the document of an error, with so many other members? */
static void
expect_error_members(fc_test *test, const char *result, const char *code, size_t others)
{
	fc_json    *document = fc_json_parse(result);
	const fc_json *name = fc_json_get(document, "code");
	const fc_json *message = fc_json_get(document, "message");
	size_t		known = 0;
	bool		right = name != NULL && name->text != NULL && strcmp(name->text, code) == 0 &&
		message != NULL && message->kind == FC_JSON_STRING && message->text[0] != '\0';

	for (const fc_json *member = right ? document->first : NULL; member != NULL;
		 member = member->next)
	{
		if (strcmp(member->key, "code") == 0 || strcmp(member->key, "message") == 0 ||
			((strcmp(member->key, "detail") == 0 || strcmp(member->key, "hint") == 0) &&
			 member->kind == FC_JSON_STRING && member->text[0] != '\0'))
			known++;
	}

	/* Without a document right is false. */
	right = right && known + others == fc_json_count(document);
	fc_json_free(document);
	fc_expect(test, right, "an error document with code %s: found %s", code, result);
}

static void
expect_error_document(fc_test *test, const char *result, const char *code)
{
	expect_error_members(test, result, code, 0);
}

/* number is that of a member, 0 for null. */
static void
expect_number_member(fc_test *test, const char *result, const char *key, unsigned int number)
{
	fc_json    *document = fc_json_parse(result);
	const fc_json *member = fc_json_get(document, key);
	const char *expected = number == 0 ? "null" : fc_format(test, "%u", number);
	bool		right = member != NULL && strlen(expected) == member->source_length &&
		strncmp(member->source, expected, member->source_length) == 0;

	fc_json_free(document);
	fc_expect(test, right, "%s: expected %s, found %s", key, expected, result);
}

static void
expect_conflict(fc_test *test, const char *result, const char *key, unsigned int number,
				unsigned int actual)
{
	expect_error_members(test, result, "conditional_append_conflict", 2);
	expect_number_member(test, result, key, number);
	expect_number_member(test, result, "actual_context_version", actual);
}

static void
conflict_document(fc_test *test)
{
	(void) fc_append_types(test, "a b a");
	expect_conflict(test, json_append_if(test, FC_TYPE("a"), 1, FACTSTR_CONFLICT),
					"expected_context_version", 1, 3);
	expect_conflict(test, json_append_if(test, FC_TYPE("a"), 0, FACTSTR_CONFLICT),
					"expected_context_version", 0, 3);
	expect_conflict(test, json_append_if(test, FC_TYPE("c"), 9, FACTSTR_CONFLICT),
					"expected_context_version", 9, 0);
	expect_conflict(test, json_append_unless(test, FC_TYPE("a"), 2, FACTSTR_CONFLICT),
					"after_sequence_number", 2, 3);
	expect_conflict(test, json_append_with(test, "{'expected_context_version': 2}", FACTSTR_CONFLICT),
					"expected_context_version", 2, 3);
	fc_expect_log_ends_at(test, 3);
}

static void
append_options_are_checked(fc_test *test)
{
	static const char *const malformed[] = {
		"[]", "{", "1", "{'idempotency_key': 1}", "{'idempotency_key': ''}", "{'key': 'k'}",
		"{'context_query': {}}", "{'expected_context_version': 1, 'after_sequence_number': 1}",
		"{'expected_context_version': -1}", "{'expected_context_version': '1'}",
		"{'expected_context_version': 1.5}", "{'after_sequence_number': -1}",
		"{'after_sequence_number': 0, 'context_query': {'filter': 1}}",
		"{'after_sequence_number': 0, 'context_query': 1}"
	};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		expect_error_document(test, json_append_with(test, malformed[i], FACTSTR_MALFORMED),
							  "malformed_input");
	fc_expect_log_ends_at(test, 0);
	fc_expect_json(test, "null is absent",
				   json_append_with(test, "{'idempotency_key': null, 'after_sequence_number': null, "
									"'context_query': null}", FACTSTR_OK),
				   "{'first_sequence_number': 1, 'last_sequence_number': 2, 'committed_count': 2}");
}

static void
error_documents(fc_test *test)
{
	char	   *result = NULL;
	int			code;

	expect_error_document(test, json_append(test, "[]", NULL, FACTSTR_EMPTY_APPEND),
						  "empty_append");
	expect_error_document(test, json_append(test, "[1]", NULL, FACTSTR_MALFORMED),
						  "malformed_input");
	expect_error_document(test, json_append(test, "[{'event_type': 'a', 'payload': 1, "
												  "'it\\'s \\\"\\n\\u00e9': 1}]", NULL,
											FACTSTR_MALFORMED), "malformed_input");
	expect_error_document(test, json_append_if(test, "{'filter': 1}", 0, FACTSTR_MALFORMED),
						  "malformed_input");
	(void) json_append(test, TWO, "k", FACTSTR_OK);
	expect_error_document(test, json_append(test, "[{'event_type': 'a', 'payload': 1}]", "k",
											FACTSTR_IDEMPOTENCY_KEY_REUSED),
						  "idempotency_key_reused");
	code = factstr_json_query(test->store, "{\"filters\": 1}", &result);
	fc_expect_code(test, "factstr_json_query", code, NULL, FACTSTR_MALFORMED);
	expect_error_document(test, keep(test, result), "malformed_input");
}

static void
query_document(fc_test *test)
{
	(void) json_append(test, TWO, NULL, FACTSTR_OK);
	(void) json_append(test,
					   "[{'event_type': 'a', 'payload': '\\u00e9 \\\"quoted\\\" \\\\ \\u0001'}]",
					   NULL, FACTSTR_OK);
	fc_expect_json(test, "every fact", json_query(test, FC_ALL),
				   fc_format(test, "{\"event_records\": %s, \"last_returned_sequence_number\": 3, "
								   "\"current_context_version\": 3}",
							 records_from(test, 1)));
	fc_expect_json(test, "a later fact", json_query(test, "{'after': 2}"),
				   fc_format(test, "{\"event_records\": %s, \"last_returned_sequence_number\": 3, "
								   "\"current_context_version\": 3}",
							 records_from(test, 3)));
	fc_expect_json(test, "no rows, but a version", json_query(test, "{'after': 3}"),
				   "{'event_records': [], 'last_returned_sequence_number': null, "
				   "'current_context_version': 3}");
	fc_expect_json(test, "an empty context", json_query(test, FC_TYPE("c")),
				   "{'event_records': [], 'last_returned_sequence_number': null, "
				   "'current_context_version': null}");
}

static void
newest_document(fc_test *test)
{
	char	   *result = NULL;

	(void) fc_append_types(test, "a b a");
	fc_expect_code(test, "factstr_json_newest",
				   factstr_json_newest(test->store, fc_quote(test, "[" FC_TYPE("b") ", " FC_TYPE("c") ", "
																	"{'after': 3}]"), &result), NULL,
				   FACTSTR_OK);
	fc_expect_json(test, "the newest of each", keep(test, result),
				   fc_format(test, "{\"event_records\": [%s, null, null], \"current_context_version\": 3}",
							 record_of(test, &fc_query(test, test->store, NULL)->facts[1])));
	fc_expect_code(test, "factstr_json_newest", factstr_json_newest(test->store, "[]", &result), NULL,
				   FACTSTR_OK);
	fc_expect_json(test, "the newest of none", keep(test, result),
				   "{'event_records': [], 'current_context_version': null}");
	for (size_t i = 0; i < 4; i++)
	{
		static const char *const malformed[] = {"{}", "[{}", "[{}] []", "[{}, {\"filter\": 1}]"};

		fc_expect_code(test, "malformed queries",
					   factstr_json_newest(test->store, malformed[i], &result), NULL, FACTSTR_MALFORMED);
		expect_error_document(test, keep(test, result), "malformed_input");
	}
}

static void
odd_event_types(fc_test *test)
{
	const char *result;

	(void) json_append(test, "[{'event_type': '\\\"\\\\\\n\\u0001\\u00e9', 'payload': 1}]", NULL,
					   FACTSTR_OK);
	fc_expect_text(test, "the event type", fc_query(test, test->store, NULL)->facts[0].event_type,
				   "\"\\\n\x01\xC3\xA9");
	result = json_query(test, FC_TYPE("\\\"\\\\\\n\\u0001\\u00e9"));
	fc_expect(test, strstr(result, "\"last_returned_sequence_number\"") != NULL &&
			  fc_json_same(result, result),
			  "expected a JSON document, found %s", result);
	fc_expect_query(test, FC_TYPE("\\\"\\\\\\n\\u0001\\u00e9"), "1", 1);
}

static void
status_document(fc_test *test)
{
	char	   *result = NULL;
	fc_collector *stream = fc_subscribe_durable(test, "it's \"s\"", FC_TYPE("a"));
	const factstr_stream_status *status;
	char		time[FACTSTR_TIME_SIZE];

	fc_expect_code(test, "factstr_json_streams", factstr_json_streams(test->store, &result), NULL,
				   FACTSTR_OK);
	(void) keep(test, result);
	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "it's \"s\"", 2);
	fc_end_stream(stream);
	status = fc_status(test, "it's \"s\"");
	fc_expect_code(test, "factstr_json_streams", factstr_json_streams(test->store, &result), NULL,
				   FACTSTR_OK);
	fc_expect(test, fc_json_same(keep(test, result),
								 fc_format(test,
										   "[{\"name\": \"it's \\\"s\\\"\", \"event_query\": %s, "
										   "\"cursor_sequence_number\": 2,"
										   " \"head_sequence_number\": 2, \"lag_facts\": 0, "
										   "\"lag_us\": 0, \"last_success_at\": \"%s\","
										   " \"failure_count\": 0, \"last_error\": null, "
										   "\"last_failed_at\": null, \"retry_at\": null,"
										   " \"active\": false}]", fc_quote(test, FC_TYPE("a")),
										   factstr_format_time(status->last_success_at, time))),
			  "the list of streams: expected the members of factstr_stream_status with "
			  "last_success_at %s, found %s", time, result);
}

static void
nothing_is_null(fc_test *test)
{
	char	   *result = NULL;

	fc_expect_code(test, "factstr_json_streams", factstr_json_streams(test->store, &result), NULL,
				   FACTSTR_OK);
	fc_expect_json(test, "no streams", keep(test, result), "[]");
	fc_expect_json(test, "the answer of an empty log", json_query(test, NULL),
				   "{'event_records': [], 'last_returned_sequence_number': null, "
				   "'current_context_version': null}");
	factstr_json_free(NULL);
}

static void
codes_have_names(fc_test *test)
{
	static const struct
	{
		int			code;
		const char *name;
		const char *sqlstate;
	}			codes[] = {
		{FACTSTR_OK, "ok", ""}, {1, "unknown", ""}, {-1000, "unknown", ""},
#define LIST_CODE(NAME, number, json, state, text) {FACTSTR_##NAME, json, state},
		FACTSTR_CODES(LIST_CODE)
#undef LIST_CODE
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
	{
		fc_expect_text(test, "a code's name", factstr_code_name(codes[i].code), codes[i].name);
		fc_expect_text(test, "a code's SQLSTATE", factstr_code_sqlstate(codes[i].code),
					   codes[i].sqlstate);
	}
}

const fc_case fc_json_boundary_cases[] = {
	{{"JSON boundary", "6", "the result of an append"}, 0, append_document},
	{{"JSON boundary", "6, 14", "the result of a conditional append"}, 0, conditional_document},
	{{"JSON boundary", "15", "a conflict, with null for an empty context"}, 0, conflict_document},
	{{"JSON boundary", "8, 14, 43", "options of an append are checked"}, 0, append_options_are_checked},
	{{"JSON boundary", "7, 8, 9",
		"an error has its code and message, and nothing that is not documented"},
	0, error_documents},
	{{"JSON boundary", "3, 13", "the answer of a query"}, 0, query_document},
	{{"JSON boundary", "47", "the newest of each, with null for none"}, 0, newest_document},
	{{"JSON boundary", "4", "event types of odd characters"}, 0, odd_event_types},
	{{"JSON boundary", "30", "the list of streams"}, 0, status_document},
	{{"JSON boundary", "13, 30", "answers without anything in them"}, 0, nothing_is_null},
	{{"JSON boundary", "15", "codes have names and SQLSTATEs"}, 0, codes_have_names},
	{{NULL, NULL, NULL}, 0, NULL}
};
