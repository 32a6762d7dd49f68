/*
 * endings.c
 *		Rules 28, 38 and 45: the message of a failed handler, the report of a stream's end, and freeing a
 *		stream without waiting for its handler.
 */
#include "deliveries.h"

#include <stdlib.h>

/* The calls of a stream, made with the test's lock held.  It lasts until the store is closed. */
typedef struct calls
{
	fc_test    *test;
	factstr_stream *stream;
	int			handled;
	int			ended;
	int			reason;
	int			destroyed;
	bool		holds;			/* the handler does not return */
	bool		in_main_thread;
	bool		is_out_of_order;
} calls;

static void
change(calls *of, int *number, int value)
{
	(void) pthread_mutex_lock(&of->test->lock);
	*number = value;
	of->in_main_thread = of->in_main_thread || pthread_equal(pthread_self(), of->test->main);
	(void) pthread_cond_broadcast(&of->test->changed);
	(void) pthread_mutex_unlock(&of->test->lock);
}

static int
look(calls *of, const int *number)
{
	int			value;

	(void) pthread_mutex_lock(&of->test->lock);
	value = *number;
	(void) pthread_mutex_unlock(&of->test->lock);
	return value;
}

static int
handle(const factstr_batch *batch, void *context, factstr_error *error)
{
	calls	   *of = context;

	(void) batch;
	(void) error;
	change(of, &of->handled, look(of, &of->handled) + 1);
	(void) pthread_mutex_lock(&of->test->lock);
	while (of->holds && !of->test->over)
		(void) pthread_cond_wait(&of->test->changed, &of->test->lock);
	(void) pthread_mutex_unlock(&of->test->lock);
	return 0;
}

static void
note_end(const factstr_error *reason, void *context)
{
	calls	   *of = context;

	of->is_out_of_order = of->is_out_of_order || look(of, &of->destroyed) != 0;
	change(of, &of->reason, reason->code);
	change(of, &of->ended, look(of, &of->ended) + 1);
}

static void
note_destruction(void *context)
{
	calls	   *of = context;

	change(of, &of->destroyed, look(of, &of->destroyed) + 1);
}

static calls *
open_called(fc_test *test, const char *name, bool in_background)
{
	const factstr_stream_options options = {
		.size = sizeof(options), .ended = note_end, .destroy = note_destruction,
		.in_background = in_background
	};
	calls	   *of = calloc(1, sizeof(calls));
	factstr_error error;

	if (of == NULL)
		abort();
	of->test = test;
	fc_own_to_the_end(test, free, of);
	fc_expect_ok(test, "opening a stream",
				 factstr_stream_open(test->store, name, NULL, handle, of, &options, &of->stream,
									 &error), &error);
	return of;
}

static bool
is_handled(fc_test *test, void *context)
{
	calls	   *of = context;

	(void) test;
	return look(of, &of->handled) > 0;
}

static bool
is_destroyed(fc_test *test, void *context)
{
	calls	   *of = context;

	(void) test;
	return look(of, &of->destroyed) > 0;
}

static void
expect_end(calls *of, int reason)
{
	fc_expect_number(of->test, "calls of ended", (uint64_t) look(of, &of->ended), 1);
	fc_expect_text(of->test, "the reason", factstr_code_name(look(of, &of->reason)),
				   factstr_code_name(reason));
	fc_expect_number(of->test, "calls of destroy", (uint64_t) look(of, &of->destroyed), 1);
	fc_expect(of->test, !of->is_out_of_order, "the context was given back before the end was told");
}

static void
ends_are_told(fc_test *test)
{
	calls	   *freed = open_called(test, NULL, false);
	calls	   *closed = open_called(test, "s", false);

	(void) fc_append_types(test, "a");
	(void) factstr_stream_close(freed->stream, -1);
	expect_end(freed, FACTSTR_OK);
	fc_close(test, test->store);
	(void) factstr_stream_close(closed->stream, -1);
	expect_end(closed, FACTSTR_CLOSED);
}

/* Its handler waits for the thread that gives the stream up. */
static void
expect_close_in_time(fc_test *test, int64_t timeout_ms)
{
	calls	   *of = open_called(test, NULL, false);

	of->holds = true;
	(void) fc_append_types(test, "a");
	fc_expect(test, fc_comes_true(test, is_handled, of), "the handler is not called");
	fc_expect_number(test, "closing a stream whose handler runs",
					 (uint64_t) -factstr_stream_close(of->stream, timeout_ms),
					 (uint64_t) -FACTSTR_WAIT_TIMED_OUT);
	(void) fc_append_types(test, "a");
	fc_expect_number(test, "given back while the handler runs",
					 (uint64_t) look(of, &of->destroyed), 0);
	(void) pthread_mutex_lock(&test->lock);
	of->holds = false;
	(void) pthread_cond_broadcast(&test->changed);
	(void) pthread_mutex_unlock(&test->lock);
	fc_expect(test, fc_comes_true(test, is_destroyed, of), "the context is not given back");
	fc_close(test, test->store);
	expect_end(of, FACTSTR_OK);
	fc_expect_number(test, "batches delivered", (uint64_t) of->handled, 1);
	fc_expect(test, !of->in_main_thread, "the program's thread was called");
}

static void
closing_does_not_wait(fc_test *test)
{
	expect_close_in_time(test, 0);
}

static void
closing_waits_no_longer(fc_test *test)
{
	expect_close_in_time(test, 10);
}

static void
closing_waits(fc_test *test)
{
	calls	   *of = open_called(test, NULL, false);

	(void) fc_append_types(test, "a");
	fc_expect(test, fc_comes_true(test, is_handled, of), "the handler is not called");
	fc_expect_number(test, "closing a stream", (uint64_t) -factstr_stream_close(of->stream, -1), FACTSTR_OK);
	fc_expect_number(test, "given back when closing returns", (uint64_t) look(of, &of->destroyed), 1);
	fc_expect_number(test, "closing nothing", (uint64_t) -factstr_stream_close(NULL, 0), FACTSTR_OK);
}

static bool
is_all_handled(fc_test *test, void *context)
{
	calls	   *of = context;

	(void) test;
	return look(of, &of->handled) == 3;
}

static void
replays_in_the_background(fc_test *test)
{
	calls	   *of;

	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	of = open_called(test, "s", true);
	(void) fc_append_types(test, "a");
	fc_expect(test, fc_comes_true(test, is_all_handled, of), "not all batches are delivered");
	fc_await_cursor(test, "s", 3);
	fc_expect(test, !of->in_main_thread, "the program's thread was called");
	(void) factstr_stream_close(of->stream, -1);
	expect_end(of, FACTSTR_OK);
}

static int
refuse_with_words(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	return factstr_error_set(error, FACTSTR_CONFLICT, context);
}

static void
expect_words(fc_test *test, const char *words, const char *expected)
{
	factstr_stream *stream;
	factstr_error error;

	fc_expect_code(test, "a replay whose handler fails",
				   factstr_stream_open(test->store, "s", NULL, refuse_with_words, (char *) words, NULL,
									   &stream, &error), &error, FACTSTR_HANDLER_FAILED);
	fc_expect_text(test, "its message", error.message, expected);
	fc_expect_text(test, "last_error", fc_status(test, "s")->last_error, expected);
}

static void
words_are_kept(fc_test *test)
{
	(void) fc_append_types(test, "a");
	expect_words(test, "the mail server is d\xC3\xB6wn", "the mail server is d\xC3\xB6wn");
	expect_words(test, "", "the handler returned -1");
	expect_words(test, "two\nlines", "two lines");
}

const fc_case fc_ending_cases[] = {
	{{"endings", "28", "the words of a handler that fails are kept"}, 0, words_are_kept},
	{{"endings", "38, 45", "the end of a stream is told once, with the reason"}, 0, ends_are_told},
	{{"endings", "38, 45", "a stream is closed without waiting for its handler"},
	0, closing_does_not_wait},
	{{"endings", "38, 45", "a stream is closed while its handler outlasts the time for that"},
	0, closing_waits_no_longer},
	{{"endings", "38, 45", "a stream is closed, and its context given back"}, 0, closing_waits},
	{{"endings", "24, 45", "a replay in the background calls no thread of the program's"},
	0, replays_in_the_background},
	{{NULL, NULL, NULL}, 0, NULL}
};
