/*
 * facts.c
 *		Rules 1 to 5 and 32: what a fact is, and how it is numbered.
 */
#include "harness.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
comes_back(fc_test *test)
{
	const factstr_query_result *result;

	(void) fc_append(test, "account-opened", "{'account': 'A-1', 'limits': [1, 2.50, null]}");
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, 1);
	fc_expect_number(test, "its number", result->facts[0].sequence_number, 1);
	fc_expect_text(test, "its type", result->facts[0].event_type, "account-opened");
	fc_expect_json(test, "its payload", result->facts[0].payload,
				   "{'account': 'A-1', 'limits': [1, 2.50, null]}");
	fc_expect(test, result->facts[0].metadata == NULL, "metadata: expected none, found some");
}

static void
stays_as_it_is(fc_test *test)
{
	const factstr_query_result *before;
	const factstr_query_result *after;

	(void) fc_append_types(test, "a b c");
	before = fc_query(test, test->store, NULL);
	for (int i = 0; i < 20; i++)
		(void) fc_append(test, "a", "{'later': true}");
	after = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", after->fact_count, 23);
	for (size_t i = 0; i < 3; i++)
		fc_expect_same_fact(test, "an earlier fact", &after->facts[i], &before->facts[i]);
}

static void
numbers_begin_with_one(fc_test *test)
{
	fc_expect_log_ends_at(test, 0);
	fc_expect_number(test, "the first number", fc_append(test, "a", "{}"), 1);
	fc_expect_number(test, "the end of the next batch", fc_append_types(test, "a b c"), 4);
	fc_expect_number(test, "the number after that", fc_append(test, "b", "{}"), 5);
	fc_expect_query(test, FC_ALL, "1 2 3 4 5", 5);
}

static void
failures_use_no_number(fc_test *test)
{
	const uint64_t stale = 7;
	factstr_append_result result;
	factstr_error error;

	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': 1}]", "key");
	fc_expect_code(test, "a stale append",
				   fc_try_append_if(test, "[{'event_type': 'a', 'payload': 1}]", FC_ALL, &stale,
									NULL, &result, &error), &error, FACTSTR_CONFLICT);
	fc_expect_code(test, "an empty append", fc_try_append(test, "[]", NULL, &result, &error),
				   &error, FACTSTR_EMPTY_APPEND);
	fc_expect_code(test, "an append without a type",
				   fc_try_append(test, "[{'event_type': '', 'payload': 1}]", NULL, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "an append with a key of another",
				   fc_try_append(test, "[{'event_type': 'b', 'payload': 1}]", "key", &result,
								 &error),
				   &error, FACTSTR_IDEMPOTENCY_KEY_REUSED);
	fc_expect_number(test, "the next number", fc_append(test, "a", "{}"), 2);
	fc_expect_log_ends_at(test, 2);
}

/* Appends batches of one to three events: 79, 80, 81 and 79 in the first four threads. */
static void
append_some(fc_worker *worker)
{
	static const factstr_event events[3] = {{"w", "1", NULL}, {"w", "2", NULL}, {"w", "3", NULL}};

	for (size_t i = 0; i < 40; i++)
	{
		factstr_append_result result;
		factstr_error error;
		size_t		count = 1 + (i + (size_t) worker->index) % 3;

		fc_expect_ok(worker->test, "a concurrent append",
					 factstr_append(worker->store, events, count, NULL, &result, &error), &error);
		fc_expect(worker->test, result.committed_count == count &&
				  result.last_sequence_number - result.first_sequence_number + 1 == count,
				  "expected %zu consecutive numbers, found %s", count,
				  fc_result_text(worker->test, &result));
	}
}

/* Reads what is new, again and again: each answer continues the last one. */
static void
read_what_is_new(fc_worker *worker)
{
	fc_test    *test = worker->test;
	uint64_t	seen = 0;

	while (!fc_is_over(test) && seen < 240)
	{
		const factstr_query_result *result =
			fc_query(test, worker->store, fc_format(test, "{'min_sequence_number': %llu}",
													(unsigned long long) seen));

		for (size_t i = 0; i < result->fact_count; i++)
		{
			fc_expect(test, result->facts[i].sequence_number == seen + 1,
					  "a reader that had seen %llu found %llu next", (unsigned long long) seen,
					  (unsigned long long) result->facts[i].sequence_number);
			seen = result->facts[i].sequence_number;
		}
	}
}

static void
numbers_have_no_gaps(fc_test *test)
{
	fc_worker  *readers[2];
	const factstr_query_result *result;

	for (int i = 0; i < 2; i++)
		readers[i] = fc_background(test, read_what_is_new, NULL);
	fc_parallel(test, 3, append_some, NULL);
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, 240);
	for (size_t i = 0; i < result->fact_count; i++)
		fc_expect_number(test, "a number", result->facts[i].sequence_number, i + 1);
	for (int i = 0; i < 2; i++)
		fc_join(readers[i]);
}

static void
time_is_recorded_time(fc_test *test)
{
	const int64_t day = INT64_C(24) * 3600 * 1000000;
	const factstr_query_result *result;
	int64_t		now = (int64_t) time(NULL) * 1000000;

	(void) fc_append(test, "a", "{}");
	result = fc_query(test, test->store, NULL);
	fc_expect(test, llabs(result->facts[0].occurred_at - now) < day,
			  "occurred_at: expected a time within a day of now, found %lld",
			  (long long) result->facts[0].occurred_at);
}

static void
time_has_one_form(fc_test *test)
{
	static const struct
	{
		int64_t		time;
		const char *text;
	}			times[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{INT64_C(1769847330123456), "2026-01-31T08:15:30.123456Z"},
		{INT64_C(1769847330000000), "2026-01-31T08:15:30.000000Z"},
		{INT64_C(951827696789000), "2000-02-29T12:34:56.789000Z"},
		{INT64_C(-1), "1969-12-31T23:59:59.999999Z"},
		{INT64_C(4102444799999999), "2099-12-31T23:59:59.999999Z"},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
	{
		char		text[FACTSTR_TIME_SIZE];

		fc_expect_text(test, "a time", factstr_format_time(times[i].time, text), times[i].text);
	}
}

/* Payloads that try what a store could get wrong. */
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
		result = fc_query(test, test->store, fc_format(test, "{'min_sequence_number': %zu}", i));
		fc_expect(test, result->fact_count == 1 && fc_json_same(result->facts[0].payload, large[i]),
				  "large payload %zu is not what was appended", i);
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
append_is_a_batch(fc_test *test)
{
	factstr_append_result result;

	(void) fc_append(test, "a", "{}");
	result = fc_append_events(test, "[{'event_type': 'a', 'payload': 1}, {'event_type': 'b', "
									"'payload': 2},"
							  " {'event_type': 'a', 'payload': 3}]", NULL);
	fc_expect_text(test, "the result", fc_result_text(test, &result), "2-4, 3 facts");
	(void) fc_append_types(test, "c d");
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 100)),
				   "1-1: 1; 2-4: 2 3 4; 5-6: 5 6");
}

static void
order_in_a_batch(fc_test *test)
{
	factstr_event *events = fc_allocate(test, 300 * sizeof(factstr_event));
	const factstr_query_result *stored;
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i < 300; i++)
		events[i] = (factstr_event) {
			.event_type = i % 3 == 0 ? "x" : "y",
			.payload = fc_format(test, "%zu", i),
		};
	fc_expect_ok(test, "an append of 300",
				 factstr_append(test->store, events, 300, NULL, &result, &error), &error);
	stored = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", stored->fact_count, 300);
	for (size_t i = 0; i < 300; i++)
	{
		fc_expect_text(test, "payload", stored->facts[i].payload, events[i].payload);
		fc_expect_text(test, "type", stored->facts[i].event_type, events[i].event_type);
	}
	fc_expect_number(test, "batches", fc_batches(test, FC_ALL, 0, 100)->count, 1);
}

static void
all_or_nothing(fc_test *test)
{
	factstr_append_result result;
	factstr_error error;

	(void) fc_append(test, "a", "{}");
	fc_expect_code(test, "an append whose last event is malformed",
				   fc_try_append(test, "[{'event_type': 'a', 'payload': 1}, {'event_type': 'a', "
									   "'payload': 2},"
								 " {'event_type': '', 'payload': 3}]", NULL, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_log_ends_at(test, 1);
}

static void
facts_survive(fc_test *test)
{
	const factstr_query_result *before;
	const factstr_query_result *after;

	(void) fc_append_events(test,
							"[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': [true]}]", "key");
	(void) fc_append_types(test, "c");
	before = fc_query(test, test->store, NULL);
	fc_restart(test);
	after = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", after->fact_count, 3);
	for (size_t i = 0; i < 3; i++)
		fc_expect_same_fact(test, "a fact after a restart", &after->facts[i], &before->facts[i]);
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 100)),
				   "1-2: 1 2; 3-3: 3");
	fc_expect_number(test, "the next number", fc_append(test, "a", "{}"), 4);
}

static void
handles_see_each_other(fc_test *test)
{
	factstr_store *other = fc_open(test, test->url);

	(void) fc_append(test, "a", "{}");
	fc_expect_number(test, "the other handle's number", fc_append_to(test, other, "b", "{}"), 2);
	fc_expect_number(test, "the first handle's number", fc_append(test, "c", "{}"), 3);
	fc_expect_number(test, "facts through the other handle",
					 fc_query(test, other, NULL)->fact_count, 3);
	fc_expect_query(test, FC_ALL, "1 2 3", 3);
}

/* Half of the threads have a handle of their own. */
static void
append_through_a_handle(fc_worker *worker)
{
	if (worker->index % 2 == 1)
		worker->store = worker->context;
	append_some(worker);
}

static void
handles_append_together(fc_test *test)
{
	fc_parallel(test, 4, append_through_a_handle, fc_open(test, test->url));
	fc_expect_log_ends_at(test, 319);
}

/* Says of each append that it has returned, and goes on until it is killed. */
static void
append_until_killed(fc_child *child)
{
	const factstr_event events[2] = {{"a", "1", NULL}, {"b", "2", NULL}};

	for (;;)
	{
		factstr_append_result result;
		factstr_error error;

		fc_child_expect_ok(child, "an append",
						   factstr_append(child->store, events, 2, NULL, &result, &error), &error);
		fc_child_say(child, "stored");
	}
}

/* A server may still be at work on the append that was under way; it comes whole, or not at all. */
static void
what_was_answered_survives(fc_test *test)
{
	fc_process *process = fc_start(test, append_until_killed);
	const factstr_batch_list *log;
	uint64_t	next;

	fc_let_open(test, process);
	for (int i = 0; i < 10; i++)
		fc_expect_line(test, process, "stored");
	fc_kill(process);
	fc_open_store(test);
	next = fc_append(test, "a", "{}");
	fc_expect(test, next > 20,
			  "after 20 facts that a killed process knew of: expected a number above, found %llu",
			  (unsigned long long) next);
	log = fc_export(test, test->store);
	for (size_t i = 0; i < log->count; i++)
		fc_expect_number(test, "facts of a batch", log->batches[i].fact_count,
						 log->batches[i].first_sequence_number == next ? 1 : 2);
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

const fc_case fc_facts_cases[] = {
	{{"facts", "1", "a fact comes back with its number, type and payload"}, 0, comes_back},
	{{"facts", "1", "later appends leave a fact as it is"}, 0, stays_as_it_is},
	{{"facts", "2", "numbers begin with 1 and have no gaps"}, 0, numbers_begin_with_one},
	{{"facts", "2", "an append that fails uses no number"}, 0, failures_use_no_number},
	{{"facts", "2",
	  "readers beside many writers see no gap, and nothing behind what they have seen"}, 0,
	numbers_have_no_gaps},
	{{"facts", "2", "handles of one store see each other's facts"},
	FC_PERSISTENT, handles_see_each_other},
	{{"facts", "2", "handles of one store append together without gaps"},
	FC_PERSISTENT, handles_append_together},
	{{"facts", "3", "occurred_at is recorded time, in microseconds"}, 0, time_is_recorded_time},
	{{"facts", "3", "a time as text has six digits and a Z"}, 0, time_has_one_form},
	{{"facts", "4", "any JSON value is a payload, and comes back equal"},
	0, any_value_is_a_payload},
	{{"facts", "4", "deep and large payloads come back equal"}, 0, large_payloads_are_kept},
	{{"facts", "4", "a value comes back equal or is refused, and is never altered"},
	0, kept_exactly_or_refused},
	{{"facts", "4", "what is not UTF-8 is refused"}, 0, what_is_not_text_is_refused},
	{{"facts", "4", "an event type is any text, kept to the letter"}, 0, event_types_are_any_text},
	{{"facts", "4", "an event type has 1 to 2000 bytes"}, 0, event_types_have_a_limit},
	{{"facts", "5", "an append is one batch with consecutive numbers"}, 0, append_is_a_batch},
	{{"facts", "5", "a batch keeps the order of its events"}, 0, order_in_a_batch},
	{{"facts", "5, 8", "a batch with one malformed event is not stored at all"}, 0, all_or_nothing},
	{{"facts", "1, 5", "facts and batches survive a restart"}, FC_PERSISTENT, facts_survive},
	{{"facts", "2, 5",
	  "what a process was told of survives when it is killed, and no half batch does"},
	FC_PROCESSES, what_was_answered_survives},
	{{"facts", "32", "metadata is stored with the fact, and absent stays absent"},
	0, metadata_is_kept},
	{{"facts", "32", "metadata is never matched"}, 0, metadata_is_not_matched},
	{{"facts", "32", "metadata is a JSON object"}, 0, metadata_is_an_object},
	{{NULL, NULL, NULL}, 0, NULL}
};
