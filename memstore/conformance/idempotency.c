/*
 * idempotency.c
 *		Rule 33: appends that can be repeated.
 */
#include "deliveries.h"

#include <string.h>

#define FIRST "{'event_type': 'a', 'payload': {'n': 1, 'l': [1, 2]}}"
#define SECOND "{'event_type': 'b', 'payload': 'x', 'metadata': {'by': 'x'}}"
#define TWO "[" FIRST ", " SECOND "]"

/* Appends with a key, and expects this result: "1-2, 2 facts". */
static void
expect_result(fc_test *test, const char *events, const char *key, const char *expected)
{
	factstr_append_result result = fc_append_events(test, events, key);

	fc_expect_text(test, fc_format(test, "the result of an append with key %.40s", key),
				   fc_result_text(test, &result), expected);
}

static void
repetition_stores_nothing(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, NULL);

	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_result(test, TWO, "k", "1-2, 2 facts");
	(void) fc_append_types(test, "c");
	expect_result(test, TWO, "k", "1-2, 2 facts");
	fc_expect_log_ends_at(test, 3);
	(void) fc_append_types(test, "marker");
	fc_expect_deliveries(stream, "1-2: 1 2; 3-3: 3; 4-4: 4");
}

static void
keys_are_distinct(fc_test *test)
{
	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_result(test, TWO, "K", "3-4, 2 facts");
	expect_result(test, TWO, "k ", "5-6, 2 facts");
	expect_result(test, TWO, NULL, "7-8, 2 facts");
	expect_result(test, TWO, NULL, "9-10, 2 facts");
	expect_result(test, TWO, "K", "3-4, 2 facts");
	fc_expect_log_ends_at(test, 10);
}

static void
equal_as_json(fc_test *test)
{
	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_result(test, "[{'event_type': 'a', 'payload':{ 'l':[1.0,2e0],'n':1.00 }},"
				  " {'event_type': 'b', 'payload': '\\u0078', 'metadata': { 'by':'x' }}]",
				  "k", "1-2, 2 facts");
	expect_result(test, "[{'event_type': 'a', 'payload': {'n': 7, 'l': [1, 2], 'n': 1}}, "
						"{'event_type': 'b', 'payload': 'x',"
				  " 'metadata': {'by': 'x'}}]", "k", "1-2, 2 facts");
	fc_expect_log_ends_at(test, 2);
}

static void
expect_reused(fc_test *test, const char *events)
{
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, fc_format(test, "the key with %s", events),
				   fc_try_append(test, events, "k", &result, &error),
				   &error, FACTSTR_IDEMPOTENCY_KEY_REUSED);
}

static void
other_events_are_refused(fc_test *test)
{
	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_reused(test, "[" FIRST "]");
	expect_reused(test, "[" SECOND ", " FIRST "]");
	expect_reused(test, "[{'event_type': 'c', 'payload': {'n': 1, 'l': [1, 2]}}, " SECOND "]");
	expect_reused(test, "[{'event_type': 'a', 'payload': {'n': 2, 'l': [1, 2]}}, " SECOND "]");
	expect_reused(test, "[{'event_type': 'a', 'payload': {'n': '1', 'l': [1, 2]}}, " SECOND "]");
	expect_reused(test, "[{'event_type': 'a', 'payload': {'n': 1, 'l': [2, 1]}}, " SECOND "]");
	expect_reused(test, "[{'event_type': 'a', 'payload': {'n': 1}}, " SECOND "]");
	fc_expect_log_ends_at(test, 2);
	expect_result(test, TWO, "k", "1-2, 2 facts");
}

/* A repeated call may have another trace; the metadata of the first call stays. */
static void
metadata_is_not_compared(fc_test *test)
{
	const factstr_query_result *stored;

	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_result(test, "[" FIRST ", {'event_type': 'b', 'payload': 'x', 'metadata': {'by': 'y'}}]",
				  "k", "1-2, 2 facts");
	expect_result(test, "[" FIRST ", {'event_type': 'b', 'payload': 'x'}]", "k", "1-2, 2 facts");
	expect_result(test, "[{'event_type': 'a', 'payload': {'n': 1, 'l': [1, 2]}, 'metadata': {}}, "
						"" SECOND "]", "k", "1-2, 2 facts");
	fc_expect_log_ends_at(test, 2);
	stored = fc_query(test, test->store, NULL);
	fc_expect(test, stored->facts[0].metadata == NULL, "the first fact has got metadata");
	fc_expect_json(test, "the metadata of the second", stored->facts[1].metadata, "{'by': 'x'}");
}

static int
append_if_with_key(fc_test *test, uint64_t expected, const char *expected_result,
				   factstr_error *error)
{
	factstr_append_result result = {0};
	int			code = fc_try_append_if(test, TWO, FC_TYPE("a"), expected, "k", &result, error);

	if (code == FACTSTR_OK)
		fc_expect_text(test, "the result of an append_if with a key", fc_result_text(test, &result),
					   expected_result);
	return code;
}

static void
context_may_have_moved(fc_test *test)
{
	factstr_error error;

	fc_expect_ok(test, "append_if with a key",
				 append_if_with_key(test, 0, "1-2, 2 facts", &error), &error);
	fc_expect_ok(test, "the same again", append_if_with_key(test, 0, "1-2, 2 facts", &error),
				 &error);
	(void) fc_append_types(test, "a a");
	fc_expect_ok(test, "the same when the context has moved",
				 append_if_with_key(test, 0, "1-2, 2 facts", &error), &error);
	fc_expect_ok(test, "with another expected version",
				 append_if_with_key(test, 1, "1-2, 2 facts", &error), &error);
	expect_result(test, TWO, "k", "1-2, 2 facts");
	fc_expect_log_ends_at(test, 4);
}

static void
failure_leaves_key_free(fc_test *test)
{
	const uint64_t stale = 7;
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, "a stale append_if with a key",
				   append_if_with_key(test, stale, "", &error), &error, FACTSTR_CONFLICT);
	fc_expect_code(test, "a malformed append with a key",
				   fc_try_append(test, "[{'event_type': '', 'payload': 1}]", "k", &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "an empty append with a key",
				   fc_try_append(test, "[]", "k", &result, &error), &error, FACTSTR_EMPTY_APPEND);
	expect_result(test, "[{'event_type': 'other', 'payload': 1}]", "k", "1-1, 1 facts");
	expect_result(test, "[{'event_type': 'other', 'payload': 1}]", "k", "1-1, 1 facts");
}

static void
input_is_checked_first(fc_test *test)
{
	factstr_append_result result;
	factstr_error error;

	expect_result(test, TWO, "k", "1-2, 2 facts");
	fc_expect_code(test, "a malformed append with a known key",
				   fc_try_append(test, "[{'event_type': '', 'payload': 1}]", "k", &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "an empty append with a known key",
				   fc_try_append(test, "[]", "k", &result, &error), &error, FACTSTR_EMPTY_APPEND);
	fc_expect_code(test, "a malformed context with a known key",
				   fc_try_append_if(test, TWO, "{'filter': []}", 0, "k", &result, &error),
				   &error, FACTSTR_MALFORMED);
}

static void
key_has_limits(fc_test *test)
{
	char	   *longest = fc_allocate(test, 2002);
	factstr_append_result result;
	factstr_error error;

	fc_expect_code(test, "an empty key", fc_try_append(test, TWO, "", &result, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_code(test, "a key that is not UTF-8",
				   fc_try_append(test, TWO, "\xFF", &result, &error), &error, FACTSTR_MALFORMED);
	memset(longest, 'k', 2001);
	fc_expect_code(test, "a key of 2001 bytes", fc_try_append(test, TWO, longest, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_log_ends_at(test, 0);
	longest[2000] = '\0';
	expect_result(test, TWO, longest, "1-2, 2 facts");
	expect_result(test, TWO, longest, "1-2, 2 facts");
	expect_result(test, TWO, "it's \"k\" \xC3\xA9 %s", "3-4, 2 facts");
	expect_result(test, TWO, "it's \"k\" \xC3\xA9 %s", "3-4, 2 facts");
}

/* All threads make the same calls, keys in the same order; others append beside them. */
static void
repeat_together(fc_worker *worker)
{
	factstr_append_result *first = worker->context;
	const factstr_event events[2] = {{.event_type = "a", .payload = "{\"n\": 1}"}, {.event_type = "b", .payload = "2"}};
	factstr_store *store = worker->store;

	for (int i = 0; i < 10; i++)
	{
		const char *key = fc_format(worker->test, "key-%d", i);
		factstr_append_result result = {0};
		factstr_error error;
		bool		same;

		fc_expect_ok(worker->test, "a concurrent append with a key",
					 factstr_append(store, events, 2, FC_KEY(key), &result, &error), &error);
		(void) pthread_mutex_lock(&worker->test->lock);
		if (first[i].committed_count == 0)
			first[i] = result;
		same = memcmp(&first[i], &result, sizeof(result)) == 0;
		(void) pthread_mutex_unlock(&worker->test->lock);
		fc_expect(worker->test, same && result.committed_count == 2,
				  "key %s: one call was answered %s, another %s", key,
				  fc_result_text(worker->test, &first[i]), fc_result_text(worker->test, &result));
	}
}

static void
one_of_many_commits(fc_test *test)
{
	fc_parallel(test, 4, repeat_together, fc_allocate(test, 10 * sizeof(factstr_append_result)));
	fc_expect_log_ends_at(test, 20);
}

static void
repeat_over_handles(fc_worker *worker)
{
	void	  **shared = worker->context;

	if (worker->index % 2 == 1)
		worker->store = shared[1];
	worker->context = shared[0];
	repeat_together(worker);
}

static void
one_of_many_over_handles(fc_test *test)
{
	void	  **shared = fc_allocate(test, 2 * sizeof(void *));

	shared[0] = fc_allocate(test, 10 * sizeof(factstr_append_result));
	shared[1] = fc_open(test, test->url);
	fc_parallel(test, 4, repeat_over_handles, shared);
	fc_expect_log_ends_at(test, 20);
}

/* The same conditional append of several threads: all of them succeed, and one commits. */
static void
repeat_condition(fc_worker *worker)
{
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result = {0};
	factstr_error error;

	fc_expect_ok(worker->test, "a concurrent append_if with a key",
				 factstr_append(worker->store, &event, 1, FC_IF(NULL, 0, "k"), &result, &error),
				 &error);
	fc_expect_text(worker->test, "its result", fc_result_text(worker->test, &result),
				   "1-1, 1 facts");
}

static void
conditions_with_one_key(fc_test *test)
{
	fc_parallel(test, 6, repeat_condition, NULL);
	fc_expect_log_ends_at(test, 1);
}

static void
keys_survive(fc_test *test)
{
	expect_result(test, TWO, "k", "1-2, 2 facts");
	(void) fc_append_types(test, "c");
	fc_restart(test);
	expect_result(test, TWO, "k", "1-2, 2 facts");
	expect_reused(test, "[{'event_type': 'a', 'payload': 1}]");
	fc_expect_log_ends_at(test, 3);
}

const fc_case fc_idempotency_cases[] = {
	{{"idempotency", "33",
		"a repeated call stores and delivers nothing, and returns the first result"},
	0, repetition_stores_nothing},
	{{"idempotency", "33", "keys are compared to the letter, and no key is no repetition"},
	0, keys_are_distinct},
	{{"idempotency", "33", "events are compared as JSON values"}, 0, equal_as_json},
	{{"idempotency", "33", "a key with other events is a separate error"},
	0, other_events_are_refused},
	{{"idempotency", "33", "metadata is not compared, and that of the first call stays"},
	0, metadata_is_not_compared},
	{{"idempotency", "33",
		"a repeated call returns the first result though its context has moved on"},
	0, context_may_have_moved},
	{{"idempotency", "33", "a call that fails leaves the key free"}, 0, failure_leaves_key_free},
	{{"idempotency", "16, 33", "input is checked before the key"}, 0, input_is_checked_first},
	{{"idempotency", "33", "a key has 1 to 2000 bytes of text"}, 0, key_has_limits},
	{{"idempotency", "33", "of concurrent calls with one key one commits, and all have its result"},
	0, one_of_many_commits},
	{{"idempotency", "33", "the same over several handles"},
	FC_PERSISTENT, one_of_many_over_handles},
	{{"idempotency", "17, 33", "concurrent conditional calls with one key all have the result"},
	0, conditions_with_one_key},
	{{"idempotency", "33", "keys survive a restart"}, FC_PERSISTENT, keys_survive},
	{{NULL, NULL, NULL}, 0, NULL}
};
