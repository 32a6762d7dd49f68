/*
 * failures.c
 *		Rules 20 and 28: handlers that fail.
 */
#include "deliveries.h"

#include <string.h>

static fc_collector *
failing_collector(fc_test *test, uint64_t at, int times)
{
	fc_collector *collector = fc_collector_new(test);

	collector->fails_at = at;
	collector->failures = times;
	return collector;
}

static void
open_failing(fc_collector *collector)
{
	factstr_error error;

	fc_expect_ok(collector->test, "opening a stream",
				 fc_open_stream(collector, collector->test->store, NULL, &error), &error);
}

static void
open_failing_durable(fc_collector *collector, const char *name)
{
	factstr_error error;

	fc_expect_ok(collector->test, "opening a durable stream",
				 fc_open_durable(collector, collector->test->store, name, NULL, NULL, &error),
				 &error);
}

static void
append_stays(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 1, 1);

	open_failing(stream);
	fc_expect_number(test, "number of an append whose delivery fails", fc_append_types(test, "a"),
					 1);
	fc_expect_log_ends_at(test, 1);
	fc_expect_deliveries(stream, "1-1: 1 failed; 1-1: 1");
	fc_expect_log_ends_at(test, 1);
}

static void
others_undisturbed(fc_test *test)
{
	fc_collector *failing = failing_collector(test, 1, 1000);
	fc_collector *other = fc_subscribe(test, NULL);
	fc_collector *durable = fc_subscribe_durable(test, "s", NULL);

	open_failing(failing);
	for (int i = 0; i < 5; i++)
		(void) fc_append_types(test, "a");
	fc_expect_deliveries(other, "1-1: 1; 2-2: 2; 3-3: 3; 4-4: 4; 5-5: 5");
	fc_expect_deliveries(durable, "1-1: 1; 2-2: 2; 3-3: 3; 4-4: 4; 5-5: 5");
}

static void
same_batch_again(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 3, 1);

	open_failing(stream);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b c");
	(void) fc_append_types(test, "d");
	fc_expect_deliveries(stream, "1-1: 1; 2-3: 2 3 failed; 2-3: 2 3; 4-4: 4");
}

/* Lower bounds only: a slow machine makes pauses longer, never shorter. */
static void
pauses_grow(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 1, 2);
	int64_t		first;
	int64_t		second;

	open_failing(stream);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1 failed; 1-1: 1 failed; 1-1: 1");
	first = fc_delivery_at(stream, 1).began_at - fc_delivery_at(stream, 0).began_at;
	second = fc_delivery_at(stream, 2).began_at - fc_delivery_at(stream, 1).began_at;
	fc_expect(test, first >= 150 * 1000,
			  "expected a pause of a quarter of a second, found %lld microseconds",
			  (long long) first);
	fc_expect(test, second >= 300 * 1000,
			  "expected a longer pause after the second failure, found %lld microseconds",
			  (long long) second);
}

static void
state_while_pausing(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 1, 1000);

	open_failing(stream);
	(void) fc_append_types(test, "a");
	fc_await_deliveries(stream, 1);
	fc_await_state(stream, FACTSTR_HANDLER_FAILED);
	factstr_stream_unsubscribe(stream->stream);
	fc_expect_number(test, "state after unsubscribing",
					 (uint64_t) -factstr_stream_state(stream->stream, NULL),
					 (uint64_t) -FACTSTR_MISUSE);
}

static void
cursor_stays(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 3, 1000);

	open_failing_durable(stream, "s");
	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	(void) fc_append_types(test, "b c");
	(void) fc_append_types(test, "d");
	fc_await_deliveries(stream, 2);
	fc_await_state(stream, FACTSTR_HANDLER_FAILED);
	fc_expect_cursor(test, "s", 1);
}

/* The stream "s" pauses after a failure; its status then is in *context. */
static bool
pauses(fc_test *test, void *context)
{
	const factstr_stream_status **status = context;

	*status = fc_status(test, "s");
	return (*status)->failure_count > 0 && (*status)->retry_at != 0;
}

static bool
has_no_failures(fc_test *test, void *context)
{
	(void) context;
	return fc_status(test, "s")->failure_count == 0;
}

static void
stop_failing(fc_collector *collector)
{
	(void) pthread_mutex_lock(&collector->test->lock);
	collector->failures = 0;
	(void) pthread_mutex_unlock(&collector->test->lock);
}

static void
error_is_kept(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 1, 1000);
	const factstr_stream_status **status = fc_allocate(test, sizeof(*status));

	open_failing_durable(stream, "s");
	fc_expect_number(test, "failure_count before", fc_status(test, "s")->failure_count, 0);
	(void) fc_append_types(test, "a");
	fc_expect(test, fc_comes_true(test, pauses, status),
			  "expected a failure and retry_at in the stream's status, found none");
	fc_expect(test, (*status)->last_error != NULL && *(*status)->last_error != '\0',
			  "last_error: expected some words, found none");
	fc_expect(test, (*status)->last_failed_at > 0, "last_failed_at: expected a time, found none");
	fc_expect(test, (*status)->retry_at > (*status)->last_failed_at,
			  "retry_at: expected a time after last_failed_at (%lld), found %lld",
			  (long long) (*status)->last_failed_at, (long long) (*status)->retry_at);
	stop_failing(stream);
	fc_expect(test, fc_comes_true(test, has_no_failures, NULL),
			  "expected failure_count 0 after a success, found more");
	fc_expect_number(test, "retry_at after a success", (uint64_t) fc_status(test, "s")->retry_at,
					 0);
	fc_expect_cursor(test, "s", 1);
}

static void
unmatched_do_not_pass_a_failure(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 1, 1);
	factstr_error error;

	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", FC_TYPE("a"), NULL, &error), &error);
	(void) fc_append_types(test, "a");
	for (int i = 0; i < 5; i++)
		(void) fc_append_types(test, "b");
	fc_await_deliveries(stream, 1);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1 failed; 1-1: 1; 7-7: 7");
	fc_await_cursor(test, "s", 7);
}

static void
failing_replay(fc_test *test)
{
	fc_collector *stream = failing_collector(test, 3, 1);
	fc_collector *again;
	factstr_error error;

	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b c");
	(void) fc_append_types(test, "d");
	fc_expect_code(test, "opening with a handler that fails in the replay",
				   fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect(test, stream->stream == NULL, "a stream came with the error");
	fc_expect_deliveries(stream, "1-1: 1; 2-3: 2 3 failed");
	fc_expect_cursor(test, "s", 1);
	again = fc_subscribe_durable(test, "s", NULL);
	fc_expect_deliveries(again, "2-3: 2 3; 4-4: 4");
	fc_await_cursor(test, "s", 4);
}

/*
 * A consumer of "s" that has failed with a batch, of this number, and does so again and again,
 * however long the rest of the case takes.
 */
static fc_collector *
pausing_consumer(fc_test *test, uint64_t at)
{
	fc_collector *consumer = failing_collector(test, at, INT32_MAX);

	open_failing_durable(consumer, "s");
	for (uint64_t i = 0; i < at; i++)
		(void) fc_append_types(test, "a");
	fc_await_deliveries(consumer, (size_t) at);
	fc_await_state(consumer, FACTSTR_HANDLER_FAILED);
	return consumer;
}

static void
taken_over_while_pausing(fc_test *test)
{
	fc_collector *first = pausing_consumer(test, 2);
	fc_collector *second = fc_subscribe_next(test, "s", NULL);
	const char *before = fc_deliveries_text(first);

	fc_expect_deliveries(second, "2-2: 2");
	fc_await_state(first, FACTSTR_STREAM_ACTIVE);
	(void) fc_append_types(test, "d");
	fc_expect_deliveries(second, "2-2: 2; 3-3: 3");
	fc_expect_text(test, "deliveries to the first consumer", fc_deliveries_text(first), before);
	fc_await_cursor(test, "s", 3);
}

static void
taken_over_and_given_up(fc_test *test)
{
	fc_collector *first = pausing_consumer(test, 1);
	fc_collector *second = fc_subscribe_next(test, "s", NULL);
	const char *before = fc_deliveries_text(first);

	fc_expect_deliveries(second, "1-1: 1");
	fc_end_stream(second);
	fc_await_state(first, FACTSTR_STREAM_ACTIVE);
	(void) fc_append_types(test, "b");
	fc_expect_text(test, "deliveries to the first consumer", fc_deliveries_text(first), before);
	fc_expect_cursor(test, "s", 1);
}

/* The stream is active whenever its handler is tried again. */
static bool
can_be_dropped(fc_test *test, void *context)
{
	int			code = factstr_stream_drop(test->store, "s", context);

	if (code != FACTSTR_STREAM_ACTIVE)
		fc_expect_ok(test, "dropping a stream that pauses", code, context);
	return code == FACTSTR_OK;
}

static void
dropped_while_pausing(fc_test *test)
{
	fc_collector *stream = pausing_consumer(test, 1);
	const char *before;

	fc_expect(test, fc_comes_true(test, can_be_dropped, fc_allocate(test, sizeof(factstr_error))),
			  "a stream that pauses can not be dropped");
	before = fc_deliveries_text(stream);
	fc_await_state(stream, FACTSTR_NO_SUCH_STREAM);
	fc_expect_text(test, "deliveries", fc_deliveries_text(stream), before);
}

static void
ending_a_pausing_stream(fc_test *test)
{
	fc_collector *stream = pausing_consumer(test, 1);

	fc_end_stream(stream);
	fc_expect_cursor(test, "s", 0);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "1-1: 1");
}

static void
closing_a_pausing_stream(fc_test *test)
{
	(void) pausing_consumer(test, 1);
	fc_expect_number(test, "closing", (uint64_t) -fc_close_within(test, 0),
					 (uint64_t) -FACTSTR_WAIT_TIMED_OUT);
}

const fc_case fc_failure_cases[] = {
	{{"failures", "20", "a handler's failure does not undo the append"}, 0, append_stays},
	{{"failures", "20", "a handler's failure disturbs no other stream"}, 0, others_undisturbed},
	{{"failures", "28", "after a failure the same batch comes again, before any later one"},
	0, same_batch_again},
	{{"failures", "28", "the pause after a failure grows"}, 0, pauses_grow},
	{{"failures", "28", "the state of a stream that pauses says why"}, 0, state_while_pausing},
	{{"failures", "27, 28", "the cursor stays before the failed batch"}, 0, cursor_stays},
	{{"failures", "28", "the error is kept where the user can read it, until a success"},
	0, error_is_kept},
	{{"failures", "27, 28", "batches without a match do not move the cursor past a failed one"},
	0, unmatched_do_not_pass_a_failure},
	{{"failures", "24, 28",
		"a failure in the replay fails the opening, and the next one begins there"},
	0, failing_replay},
	{{"failures", "28",
		"while a stream pauses another consumer takes it over, and the first one ends"},
	0, taken_over_while_pausing},
	{{"failures", "28", "a stream that was taken over stays ended when the other has left"},
	0, taken_over_and_given_up},
	{{"failures", "28, 30", "a stream that was dropped while it paused ends"},
	0, dropped_while_pausing},
	{{"failures", "28, 30",
		"a stream that pauses can be ended, and begins with the failed batch again"},
	0, ending_a_pausing_stream},
	{{"failures", "28", "the store can be closed while a stream pauses"},
	0, closing_a_pausing_stream},
	{{NULL, NULL, NULL}, 0, NULL}
};
