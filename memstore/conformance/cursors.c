/*
 * cursors.c
 *		Rules 27 and 30: where a durable stream stands.
 */
#include "deliveries.h"

#include <string.h>

static void
cursor_is_the_batch_end(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));

	(void) fc_append_types(test, "a b c");
	fc_expect_deliveries(stream, "1-3: 1");
	fc_await_cursor(test, "s", 3);
}

/* Looks at the cursor from inside. */
static int
note_cursor(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	uint64_t	cursor = fc_status(test, "s")->cursor_sequence_number;

	fc_expect(test, cursor < batch->first_sequence_number,
			  "the cursor was at %llu while batch %llu was being delivered",
			  (unsigned long long) cursor, (unsigned long long) batch->first_sequence_number);
	return 0;
}

static void
cursor_moves_after_success(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	(void) fc_append_types(test, "a b");
	stream->then = note_cursor;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error);
	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-2: 1 2; 3-4: 3 4; 5-5: 5");
	fc_await_cursor(test, "s", 5);
	fc_check_threads(test);
}

static void
unmatched_move_the_cursor(fc_test *test)
{
	fc_collector *stream;

	(void) fc_append_types(test, "b b");
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	fc_await_cursor(test, "s", 2);
	(void) fc_append_types(test, "b c");
	fc_await_cursor(test, "s", 4);
	(void) fc_append_types(test, "c");
	fc_await_cursor(test, "s", 5);
	fc_expect_deliveries(stream, "");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "6-6: 6");
}

static void
never_past_what_is_held(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->holds = true;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", FC_TYPE("a"), NULL, &error), &error);
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	fc_expect_running(stream);
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "b");
	fc_expect(test, fc_status(test, "s")->cursor_sequence_number < 2,
			  "the cursor passed a batch that was not delivered yet");
	fc_let_go(stream);
	fc_await_cursor(test, "s", 4);
	fc_expect_deliveries(stream, "2-2: 2");
}

static void
unsubscribing_keeps_the_cursor(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);

	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	factstr_stream_unsubscribe(stream->stream);
	(void) fc_append_types(test, "b");
	fc_end_stream(stream);
	fc_expect_cursor(test, "s", 1);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2");
	fc_expect_deliveries(stream, "1-1: 1");
}

/*
 * The handler unsubscribes its own stream, in a replay and live: this delivery counts, no other
 * follows.
 */
static int
unsubscribe_itself(fc_collector *collector, const factstr_batch *batch)
{
	(void) batch;
	factstr_stream_unsubscribe(collector->stream);
	return 0;
}

static void
handler_may_unsubscribe(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = unsubscribe_itself;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(stream, "1-1: 1");
	fc_end_stream(stream);
	fc_expect_cursor(test, "s", 1);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2");
	fc_expect_deliveries(stream, "1-1: 1");
}

const fc_case fc_cursor_cases[] = {
	{{"durable streams", "27", "the cursor moves to the end of the batch, beyond the last match"},
	0, cursor_is_the_batch_end},
	{{"durable streams", "27", "the cursor moves after the handler, not before"},
	0, cursor_moves_after_success},
	{{"durable streams", "27", "batches without a match move the cursor without a delivery"},
	0, unmatched_move_the_cursor},
	{{"durable streams", "27", "the cursor never passes a batch that is being delivered"},
	0, never_past_what_is_held},
	{{"durable streams", "30", "unsubscribing keeps the cursor"},
	0, unsubscribing_keeps_the_cursor},
	{{"durable streams", "22, 30", "a handler may unsubscribe its own durable stream"},
	0, handler_may_unsubscribe},
	{{NULL, NULL, NULL}, 0, NULL}
};
