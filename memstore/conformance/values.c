/*
 * values.c
 *		Rules 4 and 32: the content of a fact, its payload, event type and metadata.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

/* Payloads that a store might not preserve. */
static const char *const payloads[] = {
	"null", "true", "false", "0", "-0", "1", "1.0", "1.50", "1e2", "-7.25e-3", "\"\"", "\"text\"",
	"[]", "{}", "[[]]", "[{}]", "[null]", "{\"\": \"\"}",
	"{\"a\": {\"b\": {\"c\": [1, [2, [3]]]}}}",
	"9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
	"123456789012345678901234567890.000000000000000000000001", "0.1", "1e-30", "1e30",
	"\"quotes \\\" and \\\\ and \\/\"", "\"line\\nfeed\\ttab\\u001f\"", "\"it's\"",
	"\"\\u0001\"", "\"\\u00011e0\"", "\"\\u0001\\u00011e0\"", "{\"\\u0001k\": \"\\u00010e0\"}",
	"\"\\u00e9\\ud83e\\udd8a\"", "\"\xC3\xA9\xF0\x9F\xA6\x8A\"", "\"\xE2\x80\xA8\"", "\"%s%n%d\"",
	"\"'); DROP TABLE facts; --\"", "\"$1 ? :name\"", "  {  \"spaced\" :\t[ 1 ,\n2 ] }  ",
	"{\"b\": 1, \"a\": 2, \"aa\": 3}", "[1, \"1\", true, null, 1]",
	"{\"event_type\": \"x\", \"payload\": 1}",
};

static int
append_one(fc_test *test, const factstr_event *event, factstr_error *error)
{
	factstr_append_result result;

	return factstr_append(test->store, event, 1, NULL, &result, error);
}

static void
any_value_is_a_payload(fc_test *test)
{
	const size_t count = sizeof(payloads) / sizeof(payloads[0]);
	const factstr_query_result *result;
	factstr_error error;

	for (size_t i = 0; i < count; i++)
	{
		factstr_event event = {.event_type = "a", .payload = payloads[i]};

		fc_expect_ok(test, fc_format(test, "payload %s", payloads[i]),
					 append_one(test, &event, &error), &error);
	}
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, count);
	for (size_t i = 0; i < count; i++)
		fc_expect(test, fc_json_same(result->facts[i].payload, payloads[i]),
				  "payload: expected %s, found %s", payloads[i], result->facts[i].payload);
}

/* n times before, the middle, n times after */
static char *
nested(fc_test *test, const char *before, const char *middle, const char *after, size_t n)
{
	size_t		b = strlen(before);
	size_t		a = strlen(after);
	char	   *text = fc_allocate(test, n * (a + b) + strlen(middle) + 1);
	char	   *end = text;

	for (size_t i = 0; i < n; i++, end += b)
		memcpy(end, before, b);
	end += sprintf(end, "%s", middle);
	for (size_t i = 0; i < n; i++, end += a)
		memcpy(end, after, a);
	return text;
}

static void
large_payloads_are_kept(fc_test *test)
{
	const char *const large[] = {
		nested(test, "[", "1", "]", 500),
		nested(test, "{\"a\":", "null", "}", 500),
		nested(test, "\"", nested(test, "0123456789abcdef", "", "", 40000), "\"", 1),
		nested(test, "[", nested(test, "{\"k\": \"v\"},", "{}", "", 5000), "]", 1),
	};
	const factstr_query_result *result;
	factstr_error error;

	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
	{
		factstr_event event = {.event_type = "large", .payload = large[i]};

		fc_expect_ok(test, fc_format(test, "large payload %zu", i),
					 append_one(test, &event, &error), &error);
		result = fc_query(test, test->store, fc_format(test, "{'after': %zu}", i));
		fc_expect(test, result->fact_count == 1 && fc_json_same(result->facts[0].payload, large[i]),
				  "large payload %zu differs from the appended one", i);
	}
}

/* Equal when it comes back, or refused with a clear error: nothing in between. */
static void
kept_exactly_or_refused(fc_test *test)
{
	static const char *const difficult[] = {
		"\"nul \\u0000 inside\"", "{\"\\u0000\": 1}", "\"\\ud800\"", "\"\\udd8a\\ud83e\"",
		"1e400", "-1e400", "1e-400", "1e999999999999",
		"{\"a\": 1, \"a\": 2}",
	};
	size_t		stored = 0;

	for (size_t i = 0; i < sizeof(difficult) / sizeof(difficult[0]); i++)
	{
		factstr_event event = {.event_type = "a", .payload = difficult[i]};
		factstr_error error;
		int			code = append_one(test, &event, &error);
		const factstr_query_result *result = fc_query(test, test->store, NULL);

		if (code == FACTSTR_OK)
			stored++;
		else
			fc_expect_code(test, fc_format(test, "payload %s", difficult[i]), code, &error,
						   FACTSTR_MALFORMED);
		fc_expect_number(test, fc_format(test, "facts after %s", difficult[i]),
						 result->fact_count, stored);
		fc_expect(test, code != FACTSTR_OK ||
				  fc_json_same(result->facts[stored - 1].payload, difficult[i]),
				  "payload %s was altered to %s", difficult[i],
				  code != FACTSTR_OK ? "" : result->facts[stored - 1].payload);
	}
}

/* A number written as an integer of so many digits behind the point, all of them zeros. */
static char *
with_zeros(fc_test *test, size_t count)
{
	return nested(test, "", "1.", "0", count);
}

/* All stores keep the same values, and refuse the others with the same messages. */
static void
same_values_in_all_stores(fc_test *test)
{
	const struct
	{
		const char *payload;
		const char *refused;	/* NULL: it is kept */
	}			values[] = {
		{"9e131071", NULL}, {"-9e131071", NULL}, {"0.1e131072", NULL}, {"1e-16383", NULL},
		{"0e200000", NULL}, {"100e131069", NULL}, {with_zeros(test, 16383), NULL},
		{nested(test, "9", "", "", 131072), NULL},
		{"1e131072", "out of range"}, {"-1e131072", "out of range"}, {"1e200000", "out of range"},
		{"1e-16384", "out of range"}, {"0e-16384", "out of range"}, {"1e-200000", "out of range"},
		{"10e-16384", "out of range"}, {with_zeros(test, 16384), "out of range"},
		{nested(test, "9", "", "", 131073), "out of range"},
		{"1e1073741823", "out of range"}, {"0e1073741823", "out of range"},
		{"1e99999999999999999999", "out of range"},
		{nested(test, "[", "1", "]", 1000), NULL},
		{nested(test, "{\"a\":", "[]", "}", 999), NULL},
		{nested(test, "[", "1", "]", 1001), "payload is nested deeper than 1000 levels"},
		{nested(test, "{\"a\":", "[]", "}", 1000), "payload is nested deeper than 1000 levels"},
		{"\"\\u0000\"", "\\u0000 cannot be kept"}, {"{\"\\u0000\": 1}", "\\u0000 cannot be kept"},
		{"\"\\ud800\"", "invalid Unicode"}, {"\"\\udc00\"", "invalid Unicode"},
		{nested(test, "{\"", nested(test, "k", "", "", 1000000), "\": 1}", 1), NULL},
	};
	size_t		stored = 0;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		factstr_event event = {.event_type = "a", .payload = values[i].payload};
		const char *what = fc_format(test, "value %zu, %.40s", i, values[i].payload);
		factstr_error error;
		int			code = append_one(test, &event, &error);

		if (values[i].refused == NULL)
		{
			fc_expect_ok(test, what, code, &error);
			stored++;
			continue;
		}
		fc_expect_code(test, what, code, &error, FACTSTR_MALFORMED);
		fc_expect_said(test, &error, values[i].refused);
		fc_expect_said(test, &error, "$[0].payload");
	}
	fc_expect_log_ends_at(test, stored);
}

/* Written out, 1e131071 has 131,072 digits; with its event that is so many bytes. */
#define BYTES_OF_LONG_NUMBER (160 + 17 + 16 + 131072)
#define LARGEST_BATCH 256000000

static void
batches_have_a_limit(fc_test *test)
{
	const size_t most = LARGEST_BATCH / BYTES_OF_LONG_NUMBER;
	factstr_event *events = fc_allocate(test, (most + 1) * sizeof(factstr_event));
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i <= most; i++)
		events[i] = (factstr_event) {.event_type = "a", .payload = "1e131071"};
	fc_expect_code(test, "a batch that is too large",
				   factstr_append(test->store, events, most + 1, NULL, &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_said(test, &error, fc_format(test, "$[%zu]", most));
	fc_expect_said(test, &error, "256000000 bytes");
	fc_expect_code(test, "the same with a condition",
				   factstr_append(test->store, events, most + 1, FC_IF(NULL, 0, "k"), &result,
								  &error), &error, FACTSTR_MALFORMED);
	fc_expect_log_ends_at(test, 0);
	fc_expect_ok(test, "the largest batch",
				 factstr_append(test->store, events, most, FC_IF(NULL, 0, "k"), &result, &error),
				 &error);
	fc_expect_log_ends_at(test, most);
}

/* Of two batches each is as large as it may be; a fact more is too much, with numbers and without. */
static void
imported_batches_have_a_limit(fc_test *test)
{
	const size_t most = LARGEST_BATCH / BYTES_OF_LONG_NUMBER;
	factstr_fact *facts = fc_allocate(test, (most + 1) * sizeof(factstr_fact));
	factstr_batch batches[2];
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i <= most; i++)
		facts[i] = (factstr_fact) {.event_type = "a", .payload = "1e131071"};
	batches[0] = batches[1] = (factstr_batch) {.fact_count = most, .facts = facts};
	batches[1].fact_count++;
	fc_expect_code(test, "a batch that is too large",
				   factstr_import(test->store, batches, 2, &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_said(test, &error, fc_format(test, "$[1].facts[%zu]", most));
	fc_expect_said(test, &error, "256000000 bytes");
	fc_expect_log_ends_at(test, 0);
	batches[1].fact_count--;
	fc_expect_ok(test, "two of the largest batches",
				 factstr_import(test->store, batches, 2, &result, &error), &error);
	fc_expect_log_ends_at(test, 2 * most);
}

/* PostgreSQL takes no array of more, however small its values are. */
#define MOST_VALUES (LARGEST_BATCH / 16)

static void
values_have_a_limit(fc_test *test)
{
	const char *value = "null,";
	const size_t length = strlen(value);
	char	   *payload = fc_allocate(test, MOST_VALUES * length + sizeof("[]"));
	const factstr_event event = {.event_type = "a", .payload = payload};
	factstr_append_result result;
	factstr_error error;

	payload[0] = '[';
	for (size_t i = 0; i < MOST_VALUES; i++)
		memcpy(payload + 1 + i * length, value, length);
	payload[MOST_VALUES * length] = ']';
	fc_expect_code(test, "an array of many values",
				   factstr_append(test->store, &event, 1, NULL, &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "256000000 bytes");
	fc_expect_log_ends_at(test, 0);
}

static void
expect_refused(fc_test *test, const char *what, const factstr_event *event)
{
	factstr_error error;

	fc_expect_code(test, what, append_one(test, event, &error), &error,
				   FACTSTR_MALFORMED);
}

static void
what_is_not_text_is_refused(fc_test *test)
{
	expect_refused(test, "a payload that is not UTF-8",
				   &(factstr_event) {.event_type = "a", .payload = "\"\xFF\""});
	expect_refused(test, "a payload with an overlong character",
				   &(factstr_event) {.event_type = "a", .payload = "\"\xC0\x80\""});
	expect_refused(test, "a payload with half a character",
				   &(factstr_event) {.event_type = "a", .payload = "\"\xE2\x82\""});
	expect_refused(test, "an event type that is not UTF-8",
				   &(factstr_event) {.event_type = "a\xFF", .payload = "1"});
	expect_refused(test, "metadata that is not UTF-8",
				   &(factstr_event) {.event_type = "a", .payload = "1", .metadata =
									 "{\"a\": \"\xFF\"}"});
	fc_expect_log_ends_at(test, 0);
}

static char *
repeated(fc_test *test, char letter, size_t count)
{
	char	   *text = fc_allocate(test, count + 1);

	memset(text, letter, count);
	return text;
}

static void
event_types_are_any_text(fc_test *test)
{
	const char *const types[] = {
		"a", " ", "A", "\xC3\xA9v\xC3\xA9nement \xF0\x9F\xA6\x8A", "it's \"quoted\" \\ and /",
		"line\nfeed\ttab",
		"\x01", "\x01" "1e0", "1", "null", "{}", "%s%n", "'); --", repeated(test, 't', 2000),
	};
	const size_t count = sizeof(types) / sizeof(types[0]);
	const factstr_query_result *result;
	factstr_error error;

	for (size_t i = 0; i < count; i++)
	{
		factstr_event event = {.event_type = types[i], .payload = "{}"};

		fc_expect_ok(test, fc_format(test, "event type %.40s", types[i]),
					 append_one(test, &event, &error), &error);
	}
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, count);
	for (size_t i = 0; i < count; i++)
		fc_expect_text(test, "an event type", result->facts[i].event_type, types[i]);
	fc_expect_query(test, FC_TYPE("\\u0001"), "7", 7);
	fc_expect_query(test, FC_TYPE("\\u00011e0"), "8", 8);
	fc_expect_query(test, FC_TYPE("A"), "3", 3);
}

static void
event_types_have_a_limit(fc_test *test)
{
	expect_refused(test, "an empty event type",
				   &(factstr_event) {.event_type = "", .payload = "1"});
	expect_refused(test, "an event type of 2001 bytes",
				   &(factstr_event) {.event_type = repeated(test, 't', 2001), .payload = "1"});
	fc_expect_log_ends_at(test, 0);
}

static void
metadata_is_kept(fc_test *test)
{
	const factstr_query_result *result;

	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': 1, 'metadata': {'actor': 'A', "
								  "'n': 1.0}},"
							" {'event_type': 'a', 'payload': 1}, {'event_type': 'a', 'payload': 1, "
							"'metadata': {}}]", NULL);
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, 3);
	fc_expect_json(test, "metadata", result->facts[0].metadata, "{'actor': 'A', 'n': 1.0}");
	fc_expect(test, result->facts[1].metadata == NULL, "metadata that was absent came back as %s",
			  result->facts[1].metadata);
	fc_expect_json(test, "empty metadata", result->facts[2].metadata, "{}");
}

static void
metadata_is_not_matched(fc_test *test)
{
	(void) fc_append_events(test,
							"[{'event_type': 'a', 'payload': {'x': 1}, 'metadata': {'actor': "
							"'A'}}]", NULL);
	fc_expect_query(test, FC_PREDICATE("{'actor': 'A'}"), "", 0);
	fc_expect_query(test, FC_PREDICATE("{'metadata': {'actor': 'A'}}"), "", 0);
	fc_expect_query(test, FC_PREDICATE("{'x': 1}"), "1", 1);
}

static void
metadata_is_an_object(fc_test *test)
{
	static const char *const wrong[] = {"[]", "1", "\"text\"", "true", "{", "{} {}", ""};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_refused(test, fc_format(test, "metadata \"%s\"", wrong[i]),
					   &(factstr_event) {.event_type = "a", .payload = "1", .metadata = wrong[i]});
	fc_expect_log_ends_at(test, 0);
}

const fc_case fc_value_cases[] = {
	{{"facts", "4", "any JSON value is a payload, and comes back equal"},
	0, any_value_is_a_payload},
	{{"facts", "4", "deep and large payloads come back equal"}, 0, large_payloads_are_kept},
	{{"facts", "4", "a value comes back equal or is refused, and is never altered"},
	0, kept_exactly_or_refused},
	{{"facts", "4", "all stores keep the same values, and refuse others with the same words"},
	0, same_values_in_all_stores},
	{{"facts", "5", "a batch that could not be delivered is refused"}, 0, batches_have_a_limit},
	{{"facts", "5", "an array of so many small values that it could not be delivered is refused"},
	0, values_have_a_limit},
	{{"facts", "5, 37", "an imported batch that could not be delivered is refused"},
	0, imported_batches_have_a_limit},
	{{"facts", "4", "text that is not UTF-8 is refused"}, 0, what_is_not_text_is_refused},
	{{"facts", "4", "an event type is any text, kept to the letter"}, 0, event_types_are_any_text},
	{{"facts", "4", "an event type has 1 to 2000 bytes"}, 0, event_types_have_a_limit},
	{{"facts", "32", "metadata is stored with the fact, and absent stays absent"},
	0, metadata_is_kept},
	{{"facts", "32", "metadata is never matched"}, 0, metadata_is_not_matched},
	{{"facts", "32", "metadata is a JSON object"}, 0, metadata_is_an_object},
	{{NULL, NULL, NULL}, 0, NULL}
};
