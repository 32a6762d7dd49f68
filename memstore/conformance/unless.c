/*
 * unless.c
 *		Rule 43: appends that a matching fact after a position refuses.
 */
#include "harness.h"
#include "deliveries.h"

#include <stdlib.h>
#include <string.h>

#define ONE "[{'event_type': 'a', 'payload': 1}]"

static int
append_unless(fc_test *test, const char *events, const char *context, uint64_t after,
			  factstr_error *error)
{
	factstr_append_result result = {0};

	memset(error, 0, sizeof(*error));
	return fc_try_append_unless(test, events, context, after, NULL, &result, error);
}

static void
expect_success(fc_test *test, const char *context, uint64_t after)
{
	factstr_error error;
	int			code = append_unless(test, ONE, context, after, &error);

	fc_expect_ok(test, fc_format(test, "append_unless on %s", context), code, &error);
}

static void
expect_conflict(fc_test *test, const char *context, uint64_t after, uint64_t actual)
{
	factstr_error error;
	int			code = append_unless(test, ONE, context, after, &error);

	fc_expect_code(test, fc_format(test, "append_unless on %s", context), code, &error,
				   FACTSTR_CONFLICT);
	fc_expect_number(test, "after_sequence_number in the error", error.after_sequence_number, after);
	fc_expect_number(test, "actual_context_version in the error", error.actual_context_version,
					 actual);
}

static void
nothing_newer_succeeds(fc_test *test)
{
	expect_success(test, FC_ALL, 0);
	(void) fc_append_types(test, "b c");
	expect_success(test, FC_TYPE("a"), 1);
	(void) fc_append_types(test, "b b");
	expect_success(test, FC_TYPE("c"), 3);
	expect_success(test, FC_TYPE("c"), 5);
	expect_success(test, FC_TYPE("d"), 0);
	expect_success(test, FC_NOTHING, 0);
	fc_expect_log_ends_at(test, 10);
}

static void
newer_conflicts(fc_test *test)
{
	(void) fc_append_types(test, "a b a b");
	expect_conflict(test, FC_TYPE("a"), 0, 3);
	expect_conflict(test, FC_TYPE("a"), 1, 3);
	expect_conflict(test, FC_TYPE("a"), 2, 3);
	expect_conflict(test, FC_ALL, 3, 4);
	expect_conflict(test, NULL, 0, 4);
	expect_conflict(test, "{'filters': [{'event_types': ['a']}], 'after': 3}", 2, 3);
	fc_expect_log_ends_at(test, 4);
}

/* The position of the newest fact that was read, which need not be in the context. */
static void
any_position_will_do(fc_test *test)
{
	(void) fc_append(test, "a", "{'account': 'A-1'}");
	(void) fc_append(test, "a", "{'account': 'A-2'}");
	expect_success(test, FC_PREDICATE("{'account': 'A-1'}"), 2);
	expect_success(test, FC_PREDICATE("{'account': 'A-2'}"), 2);
	(void) fc_append(test, "a", "{'account': 'A-1'}");
	expect_conflict(test, FC_PREDICATE("{'account': 'A-1'}"), 4, 5);
	expect_success(test, FC_PREDICATE("{'account': 'A-2'}"), 4);
}

static void
expect_refused(fc_test *test, const char *context, uint64_t after)
{
	factstr_error error;

	fc_expect_code(test, "a position beyond the end", append_unless(test, ONE, context, after, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "beyond the newest fact");
}

static void
position_beyond_the_end(fc_test *test)
{
	expect_refused(test, FC_ALL, 1);
	(void) fc_append_types(test, "a a");
	expect_refused(test, FC_TYPE("a"), 3);
	expect_refused(test, FC_TYPE("b"), 3);
	expect_refused(test, FC_NOTHING, INT64_MAX);
	expect_refused(test, FC_NOTHING, UINT64_MAX);
	fc_expect_log_ends_at(test, 2);
}

static void
conflict_leaves_nothing(fc_test *test)
{
	fc_collector *stream;

	(void) fc_append_types(test, "a");
	stream = fc_subscribe(test, NULL);
	expect_conflict(test, FC_ALL, 0, 1);
	fc_expect_number(test, "the next number", fc_append(test, "marker", "{}"), 2);
	fc_expect_deliveries(stream, "2-2: 2");
}

static void
input_is_checked_first(fc_test *test)
{
	factstr_error error;

	(void) fc_append_types(test, "a");
	fc_expect_code(test, "no events", append_unless(test, "[]", FC_ALL, 0, &error), &error,
				   FACTSTR_EMPTY_APPEND);
	fc_expect_code(test, "a malformed query",
				   append_unless(test, ONE, "{'filter': []}", 0, &error), &error, FACTSTR_MALFORMED);
	fc_expect_log_ends_at(test, 1);
}

static void
key_comes_first(fc_test *test)
{
	factstr_append_result result = {0};
	factstr_error error;

	fc_expect_ok(test, "an append with a key",
				 fc_try_append_unless(test, ONE, FC_TYPE("a"), 0, "k", &result, &error), &error);
	(void) fc_append_types(test, "a a");
	fc_expect_ok(test, "the same when the context has moved",
				 fc_try_append_unless(test, ONE, FC_TYPE("a"), 0, "k", &result, &error), &error);
	fc_expect_number(test, "its number", result.first_sequence_number, 1);
	fc_expect_ok(test, "the same with a position beyond the end",
				 fc_try_append_unless(test, ONE, FC_TYPE("a"), 99, "k", &result, &error), &error);
	fc_expect_log_ends_at(test, 3);
}

/* Rounds of a race: in each, all threads know the log up to the same fact. */
typedef struct race
{
	uint64_t	position;
	int			won;			/* with the test's lock held */
} race;

static void
run_race(fc_worker *worker)
{
	race	   *running = worker->context;
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result;
	factstr_error error;
	int			code = factstr_append(worker->store, &event, 1,
									  FC_UNLESS("{\"filters\": [{\"event_types\": [\"a\"]}]}",
												running->position, NULL),
									  &result, &error);

	if (code == FACTSTR_CONFLICT)
		return;
	fc_expect_ok(worker->test, "an append_unless of a race", code, &error);
	(void) pthread_mutex_lock(&worker->test->lock);
	running->won++;
	(void) pthread_mutex_unlock(&worker->test->lock);
}

static void
one_of_many_succeeds(fc_test *test)
{
	race	   *running = fc_allocate(test, sizeof(race));

	for (uint64_t round = 0; round < 10; round++)
	{
		running->position = fc_append(test, "b", "{}");
		running->won = 0;
		fc_parallel(test, 6, run_race, running);
		fc_expect_number(test, "appends from one position that succeeded", (uint64_t) running->won, 1);
	}
	fc_expect_log_ends_at(test, 20);
}

const fc_case fc_unless_cases[] = {
	{{"unless", "43", "nothing in the context is newer: the append succeeds"}, 0, nothing_newer_succeeds},
	{{"unless", "11, 43", "a newer fact conflicts, and the error has the position and the version"},
	0, newer_conflicts},
	{{"unless", "43", "the position need not be in the context"}, 0, any_position_will_do},
	{{"unless", "43", "a position beyond the end of the log is an error"},
	0, position_beyond_the_end},
	{{"unless", "15, 43", "a conflict stores nothing, uses no number, delivers nothing"},
	0, conflict_leaves_nothing},
	{{"unless", "16, 43", "input is checked before the context"}, 0, input_is_checked_first},
	{{"unless", "33, 43", "a repeated append has its result, whatever its position"}, 0, key_comes_first},
	{{"unless", "17, 43", "of many appends from one position exactly one succeeds"},
	0, one_of_many_succeeds},
	{{NULL, NULL, NULL}, 0, NULL}
};
