/*
 * append.c
 *		Rules 6 to 8: the result of an append, and the input that it refuses.
 */
#include "harness.h"

#include <string.h>

static void
says_what_was_stored(fc_test *test)
{
	factstr_append_result result;

	result = fc_append_events(test, "[{'event_type': 'a', 'payload': 1}]", NULL);
	fc_expect_text(test, "the first result", fc_result_text(test, &result), "1-1, 1 facts");
	result = fc_append_events(test, "[{'event_type': 'a', 'payload': 1}, {'event_type': 'a', "
									"'payload': 1}]", NULL);
	fc_expect_text(test, "the next result", fc_result_text(test, &result), "2-3, 2 facts");
}

static void
result_is_zero_on_failure(fc_test *test)
{
	factstr_append_result result = {9, 9, 9, {0}};
	factstr_error error;

	fc_expect_code(test, "an empty append", fc_try_append(test, "[]", NULL, &result, &error),
				   &error, FACTSTR_EMPTY_APPEND);
	fc_expect_text(test, "the result of a failure", fc_result_text(test, &result), "0-0, 0 facts");
}

static void
empty_append(fc_test *test)
{
	factstr_event none = {0};
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, "an append of no events",
				   factstr_append(test->store, &none, 0, NULL, &result, &error), &error,
				   FACTSTR_EMPTY_APPEND);
	fc_expect_code(test, "a conditional append of no events",
				   factstr_append(test->store, &none, 0, FC_IF(NULL, 0, NULL), &result, &error),
				   &error, FACTSTR_EMPTY_APPEND);
	fc_expect_log_ends_at(test, 0);
}

/* Refused events, each between two well-formed ones. */
static void
expect_refused(fc_test *test, factstr_event event, const char *named)
{
	factstr_event events[3] = {{.event_type = "a", .payload = "1"}, event, {.event_type = "a", .payload = "1"}};
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, fc_format(test, "an append with a wrong %s", named),
				   factstr_append(test->store, events, 3, NULL, &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "[1]");
	fc_expect_said(test, &error, named);
}

static void
names_event_and_key(fc_test *test)
{
	expect_refused(test, (factstr_event) {.event_type = "", .payload = "1"}, "event_type");
	expect_refused(test, (factstr_event) {.event_type = "a", .payload = "{"}, "payload");
	expect_refused(test, (factstr_event) {.event_type = "a", .payload = "1", .metadata = "[]"}, "metadata");
	expect_refused(test, (factstr_event) {.event_type = "a", .payload = "1", .metadata = "{"}, "metadata");
	fc_expect_log_ends_at(test, 0);
}

static void
payload_is_json(fc_test *test)
{
	static const char *const wrong[] = {
		"", " ", "{", "}", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a: 1}", "'a'", "tru", "nul", "NaN",
		"Infinity", "01", "1.", ".5", "+1", "1e", "0x10", "\"", "\"a", "\"\\x\"", "\"\\u12\"",
		"\"\n\"",
		"1 2", "{} {}", "[] x", "// comment\n1", "undefined", "\357\273\2771",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		factstr_event event = {.event_type = "a", .payload = wrong[i]};
		factstr_append_result result;
		factstr_error error;

		fc_expect_code(test, fc_format(test, "payload \"%s\"", wrong[i]),
					   factstr_append(test->store, &event, 1, NULL, &result, &error), &error,
					   FACTSTR_MALFORMED);
	}
	fc_expect_log_ends_at(test, 0);
}

/* MISUSE or MALFORMED: either names the mistake. */
static void
expect_null_refused(fc_test *test, const char *what, factstr_event event)
{
	factstr_append_result result;
	factstr_error error;
	int			code = factstr_append(test->store, &event, 1, NULL, &result, &error);

	fc_expect(test, code == FACTSTR_MALFORMED || code == FACTSTR_MISUSE,
			  "%s that is NULL: expected malformed_input or misuse, found %s", what,
			  factstr_code_name(code));
}

static void
null_is_refused(fc_test *test)
{
	expect_null_refused(test, "an event type", (factstr_event) {.event_type = NULL, .payload = "1"});
	expect_null_refused(test, "a payload", (factstr_event) {.event_type = "a", .payload = NULL});
	fc_expect_log_ends_at(test, 0);
}

static void
payload_never_quoted(fc_test *test)
{
	factstr_event event = {.event_type = "a", .payload = "{\"secret\": \"hunter2\", }"};
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, "a malformed payload",
				   factstr_append(test->store, &event, 1, NULL, &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect(test, strstr(error.message, "hunter2") == NULL,
			  "the error's message quotes the payload: %s", error.message);
	fc_expect(test, strstr(error.detail, "hunter2") == NULL,
			  "the error's detail quotes the payload: %s", error.detail);
	fc_expect(test, strstr(error.hint, "hunter2") == NULL,
			  "the error's hint quotes the payload: %s", error.hint);
}

static void
malformed_json_events(fc_test *test)
{
	static const struct
	{
		const char *events;
		const char *place;
		const char *word;
	}			wrong[] = {
		{"{'event_type': 'a', 'payload': 1}", "", "array"},
		{"null", "", "array"},
		{"'text'", "", "array"},
		{"[1]", "[0]", "object"},
		{"[null]", "[0]", "object"},
		{"[{'event_type': 'a', 'payload': 1}, {'payload': 1}]", "[1]", "event_type"},
		{"[{'event_type': 'a', 'payload': 1}, {'event_type': 'a'}]", "[1]", "payload"},
		{"[{'event_type': 1, 'payload': 1}]", "[0]", "event_type"},
		{"[{'event_type': null, 'payload': 1}]", "[0]", "event_type"},
		{"[{'event_type': ['a'], 'payload': 1}]", "[0]", "event_type"},
		{"[{'event_type': '', 'payload': 1}]", "[0]", "event_type"},
		{"[{'event_type': 'a', 'payload': 1, 'metadata': 1}]", "[0]", "metadata"},
		{"[{'event_type': 'a', 'payload': 1, 'metadata': [{}]}]", "[0]", "metadata"},
		{"[{'event_type': 'a', 'payload': 1}, {'event_type': 'a', 'payload': 1, 'paylaod': 2}]",
		 "[1]", "paylaod"},
		{"[{'event_type': 'a', 'payload': 1, 'sequence_number': 1}]", "[0]", "sequence_number"},
		{"[{'event_type': 'a', 'payload': 1, 'Metadata': {}}]", "[0]", "Metadata"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		char	   *result = NULL;
		int			code = factstr_json_append(test->store, fc_quote(test, wrong[i].events), NULL,
											   &result);
		char	   *said = fc_format(test, "%s", result == NULL ? "" : result);

		factstr_json_free(result);
		fc_expect_code(test, wrong[i].events, code, NULL, FACTSTR_MALFORMED);
		fc_expect(test, strstr(said, wrong[i].place) != NULL && strstr(said, wrong[i].word) != NULL,
				  "%s: expected an error that names \"%s\" and \"%s\", found %s", wrong[i].events,
				  wrong[i].place, wrong[i].word, said);
	}
	fc_expect_log_ends_at(test, 0);
}

static void
not_json_at_all(fc_test *test)
{
	static const char *const wrong[] = {"", "[", "[{]", "[{}", "events",
										"[{\"event_type\": \"a\", \"payload\": 1}]]",
		"[{\"event_type\": \"a\", \"payload\": }]",
		"[{\"event_type\": \"a\xFF\", \"payload\": 1}]"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		char	   *result = NULL;
		int			code = factstr_json_append(test->store, wrong[i], NULL, &result);

		factstr_json_free(result);
		fc_expect_code(test, fc_format(test, "events \"%s\"", wrong[i]), code, NULL,
					   FACTSTR_MALFORMED);
	}
	fc_expect_log_ends_at(test, 0);
}

const fc_case fc_append_cases[] = {
	{{"append", "6", "the result has the range and the count"}, 0, says_what_was_stored},
	{{"append", "6", "the result of a failure is zero"}, 0, result_is_zero_on_failure},
	{{"append", "7", "an append of no events is a separate error"}, 0, empty_append},
	{{"append", "8", "a malformed event is named by its place and its key"},
	0, names_event_and_key},
	{{"append", "8", "a payload is one JSON document, strictly"}, 0, payload_is_json},
	{{"append", "8", "an event without a type or a payload is refused"}, 0, null_is_refused},
	{{"append", "8", "an error never quotes a payload"}, 0, payload_never_quoted},
	{{"append", "8", "malformed events in JSON are named by place and key, unknown keys too"},
	0, malformed_json_events},
	{{"append", "8", "events that are not JSON are refused"}, 0, not_json_at_all},
	{{NULL, NULL, NULL}, 0, NULL}
};
