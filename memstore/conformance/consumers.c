/*
 * consumers.c
 *		Rule 29: one name has one consumer at a time.
 */
#include "deliveries.h"
#include "process.h"

#include <string.h>

/* Opens "s" through a handle, and expects a certain code. */
static void
expect_active(fc_test *test, factstr_store *store, int64_t wait)
{
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = wait};
	fc_collector *second = fc_collector_new(test);
	factstr_error error;

	fc_expect_code(test, "a second consumer", fc_open_durable(second, store, "s", NULL, &options,
															  &error),
				   &error, FACTSTR_STREAM_ACTIVE);
	fc_expect(test, second->stream == NULL, "a stream came with the error");
	fc_expect_deliveries(second, "");
}

static void
second_is_refused(fc_test *test)
{
	fc_collector *first = fc_subscribe_durable(test, "s", NULL);

	expect_active(test, test->store, 0);
	expect_active(test, test->store, 20);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(first, "1-1: 1");
	fc_await_cursor(test, "s", 1);
	fc_end_stream(first);
	fc_end_stream(fc_subscribe_durable(test, "s", NULL));
}

static void
second_handle_is_refused(fc_test *test)
{
	fc_collector *first = fc_subscribe_durable(test, "s", NULL);
	factstr_store *other = fc_open(test, test->url);

	expect_active(test, other, 0);
	expect_active(test, other, 20);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(first, "1-1: 1");
}

/* A different query is told before the name's being taken, or after: both are true. */
static void
other_query_of_an_active_one(fc_test *test)
{
	fc_collector *second = fc_collector_new(test);
	factstr_error error;
	int			code;

	(void) fc_subscribe_durable(test, "s", FC_TYPE("a"));
	code = fc_open_durable(second, test->store, "s", FC_TYPE("b"), NULL, &error);
	fc_expect(test, code == FACTSTR_STREAM_ACTIVE || code == FACTSTR_STREAM_QUERY_DIFFERS,
			  "a second consumer with another query: expected stream_already_active or "
			  "stream_query_differs, found %s", factstr_code_name(code));
}

typedef struct waiting
{
	fc_collector *collector;
	factstr_store *store;
	int64_t		wait;
} waiting;

static void
wait_for_stream(fc_worker *worker)
{
	waiting    *wanted = worker->context;
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = wanted->wait};
	factstr_error error;

	fc_expect_ok(worker->test, "waiting for a durable stream",
				 fc_open_durable(wanted->collector, wanted->store, "s", NULL, &options, &error),
				 &error);
}

static void
wait_and_get_it(fc_test *test, factstr_store *other, int64_t wait)
{
	fc_collector *first = fc_subscribe_durable(test, "s", NULL);
	waiting    *second = fc_allocate(test, sizeof(waiting));
	fc_worker  *worker;

	*second = (waiting) {fc_collector_new(test), other, wait};
	worker = fc_background(test, wait_for_stream, second);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(first, "1-1: 1");
	fc_await_cursor(test, "s", 1);
	fc_expect_deliveries(second->collector, "");
	fc_end_stream(first);
	fc_join(worker);
	fc_check_threads(test);
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(second->collector, "2-2: 2");
	fc_expect_deliveries(first, "1-1: 1");
}

static void
second_waits(fc_test *test)
{
	wait_and_get_it(test, test->store, test->patience * 1000);
}

static void
second_waits_without_limit(fc_test *test)
{
	wait_and_get_it(test, test->store, -1);
}

static void
second_handle_waits(fc_test *test)
{
	wait_and_get_it(test, fc_open(test, test->url), test->patience * 1000);
}

/* Several consumers stand by; each takes the name in turn for a few deliveries. */
typedef struct relay
{
	uint64_t	seen;			/* the last number delivered; with the test's lock held */
	int			inside;			/* handlers running */
} relay;

static int
relay_delivery(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	relay	   *shared = collector->context;
	uint64_t	before;
	int			inside;

	(void) pthread_mutex_lock(&test->lock);
	inside = ++shared->inside;
	before = shared->seen;
	shared->seen = batch->last_sequence_number;
	(void) pthread_mutex_unlock(&test->lock);
	fc_expect(test, inside == 1, "two consumers of one name had a delivery at the same time");
	fc_expect(test, batch->first_sequence_number == before + 1,
			  "after %llu the next consumer got %llu",
			  (unsigned long long) before, (unsigned long long) batch->first_sequence_number);
	(void) pthread_mutex_lock(&test->lock);
	shared->inside--;
	(void) pthread_mutex_unlock(&test->lock);
	return 0;
}

static void
stand_by(fc_worker *worker)
{
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = -1};
	const factstr_event event = {.event_type = "a", .payload = "1"};

	for (int i = 0; i < 6; i++)
	{
		fc_collector *collector = fc_collector_new(worker->test);
		factstr_append_result result;
		factstr_error error;

		collector->then = relay_delivery;
		collector->context = worker->context;
		fc_expect_ok(worker->test, "an append",
					 factstr_append(worker->store, &event, 1, NULL, &result, &error), &error);
		fc_expect_ok(worker->test, "waiting for a durable stream",
					 fc_open_durable(collector, worker->store, "s", NULL, &options, &error),
					 &error);
		fc_end_stream(collector);
	}
}

static void
consumers_take_turns(fc_test *test)
{
	relay	   *shared = fc_allocate(test, sizeof(relay));

	fc_parallel(test, 3, stand_by, shared);
	fc_expect_number(test, "the last number delivered", shared->seen, 18);
	fc_expect_cursor(test, "s", 18);
}

/* Prints its batches until it is killed. */
static int
say_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	char		line[40];

	(void) error;
	(void) snprintf(line, sizeof(line), "batch %llu",
					(unsigned long long) batch->last_sequence_number);
	fc_child_say(context, line);
	return 0;
}

static void
consume_in_child(fc_child *child)
{
	factstr_stream *stream;
	factstr_error error;

	fc_child_expect_ok(child, "a durable stream in another process",
					   factstr_stream_open(child->store, "s", NULL, say_batch, child, NULL, &stream,
										   &error),
					   &error);
	fc_child_say(child, "consuming");
	fc_child_expect_line(child, "leave");
	(void) factstr_stream_close(stream, -1);
	fc_child_say(child, "left");
}

static void
other_process_holds_the_name(fc_test *test)
{
	fc_process *process = fc_start(test, consume_in_child);

	fc_open_store(test);
	(void) fc_append_types(test, "a");
	fc_let_open(test, process);
	fc_expect_line(test, process, "batch 1");
	fc_expect_line(test, process, "consuming");
	expect_active(test, test->store, 0);
	fc_expect(test, fc_status(test, "s")->active,
			  "the stream of another process: expected it active in the list, found it free");
	(void) fc_append_types(test, "b");
	fc_expect_line(test, process, "batch 2");
	fc_await_cursor(test, "s", 2);
	fc_tell(process, "leave");
	fc_expect_line(test, process, "left");
	fc_expect_exit(test, process);
	(void) fc_append_types(test, "c");
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "3-3: 3");
}

/* Waits a little: a server may notice a death later than the parent of the dead. */
static void
killed_process_frees_the_name(fc_test *test)
{
	fc_process *process = fc_start(test, consume_in_child);
	fc_collector *successor;

	fc_open_store(test);
	(void) fc_append_types(test, "a");
	fc_let_open(test, process);
	fc_expect_line(test, process, "batch 1");
	fc_expect_line(test, process, "consuming");
	fc_kill(process);
	(void) fc_append_types(test, "b");
	successor = fc_subscribe_next(test, "s", NULL);
	fc_await_cursor(test, "s", 2);
	fc_expect_deliveries(successor, "2-2: 2");
	(void) fc_append_types(test, "c");
	fc_expect_deliveries(successor, "2-2: 2; 3-3: 3");
}

/* The process is killed while a third one waits. */
static void
killed_process_wakes_who_waits(fc_test *test)
{
	fc_process *process = fc_start(test, consume_in_child);
	waiting    *second = fc_allocate(test, sizeof(waiting));
	fc_worker  *worker;

	fc_open_store(test);
	fc_let_open(test, process);
	fc_expect_line(test, process, "consuming");
	*second = (waiting) {fc_collector_new(test), test->store, test->patience * 1000};
	worker = fc_background(test, wait_for_stream, second);
	fc_kill(process);
	fc_join(worker);
	fc_check_threads(test);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(second->collector, "1-1: 1");
}

/* It dies inside a delivery: the batch was not done with, and comes to the successor. */
static int
say_and_die(const factstr_batch *batch, void *context, factstr_error *error)
{
	fc_child   *child = context;

	(void) say_batch(batch, child, error);
	fc_child_expect_line(child, "go on");
	return 0;
}

static void
hang_in_child(fc_child *child)
{
	factstr_stream *stream;
	factstr_error error;

	fc_child_expect_ok(child, "a durable stream in another process",
					   factstr_stream_open(child->store, "s", NULL, say_and_die, child, NULL,
										   &stream, &error),
					   &error);
	fc_child_say(child, "not reached");
}

static void
killed_in_a_delivery(fc_test *test)
{
	fc_process *process = fc_start(test, hang_in_child);

	fc_open_store(test);
	(void) fc_append_types(test, "a b");
	fc_let_open(test, process);
	fc_expect_line(test, process, "batch 2");
	fc_kill(process);
	fc_expect_deliveries(fc_subscribe_next(test, "s", NULL), "1-2: 1 2");
	fc_await_cursor(test, "s", 2);
}

const fc_case fc_consumer_cases[] = {
	{{"consumers", "29", "a second consumer gets a separate error"}, 0, second_is_refused},
	{{"consumers", "29", "a second consumer on another handle too"},
	FC_PERSISTENT, second_handle_is_refused},
	{{"consumers", "25, 29", "another query for an active stream is refused"},
	0, other_query_of_an_active_one},
	{{"consumers", "29", "a second consumer waits, and follows at the cursor"}, 0, second_waits},
	{{"consumers", "29", "a second consumer waits for as long as it takes"},
	0, second_waits_without_limit},
	{{"consumers", "29", "a second consumer waits on another handle"},
	FC_PERSISTENT, second_handle_waits},
	{{"consumers", "26, 29", "consumers take turns without gap or repetition"},
	0, consumers_take_turns},
	{{"consumers", "29", "another process's consumer holds the name until it leaves"},
	FC_PROCESSES, other_process_holds_the_name},
	{{"consumers", "29", "a killed process does not block its successor"},
	FC_PROCESSES, killed_process_frees_the_name},
	{{"consumers", "29", "a killed process makes room for a waiting consumer"},
	FC_PROCESSES, killed_process_wakes_who_waits},
	{{"consumers", "27, 29", "a batch whose consumer was killed comes to its successor"},
	FC_PROCESSES, killed_in_a_delivery},
	{{NULL, NULL, NULL}, 0, NULL}
};
