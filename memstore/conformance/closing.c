/*
 * closing.c
 *		Rules 34 to 36: closing a store while calls are in it, interrupting them, and forking.
 *
 * A call that is to be in the store while that is closed needs the store to stay until it is over.
 * So a handler runs that closing waits for, and that the call lets go when it has ended.
 */
#include "deliveries.h"

#include <sys/wait.h>
#include <unistd.h>

typedef struct held_store
{
	fc_collector *stream;		/* whose handler is held */
	fc_collector *second;		/* for a name that is taken */
} held_store;

/* Always ends with an error. */
static int64_t
long_wait(const fc_test *test)
{
	return (int64_t) test->patience * 2000;
}

static held_store *
hold_store(fc_test *test)
{
	held_store *held = fc_allocate(test, sizeof(held_store));
	factstr_error error;

	held->stream = fc_collector_new(test);
	held->second = fc_collector_new(test);
	fc_expect_ok(test, "opening a stream",
				 fc_open_durable(held->stream, test->store, "s", NULL, NULL, &error), &error);
	held->stream->holds = true;
	(void) fc_append_types(test, "a");
	fc_expect_running(held->stream);
	return held;
}

static void
wait_until_closed(fc_worker *worker)
{
	held_store *held = worker->context;
	factstr_error error;

	fc_begin_call(worker);
	fc_expect_code(worker->test, "factstr_wait while the store is being closed",
				   factstr_wait(worker->store, "s", 1000, long_wait(worker->test), &error),
				   &error, FACTSTR_CLOSED);
	fc_let_go(held->stream);
}

static void
claim_until_closed(fc_worker *worker)
{
	held_store *held = worker->context;
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = long_wait(worker->test)};
	factstr_error error;

	fc_begin_call(worker);
	fc_expect_code(worker->test, "waiting for a name while the store is being closed",
				   fc_open_durable(held->second, worker->store, "s", NULL, &options, &error),
				   &error, FACTSTR_CLOSED);
	fc_let_go(held->stream);
}

static void
append_until_closed(fc_worker *worker)
{
	held_store *held = worker->context;
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result;
	factstr_error error;
	int			code;

	/* Not more than can be delivered quickly afterwards. */
	fc_begin_call(worker);
	while ((code = factstr_append(worker->store, &event, 1, NULL, &result, &error)) ==
		   FACTSTR_OK && !fc_is_over(worker->test))
		(void) usleep(5000);
	fc_expect_code(worker->test, "an append while the store is being closed", code, &error,
				   FACTSTR_CLOSED);
	fc_let_go(held->stream);
}

static void
end_by_closing(fc_test *test, held_store *held, void (*run) (fc_worker *worker))
{
	fc_worker  *beside = fc_background(test, run, held);

	fc_await_call(beside);
	fc_close(test, test->store);
	fc_join(beside);
	fc_check_threads(test);
	fc_end_stream(held->stream);
}

static void
closing_ends(fc_test *test, void (*run) (fc_worker *worker))
{
	end_by_closing(test, hold_store(test), run);
}

static void
closing_ends_waiting(fc_test *test)
{
	closing_ends(test, wait_until_closed);
}

static void
closing_ends_waiting_for_a_name(fc_test *test)
{
	closing_ends(test, claim_until_closed);
}

static void
closing_ends_appends(fc_test *test)
{
	closing_ends(test, append_until_closed);
}

/*
 * Delivering
 */

static fc_collector *
open_for_closing(fc_test *test, const char *name)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;
	int			code = name == NULL ?
		fc_open_stream(stream, test->store, NULL, &error) :
		fc_open_durable(stream, test->store, name, NULL, NULL, &error);

	fc_expect_ok(test, "opening a stream", code, &error);
	return stream;
}

static void
closing_delivers(fc_test *test)
{
	fc_collector *live = open_for_closing(test, NULL);
	fc_collector *durable = open_for_closing(test, "s");
	fc_collector *ended = open_for_closing(test, NULL);

	factstr_stream_unsubscribe(ended->stream);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b c");
	(void) fc_append_types(test, "d");
	fc_close(test, test->store);
	fc_expect_text(test, "the deliveries of a stream", fc_deliveries_text(live), "1-1: 1; 2-3: 2 3; 4-4: 4");
	fc_expect_text(test, "those of a durable one", fc_deliveries_text(durable),
				   "1-1: 1; 2-3: 2 3; 4-4: 4");
	fc_expect_text(test, "those of an unsubscribed one", fc_deliveries_text(ended), "");
}

/* A handler that fails gets the batch again, in the same store or in the next one. */
static void
closing_leaves_failed_batches(fc_test *test)
{
	fc_collector *stream = open_for_closing(test, "s");

	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	stream->fails_at = 2;
	stream->failures = 1000;
	(void) fc_append_types(test, "b");
	fc_await_state(stream, FACTSTR_HANDLER_FAILED);
	fc_expect_number(test, "closing without waiting", (uint64_t) -fc_close_within(test, 0),
					 (uint64_t) -FACTSTR_WAIT_TIMED_OUT);
	fc_open_store(test);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2");
}

/*
 * Interrupting
 */

typedef struct interrupted
{
	fc_collector *second;
	bool		has_ended;		/* with the test's lock held */
} interrupted;

static void
note_end(fc_worker *worker)
{
	interrupted *call = worker->context;

	(void) pthread_mutex_lock(&worker->test->lock);
	call->has_ended = true;
	(void) pthread_mutex_unlock(&worker->test->lock);
}

static void
wait_until_interrupted(fc_worker *worker)
{
	factstr_error error;

	fc_expect_code(worker->test, "factstr_wait, interrupted",
				   factstr_wait(worker->store, "s", 1000, long_wait(worker->test), &error),
				   &error, FACTSTR_INTERRUPTED);
	note_end(worker);
}

static void
claim_until_interrupted(fc_worker *worker)
{
	interrupted *call = worker->context;
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = long_wait(worker->test)};
	factstr_error error;

	fc_expect_code(worker->test, "waiting for a name, interrupted",
				   fc_open_durable(call->second, worker->store, "s", NULL, &options, &error),
				   &error, FACTSTR_INTERRUPTED);
	note_end(worker);
}

/* Again and again, since it cannot be seen whether the call has begun. */
static bool
interrupt_once_more(fc_test *test, void *context)
{
	const interrupted *call = context;
	bool		has_ended;

	factstr_interrupt(test->store);
	(void) pthread_mutex_lock(&test->lock);
	has_ended = call->has_ended;
	(void) pthread_mutex_unlock(&test->lock);
	return has_ended;
}

static void
interrupting_ends(fc_test *test, void (*run) (fc_worker *worker))
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);
	interrupted *call = fc_allocate(test, sizeof(interrupted));
	fc_worker  *beside;

	call->second = fc_collector_new(test);
	beside = fc_background(test, run, call);
	fc_expect(test, fc_comes_true(test, interrupt_once_more, call),
			  "factstr_interrupt ends no call");
	fc_join(beside);
	fc_check_threads(test);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1");
}

static void
interrupting_ends_waiting(fc_test *test)
{
	interrupting_ends(test, wait_until_interrupted);
}

static void
interrupting_ends_waiting_for_a_name(fc_test *test)
{
	interrupting_ends(test, claim_until_interrupted);
}

static int
interrupt_at_2(fc_collector *collector, const factstr_batch *batch)
{
	if (batch->last_sequence_number == 2)
		factstr_interrupt(collector->test->store);
	return 0;
}

static void
interrupting_ends_a_replay(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	stream->then = interrupt_at_2;
	fc_expect_code(test, "an interrupted replay",
				   fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error,
				   FACTSTR_INTERRUPTED);
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
	fc_expect_cursor(test, "s", 2);
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "3-3: 3");
}

/*
 * Matching
 */

/*
 * Objects that another array has in the opposite order: finding the matches takes half the square of their
 * number in steps.  So many that it takes longer than the test waits for any event.
 */
static char *
array_of_objects(fc_test *test, bool ascending)
{
	const int64_t steps_per_second = 100000000;
	int			count = 1000;
	size_t		size = 0;
	char	   *text;

	while ((int64_t) count * count / 2 < test->patience * steps_per_second)
		count += 1000;
	text = fc_allocate(test, (size_t) count * 20);
	for (int i = 0; i < count; i++)
		size += (size_t) sprintf(text + size, "%s{\"n\": %d}", i == 0 ? "[" : ", ",
								 ascending ? i : count - 1 - i);
	(void) sprintf(text + size, "]");
	return text;
}

static int
match_for_long(fc_worker *worker, factstr_error *error)
{
	char	   *query = fc_format(worker->test, "{\"filters\": [{\"payload_predicates\": [%s]}]}",
								  array_of_objects(worker->test, false));
	factstr_query_result *result = NULL;
	int			code;

	fc_begin_call(worker);
	code = factstr_query(worker->store, query, &result, error);
	factstr_query_result_free(result);
	return code;
}

static void
match_until_closed(fc_worker *worker)
{
	held_store *held = worker->context;
	factstr_error error;

	fc_expect_code(worker->test, "a match while the store is being closed",
				   match_for_long(worker, &error), &error, FACTSTR_CLOSED);
	fc_let_go(held->stream);
}

static void
closing_ends_matching(fc_test *test)
{
	held_store *held = hold_store(test);

	(void) fc_append(test, "long", array_of_objects(test, true));
	end_by_closing(test, held, match_until_closed);
}

static void
match_until_interrupted(fc_worker *worker)
{
	factstr_error error;

	fc_expect_code(worker->test, "a match that is interrupted", match_for_long(worker, &error),
				   &error, FACTSTR_INTERRUPTED);
	note_end(worker);
}

static void
interrupting_ends_matching(fc_test *test)
{
	interrupted *call = fc_allocate(test, sizeof(interrupted));
	fc_worker  *beside;

	(void) fc_append(test, "long", array_of_objects(test, true));
	beside = fc_background(test, match_until_interrupted, call);

	/* So that it is matching.  If it is not yet, the case shows less. */
	(void) usleep(100000);
	fc_expect(test, fc_comes_true(test, interrupt_once_more, call),
			  "factstr_interrupt ends no match");
	fc_join(beside);
	fc_check_threads(test);
}

/*
 * Forking
 */

/* The child of a process may not use its parent's store.  Returns the call that was accepted. */
static int
use_store_of_parent(factstr_store *store, factstr_stream *stream)
{
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_query_result *result;
	factstr_stream *opened;
	factstr_error error;

	if (factstr_append(store, &event, 1, NULL, NULL, &error) != FACTSTR_MISUSE)
		return 1;
	if (factstr_query(store, NULL, &result, &error) != FACTSTR_MISUSE)
		return 2;
	if (factstr_stream_open(store, NULL, NULL, fc_collect, NULL, NULL, &opened, &error) != FACTSTR_MISUSE)
		return 3;
	if (factstr_wait(store, "s", 1, -1, &error) != FACTSTR_MISUSE)
		return 4;
	if (factstr_stream_state(stream, &error) != FACTSTR_MISUSE)
		return 5;
	factstr_interrupt(store);
	factstr_stream_unsubscribe(stream);
	(void) factstr_stream_close(stream, -1);
	return factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS) == FACTSTR_MISUSE ? 0 : 6;
}

static void
fork_has_no_store(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);
	int			status = -1;
	pid_t		child;

	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1");
	child = fork();
	if (child == 0)
	{
		(void) alarm((unsigned int) test->patience);
		_exit(use_store_of_parent(test->store, stream->stream));
	}
	fc_expect(test, child > 0 && waitpid(child, &status, 0) == child, "no child");
	fc_expect_number(test, "how the child has ended", (uint64_t) status, 0);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
	fc_expect_log_ends_at(test, 2);
	fc_end_stream(stream);
	fc_close(test, test->store);
}

const fc_case fc_closing_cases[] = {
	{{"closing", "34", "closing a store ends waiting for a cursor"}, 0, closing_ends_waiting},
	{{"closing", "34", "closing a store ends waiting for a name"},
	0, closing_ends_waiting_for_a_name},
	{{"closing", "34", "a store that is being closed takes no appends"}, 0, closing_ends_appends},
	{{"closing", "34", "closing a store ends a match that takes long"}, 0, closing_ends_matching},
	{{"closing", "34", "closing a store delivers earlier appends"}, 0, closing_delivers},
	{{"closing", "28, 34", "what closing does not deliver comes to the next consumer"},
	FC_PERSISTENT, closing_leaves_failed_batches},
	{{"closing", "35", "waiting for a cursor can be interrupted"}, 0, interrupting_ends_waiting},
	{{"closing", "35", "waiting for a name can be interrupted"},
	0, interrupting_ends_waiting_for_a_name},
	{{"closing", "35", "a replay can be interrupted, and continues from there"},
	0, interrupting_ends_a_replay},
	{{"closing", "35", "a match that takes long can be interrupted"}, 0, interrupting_ends_matching},
	{{"closing", "36", "the child of a process has no part in its store"}, 0, fork_has_no_store},
	{{NULL, NULL, NULL}, 0, NULL}
};
