/*
 * pulling.c
 *		Rule 44: streams without a handler, whose consumer asks for batches and acknowledges them.
 */
#include "deliveries.h"

#include <poll.h>

static void
free_stream(void *stream)
{
	(void) factstr_stream_close(stream, -1);
}

static void
free_batches(void *list)
{
	factstr_batch_list_free(list);
}

/* Opens a stream without a handler, which is the test's. */
static factstr_stream *
open_pulled(fc_test *test, const char *name, const char *query)
{
	factstr_stream *stream = NULL;
	factstr_error error;

	fc_expect_ok(test, "opening a stream without a handler",
				 factstr_stream_open(test->store, name, query == NULL ? NULL : fc_quote(test, query),
									 NULL, NULL, NULL, &stream, &error), &error);
	fc_own(test, free_stream, stream);
	return stream;
}

/* The result of the next call, as "1-3: 1 3; 4-4: 4". */
static const char *
next_of(fc_test *test, factstr_stream *stream, size_t max_batches, int64_t timeout_ms)
{
	factstr_batch_list *list = NULL;
	factstr_error error;

	fc_expect_ok(test, "factstr_stream_next",
				 factstr_stream_next(stream, max_batches, timeout_ms, &list, &error), &error);
	fc_own(test, free_batches, list);
	return fc_batches_text(test, list);
}

static void
expect_next(fc_test *test, factstr_stream *stream, size_t max_batches, const char *expected)
{
	fc_expect_text(test, "the next batches",
				   next_of(test, stream, max_batches, *expected == '\0' ? 0 : test->patience * 1000),
				   expected);
}

static void
ack(fc_test *test, factstr_stream *stream, uint64_t sequence_number)
{
	factstr_error error;

	fc_expect_ok(test, "factstr_stream_ack",
				 factstr_stream_ack(stream, sequence_number, &error), &error);
}

static void
live_streams_are_pulled(fc_test *test)
{
	factstr_stream *all;
	factstr_stream *some;

	(void) fc_append_types(test, "a");
	all = open_pulled(test, NULL, NULL);
	some = open_pulled(test, NULL, FC_TYPE("b"));
	expect_next(test, all, 10, "");
	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b b");
	expect_next(test, all, 2, "2-3: 2 3; 4-4: 4");
	expect_next(test, all, 2, "5-6: 5 6");
	expect_next(test, all, 2, "");
	expect_next(test, some, 10, "2-3: 3; 5-6: 5 6");
}

static void
take_what_comes(fc_worker *worker)
{
	fc_begin_call(worker);
	expect_next(worker->test, worker->context, 10, "2-2: 2");
}

/* Nothing is appended before the call waits. */
static void
next_waits(fc_test *test)
{
	factstr_stream *stream = open_pulled(test, NULL, FC_TYPE("a"));
	fc_worker  *worker;

	expect_next(test, stream, 10, "");
	worker = fc_background(test, take_what_comes, stream);
	fc_await_call(worker);
	(void) fc_append(test, "b", "1");
	(void) fc_append(test, "a", "1");
	fc_join(worker);
}

/* Unacknowledged batches go to the next consumer, acknowledged ones do not. */
static void
cursor_moves_by_acknowledging(fc_test *test)
{
	factstr_stream *stream;
	factstr_error error;

	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	stream = open_pulled(test, "s", FC_TYPE("a"));
	expect_next(test, stream, 10, "1-2: 1; 3-3: 3");
	expect_next(test, stream, 10, "");
	fc_expect_cursor(test, "s", 0);
	fc_expect_code(test, "acknowledging a batch that was not returned", factstr_stream_ack(stream, 4, &error),
				   &error, FACTSTR_MALFORMED);
	ack(test, stream, 2);
	fc_expect_cursor(test, "s", 2);
	factstr_stream_unsubscribe(stream);
	fc_expect_cursor(test, "s", 2);
	stream = open_pulled(test, "s", FC_TYPE("a"));
	expect_next(test, stream, 10, "3-3: 3");
	ack(test, stream, 3);
	ack(test, stream, 1);
	fc_await_cursor(test, "s", 4);
	(void) fc_append_types(test, "b b");
	expect_next(test, stream, 10, "");
	fc_expect_cursor(test, "s", 6);
}

static void
failures_are_kept(fc_test *test)
{
	factstr_stream *stream = open_pulled(test, "s", NULL);
	const factstr_stream_status *status;
	factstr_error error;

	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	expect_next(test, stream, 1, "1-1: 1");
	ack(test, stream, 1);
	expect_next(test, stream, 1, "2-2: 2");
	fc_expect_ok(test, "factstr_stream_fail",
				 factstr_stream_fail(stream, "no mail server", &error), &error);
	fc_expect_code(test, "the state of the stream", factstr_stream_state(stream, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect_text(test, "its words", error.message, "no mail server");
	status = fc_status(test, "s");
	fc_expect_text(test, "last_error", status->last_error, "no mail server");
	fc_expect_number(test, "failure_count", status->failure_count, 1);
	fc_expect(test, !status->active, "a stream that has failed still has its name");
	expect_next(test, stream, 10, "2-2: 2");
	ack(test, stream, 2);
	fc_expect_number(test, "failure_count after a success", fc_status(test, "s")->failure_count, 0);
	fc_expect_ok(test, "the state after that", factstr_stream_state(stream, &error), &error);
}

static void
takeovers_are_noticed(fc_test *test)
{
	factstr_stream *stream = open_pulled(test, "s", NULL);
	factstr_stream *other;
	factstr_batch_list *list;
	factstr_error error;

	(void) fc_append_types(test, "a");
	expect_next(test, stream, 10, "1-1: 1");
	fc_expect_ok(test, "factstr_stream_fail", factstr_stream_fail(stream, "later", &error), &error);
	other = open_pulled(test, "s", NULL);
	expect_next(test, other, 10, "1-1: 1");
	for (int i = 0; i < 2; i++)
		fc_expect_code(test, "asking when another consumer has the stream",
					   factstr_stream_next(stream, 10, -1, &list, &error), &error,
					   FACTSTR_STREAM_ACTIVE);
	fc_expect_code(test, "its state", factstr_stream_state(stream, &error), &error,
				   FACTSTR_STREAM_ACTIVE);
	ack(test, other, 1);
}

static bool
is_readable(int fd, int timeout_ms)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, timeout_ms) == 1;
}

/* Nothing is given, and in the end the descriptor says so: a store may be woken for nothing. */
static bool
is_silent(fc_test *test, void *context)
{
	factstr_stream *stream = context;
	factstr_error error;
	int			fd = -1;

	fc_expect_text(test, "the next batches", next_of(test, stream, 1, 0), "");
	fc_expect_ok(test, "factstr_stream_fd", factstr_stream_fd(stream, &fd, &error), &error);
	return !is_readable(fd, 0);
}

static int
fd_of(fc_test *test, factstr_stream *stream)
{
	factstr_error error;
	int			fd = -1;

	fc_expect_ok(test, "factstr_stream_fd", factstr_stream_fd(stream, &fd, &error), &error);
	return fd;
}

static void
descriptors_are_polled(fc_test *test)
{
	factstr_stream *stream = open_pulled(test, NULL, FC_TYPE("a"));
	fc_collector *all = fc_subscribe(test, NULL);
	int			patience = test->patience * 1000;
	int			fd = fd_of(test, stream);

	fc_expect(test, is_readable(fd, patience), "nobody has asked, and the descriptor is silent");
	fc_expect(test, fc_comes_true(test, is_silent, stream),
			  "there is nothing, and the descriptor stays readable");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	fc_expect(test, is_readable(fd, patience), "a match makes the descriptor readable");
	expect_next(test, stream, 1, "1-1: 1");
	fc_expect(test, is_readable(fd, patience), "it is readable while there is more");
	expect_next(test, stream, 1, "2-2: 2");
	fc_expect(test, fc_comes_true(test, is_silent, stream),
			  "all is given, and the descriptor stays readable");
	(void) fc_append_types(test, "a");
	fc_await_deliveries(all, 3);
	fc_expect(test, is_readable(fd, patience), "a later match makes it readable again");
	factstr_stream_unsubscribe(stream);
	fc_expect(test, is_readable(fd, patience), "an ended stream has a readable descriptor");
}

/* A consumer that asks whenever the descriptor says so keeps the cursor of its stream up to date. */
static void
cursors_follow_by_descriptor(fc_test *test)
{
	factstr_stream *stream = open_pulled(test, "s", FC_TYPE("a"));
	int			fd = fd_of(test, stream);

	expect_next(test, stream, 10, "");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b c");
	fc_expect(test, is_readable(fd, test->patience * 1000), "the descriptor is silent");
	expect_next(test, stream, 10, "2-2: 2");
	ack(test, stream, 2);
	while (fc_status(test, "s")->cursor_sequence_number < 4)
	{
		fc_expect(test, is_readable(fd, test->patience * 1000), "the cursor stays behind");
		expect_next(test, stream, 10, "");
	}
}

static void
wait_for_next(fc_worker *worker)
{
	int		   *expected = worker->context;
	factstr_batch_list *list;
	factstr_stream *stream = NULL;
	factstr_error error;

	fc_expect_ok(worker->test, "opening a stream without a handler",
				 factstr_stream_open(worker->store, NULL, NULL, NULL, NULL, NULL, &stream, &error),
				 &error);
	fc_begin_call(worker);
	fc_expect_code(worker->test, "waiting for a batch",
				   factstr_stream_next(stream, 1, -1, &list, &error), &error, *expected);
	(void) factstr_stream_close(stream, -1);
}

static void
closing_ends_waits(fc_test *test)
{
	static int	closed = FACTSTR_CLOSED;
	factstr_stream *stream = open_pulled(test, "s", NULL);
	fc_worker  *worker = fc_background(test, wait_for_next, &closed);
	factstr_batch_list *list;
	factstr_error error;

	fc_await_call(worker);
	fc_close(test, test->store);
	fc_join(worker);
	fc_expect_code(test, "asking after the store was closed",
				   factstr_stream_next(stream, 1, -1, &list, &error), &error, FACTSTR_CLOSED);
}

static void
interrupting_ends_waits(fc_test *test)
{
	static int	interrupted = FACTSTR_INTERRUPTED;
	fc_worker  *worker = fc_background(test, wait_for_next, &interrupted);

	fc_await_call(worker);
	factstr_interrupt(test->store);
	fc_join(worker);
}

static void
handlers_and_calls_exclude_each_other(fc_test *test)
{
	fc_collector *handled = fc_subscribe(test, NULL);
	factstr_stream *stream = open_pulled(test, NULL, NULL);
	factstr_batch_list *list;
	factstr_error error;
	int			fd;

	fc_expect_code(test, "asking a stream that has a handler",
				   factstr_stream_next(handled->stream, 1, 0, &list, &error), &error, FACTSTR_MISUSE);
	fc_expect_code(test, "its descriptor", factstr_stream_fd(handled->stream, &fd, &error), &error,
				   FACTSTR_MISUSE);
	fc_expect_code(test, "asking for no batch", factstr_stream_next(stream, 0, 0, &list, &error), &error,
				   FACTSTR_MALFORMED);
	factstr_stream_unsubscribe(stream);
	fc_expect_code(test, "asking an ended stream", factstr_stream_next(stream, 1, 0, &list, &error),
				   &error, FACTSTR_MISUSE);
}

const fc_case fc_pulling_cases[] = {
	{{"pulling", "18, 44", "batches are given in order, filtered, once"}, 0, live_streams_are_pulled},
	{{"pulling", "44", "asking waits for a match"}, 0, next_waits},
	{{"pulling", "27, 44", "a cursor moves by acknowledging, and then past facts that do not match"},
	0, cursor_moves_by_acknowledging},
	{{"pulling", "28, 44", "a failure is kept, and unacknowledged batches come again"},
	0, failures_are_kept},
	{{"pulling", "28, 44", "a consumer that was taken over learns of it"}, 0, takeovers_are_noticed},
	{{"pulling", "44", "the descriptor is readable while there may be something"},
	0, descriptors_are_polled},
	{{"pulling", "27, 44", "a consumer that follows the descriptor keeps its cursor up to date"},
	0, cursors_follow_by_descriptor},
	{{"pulling", "34, 44", "closing the store ends a call that waits"}, 0, closing_ends_waits},
	{{"pulling", "35, 44", "so does interrupting"}, 0, interrupting_ends_waits},
	{{"pulling", "44", "a stream has a handler or is asked"}, 0, handlers_and_calls_exclude_each_other},
	{{NULL, NULL, NULL}, 0, NULL}
};
