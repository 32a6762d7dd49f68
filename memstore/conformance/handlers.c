/*
 * handlers.c
 *		Rules 21 and 22: the rights of handlers, and the end of streams.
 */
#include "deliveries.h"

#include <string.h>

static void
unsubscribing_stops(fc_test *test)
{
	fc_collector *ended = fc_subscribe(test, NULL);
	fc_collector *other = fc_subscribe(test, NULL);

	(void) fc_append_types(test, "a");
	fc_expect_deliveries(ended, "1-1: 1");
	factstr_stream_unsubscribe(ended->stream);
	factstr_stream_unsubscribe(ended->stream);
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(other, "1-1: 1; 2-2: 2");
	factstr_stream_unsubscribe(ended->stream);
	fc_end_stream(ended);
	(void) fc_append_types(test, "c");
	fc_expect_deliveries(other, "1-1: 1; 2-2: 2; 3-3: 3");
	fc_expect_deliveries(ended, "1-1: 1");
	factstr_stream_unsubscribe(NULL);
	(void) factstr_stream_close(NULL, -1);
}

/* One handler is held all the time. */
static void
unsubscribing_waits_for_nobody(fc_test *test)
{
	fc_collector *held = fc_collector_new(test);
	fc_collector *other;
	factstr_error error;

	held->holds = true;
	fc_expect_ok(test, "opening a stream", fc_open_stream(held, test->store, NULL, &error), &error);
	other = fc_subscribe(test, NULL);
	(void) fc_append_types(test, "a");
	fc_expect_running(held);
	fc_expect_deliveries(other, "1-1: 1");
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(other, "1-1: 1; 2-2: 2");
	factstr_stream_unsubscribe(other->stream);
	fc_end_stream(other);
	factstr_stream_unsubscribe(held->stream);
	fc_expect_deliveries(held, "");
	fc_let_go(held);
	fc_end_stream(held);
	fc_expect_deliveries(held, "1-1: 1");
}

/* Frees a stream whose handler is held, in a separate thread. */
static void
free_stream(fc_worker *worker)
{
	fc_collector *collector = worker->context;
	int			running;

	fc_end_stream(collector);
	(void) pthread_mutex_lock(&worker->test->lock);
	running = collector->running;
	(void) pthread_mutex_unlock(&worker->test->lock);
	fc_expect_number(worker->test, "handlers running after factstr_stream_close", (uint64_t) running,
					 0);
}

static void
freeing_waits(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	fc_worker  *freeing;
	factstr_error error;

	stream->holds = true;
	fc_expect_ok(test, "opening a stream", fc_open_stream(stream, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "a");
	fc_expect_running(stream);
	freeing = fc_background(test, free_stream, stream);
	fc_let_go(stream);
	fc_join(freeing);
	fc_expect_deliveries(stream, "1-1: 1");
}

/* Answers each "ask" with a "reply", on a condition. */
static int
reply(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	const factstr_event event = {.event_type = "reply", .payload = "{}"};
	factstr_append_result result;
	factstr_query_result *found = NULL;
	factstr_error error;
	uint64_t	version;

	if (strcmp(batch->facts[0].event_type, "ask") != 0)
		return 0;
	fc_expect_ok(test, "a query in a handler", factstr_query(test->store, NULL, &found, &error),
				 &error);
	version = found->current_context_version;
	factstr_query_result_free(found);
	fc_expect_ok(test, "an append in a handler",
				 factstr_append(test->store, &event, 1, FC_IF(NULL, version, NULL), &result,
								&error),
				 &error);
	return 0;
}

static void
handler_may_append(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = reply;
	fc_expect_ok(test, "opening a stream", fc_open_stream(stream, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "ask");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
	(void) fc_append_types(test, "ask");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2; 3-3: 3; 4-4: 4");
}

/* Opens another stream at the first batch; ends itself at the second. */
static int
subscribe_then_unsubscribe(fc_collector *collector, const factstr_batch *batch)
{
	fc_collector *other = collector->context;
	factstr_error error;

	if (batch->first_sequence_number == 1)
		fc_expect_ok(collector->test, "subscribing in a handler",
					 fc_open_stream(other, collector->test->store, NULL, &error), &error);
	else
		factstr_stream_unsubscribe(collector->stream);
	return 0;
}

static void
handler_may_subscribe(fc_test *test)
{
	fc_collector *first = fc_collector_new(test);
	factstr_error error;

	first->then = subscribe_then_unsubscribe;
	first->context = fc_collector_new(test);
	fc_expect_ok(test, "opening a stream", fc_open_stream(first, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(first, "1-1: 1");
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(first, "1-1: 1; 2-2: 2");
	(void) fc_append_types(test, "c");
	fc_expect_deliveries(first->context, "2-2: 2; 3-3: 3");
	fc_expect_deliveries(first, "1-1: 1; 2-2: 2");
}

static int
free_itself(fc_collector *collector, const factstr_batch *batch)
{
	(void) batch;
	fc_end_stream(collector);
	return 0;
}

static void
handler_may_free_its_stream(fc_test *test)
{
	fc_collector *first = fc_collector_new(test);
	fc_collector *second = fc_subscribe(test, NULL);
	factstr_error error;

	first->then = free_itself;
	fc_expect_ok(test, "opening a stream", fc_open_stream(first, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(first, "1-1: 1");
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(second, "1-1: 1; 2-2: 2");
	fc_expect_deliveries(first, "1-1: 1");
	fc_close(test, test->store);
}

static int
unsubscribe_itself(fc_collector *collector, const factstr_batch *batch)
{
	(void) batch;
	factstr_stream_unsubscribe(collector->stream);
	return 0;
}

static void
append_three_batches(fc_test *test)
{
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "c");
}

static void
handler_may_end_its_replay(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	append_three_batches(test);
	stream->then = unsubscribe_itself;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error);
	fc_expect_deliveries(stream, "1-1: 1");
	fc_expect_code(test, "its state", factstr_stream_state(stream->stream, &error), &error,
				   FACTSTR_MISUSE);
	fc_end_stream(stream);
	fc_expect_cursor(test, "s", 1);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2; 3-3: 3");
}

static void
handler_may_free_its_replay(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	append_three_batches(test);
	stream->then = free_itself;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error);
	fc_expect(test, stream->stream == NULL, "a stream is left that was freed");
	fc_expect_deliveries(stream, "1-1: 1");
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2; 3-3: 3");
}

static int
close_store(fc_collector *collector, const factstr_batch *batch)
{
	(void) batch;
	fc_expect_number(collector->test, "factstr_close in a handler",
					 (uint64_t) -factstr_close(collector->test->store, FACTSTR_CLOSE_TIMEOUT_MS),
					 (uint64_t) -FACTSTR_MISUSE);
	return 0;
}

static void
handler_must_not_close(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = close_store;
	fc_expect_ok(test, "opening a stream", fc_open_stream(stream, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
}

/*
 * Lets the handler go as soon as the store is being closed, as far as that can be told: it runs
 * beside.
 */
static void
let_go(fc_worker *worker)
{
	fc_let_go(worker->context);
}

static void
closing_waits(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	fc_worker  *beside;
	factstr_error error;

	stream->holds = true;
	fc_expect_ok(test, "opening a stream", fc_open_stream(stream, test->store, NULL, &error),
				 &error);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	fc_expect_running(stream);
	beside = fc_background(test, let_go, stream);
	fc_close(test, test->store);
	fc_expect_number(test, "handlers running after factstr_close", (uint64_t) stream->running, 0);
	fc_join(beside);
	factstr_stream_unsubscribe(stream->stream);
	fc_end_stream(stream);
}

static void
state_of_a_stream(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, NULL);
	factstr_error error;

	fc_expect_ok(test, "state", factstr_stream_state(stream->stream, &error), &error);
	factstr_stream_unsubscribe(stream->stream);
	fc_expect_code(test, "state of an ended stream", factstr_stream_state(stream->stream, &error),
				   &error, FACTSTR_MISUSE);
}

static void
many_streams_come_and_go(fc_worker *worker)
{
	for (int i = 0; i < 10; i++)
	{
		fc_collector *stream = fc_collector_new(worker->test);
		factstr_append_result result;
		const factstr_event event = {.event_type = "a", .payload = "1"};
		factstr_error error;

		fc_expect_ok(worker->test, "opening a stream",
					 fc_open_stream(stream, worker->store, NULL, &error), &error);
		fc_expect_ok(worker->test, "an append",
					 factstr_append(worker->store, &event, 1, NULL, &result, &error), &error);
		fc_await_deliveries(stream, 1);
		fc_end_stream(stream);
	}
}

static void
streams_come_and_go(fc_test *test)
{
	fc_parallel(test, 3, many_streams_come_and_go, NULL);
	fc_expect_log_ends_at(test, 30);
}

const fc_case fc_handler_cases[] = {
	{{"streams", "21", "unsubscribing stops deliveries, and can be repeated"},
	0, unsubscribing_stops},
	{{"streams", "21", "unsubscribing waits for no handler, its own neither"},
	0, unsubscribing_waits_for_nobody},
	{{"streams", "21", "freeing a stream waits for its handler"}, 0, freeing_waits},
	{{"streams", "22", "a handler may query and append"}, 0, handler_may_append},
	{{"streams", "22", "a handler may subscribe, and unsubscribe itself"},
	0, handler_may_subscribe},
	{{"streams", "22", "a handler may free its own stream"}, 0, handler_may_free_its_stream},
	{{"streams", "21, 22", "a handler may unsubscribe itself in a replay"},
	0, handler_may_end_its_replay},
	{{"streams", "21, 22", "a handler may free its own stream in a replay"},
	0, handler_may_free_its_replay},
	{{"streams", "22", "a handler must not close the store"}, 0, handler_must_not_close},
	{{"streams", "21", "closing the store waits for handlers"}, 0, closing_waits},
	{{"streams", "21", "a stream says whether it still delivers"}, 0, state_of_a_stream},
	{{"streams", "19, 21", "streams come and go in many threads"}, 0, streams_come_and_go},
	{{NULL, NULL, NULL}, 0, NULL}
};
