/*
 * streams.c
 *		Rules 18 to 23: streams that begin now.
 */
#include "deliveries.h"
#include "process.h"

#include <string.h>

static void
batches_stay_batches(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, NULL);

	(void) fc_append_types(test, "a b c");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b b");
	fc_expect_deliveries(stream, "1-3: 1 2 3; 4-4: 4; 5-6: 5 6");
}

static void
mixed_batches_are_filtered(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, FC_TYPE("a"));

	(void) fc_append_types(test, "a b a c");
	(void) fc_append_types(test, "b c");
	(void) fc_append_types(test, "c a");
	fc_expect_deliveries(stream, "1-4: 1 3; 7-8: 8");
}

/* Each of these reads "nothing" as "what comes next is the marker". */
static void
no_match_no_delivery(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, FC_PREDICATE("{'wanted': true}"));

	for (int i = 0; i < 5; i++)
		(void) fc_append(test, "a", "{'wanted': false}");
	(void) fc_append(test, "marker", "{'wanted': true}");
	fc_expect_deliveries(stream, "6-6: 6");
}

static void
nothing_matches_nothing(fc_test *test)
{
	fc_collector *nothing = fc_subscribe(test, FC_NOTHING);
	fc_collector *all = fc_subscribe(test, NULL);

	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(all, "1-2: 1 2; 3-3: 3");
	fc_expect_deliveries(nothing, "");
}

/* The handler looks for the batch in the store. */
static int
look_for_batch(fc_collector *collector, const factstr_batch *batch)
{
	uint64_t	version = 0;
	factstr_error error;

	fc_expect_ok(collector->test, "a query in a handler",
				 factstr_context_version(collector->test->store, NULL, &version, &error), &error);
	fc_expect(collector->test, version >= batch->last_sequence_number,
			  "batch %llu was delivered when the log ended with %llu",
			  (unsigned long long) batch->last_sequence_number, (unsigned long long) version);
	return 0;
}

static void
after_commit(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = look_for_batch;
	fc_expect_ok(test, "opening a stream", fc_open_stream(stream, test->store, NULL, &error),
				 &error);
	for (int i = 0; i < 20; i++)
		(void) fc_append_types(test, "a b");
	fc_await_deliveries(stream, 20);
	fc_check_threads(test);
}

/* What was delivered is what the log says, batch for batch. */
static void
in_commit_order(fc_test *test)
{
	fc_collector *all = fc_subscribe(test, NULL);
	fc_collector *some = fc_subscribe(test, FC_TYPE("y"));

	fc_parallel(test, 4, fc_append_batches, NULL);
	fc_await_deliveries(all, 4 * FC_APPENDED_BATCHES);
	(void) fc_append(test, "y", "0");
	fc_expect_deliveries(all, fc_batches_text(test, fc_export(test, test->store)));
	fc_expect_deliveries(some, fc_batches_text(test, fc_batches(test, FC_TYPE("y"), 0, 1000)));
}

/* Each append finds the stream with nothing to do. */
static void
idle_streams_are_woken(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, FC_TYPE("a"));

	for (size_t i = 1; i <= 20; i++)
	{
		(void) fc_append_types(test, "b a");
		fc_await_deliveries(stream, i);
	}
	fc_expect_deliveries(stream, fc_batches_text(test, fc_batches(test, FC_TYPE("a"), 0, 1000)));
}

static void
delivered_facts_are_the_stored_ones(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, NULL);
	const factstr_query_result *stored;
	fc_delivery delivery;

	(void) fc_append_events(test,
							"[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': null}]", "key");
	fc_await_deliveries(stream, 1);
	stored = fc_query(test, test->store, NULL);
	delivery = fc_delivery_at(stream, 0);
	fc_expect_number(test, "facts delivered", delivery.fact_count, 2);
	for (size_t i = 0; i < 2; i++)
		fc_expect_same_fact(test, "a delivered fact", &delivery.facts[i], &stored->facts[i]);
}

static void
no_earlier_fact(fc_test *test)
{
	fc_collector *all;
	fc_collector *some;

	(void) fc_append_types(test, "a b a");
	(void) fc_append_types(test, "a");
	all = fc_subscribe(test, NULL);
	some = fc_subscribe(test, FC_TYPE("a"));
	(void) fc_append_types(test, "a b");
	fc_expect_deliveries(all, "5-6: 5 6");
	fc_expect_deliveries(some, "5-6: 5");
}

static void
each_through_its_filter(fc_test *test)
{
	fc_collector *streams[4];

	streams[0] = fc_subscribe(test, NULL);
	streams[1] = fc_subscribe(test, FC_TYPE("a"));
	streams[2] = fc_subscribe(test, FC_TYPE("b"));
	streams[3] = fc_subscribe(test, FC_TYPES("b", "c"));
	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "c b c");
	fc_expect_deliveries(streams[0], "1-2: 1 2; 3-3: 3; 4-6: 4 5 6");
	fc_expect_deliveries(streams[1], "1-2: 1; 3-3: 3");
	fc_expect_deliveries(streams[2], "1-2: 2; 4-6: 5");
	fc_expect_deliveries(streams[3], "1-2: 2; 4-6: 4 5 6");
}

static void
no_lower_bound(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	fc_expect_code(test, "a stream with min_sequence_number",
				   fc_open_stream(stream, test->store, "{'min_sequence_number': 1}", &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "min_sequence_number");
	fc_expect_code(test, "a stream with a malformed query",
				   fc_open_stream(stream, test->store, "{'filter': []}", &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect(test, stream->stream == NULL, "a stream came with the error");
}

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
	factstr_stream_free(NULL);
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

/* Frees a stream whose handler is held, in a thread of its own. */
static void
free_stream(fc_worker *worker)
{
	fc_collector *collector = worker->context;
	int			running;

	fc_end_stream(collector);
	(void) pthread_mutex_lock(&worker->test->lock);
	running = collector->running;
	(void) pthread_mutex_unlock(&worker->test->lock);
	fc_expect_number(worker->test, "handlers running after factstr_stream_free", (uint64_t) running,
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
				 factstr_append_if(test->store, &event, 1, NULL, &version, NULL, &result, &error),
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
close_store(fc_collector *collector, const factstr_batch *batch)
{
	(void) batch;
	fc_expect_number(collector->test, "factstr_close in a handler",
					 (uint64_t) -factstr_close(collector->test->store), (uint64_t) -FACTSTR_MISUSE);
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

static void
other_handle(fc_test *test)
{
	fc_collector *stream = fc_subscribe(test, FC_TYPE("a"));
	factstr_store *other = fc_open(test, test->url);

	(void) fc_append_to(test, other, "a", "{}");
	fc_expect_deliveries(stream, "1-1: 1");
	(void) fc_append(test, "b", "{}");
	(void) fc_append_to(test, other, "a", "{}");
	(void) fc_append(test, "a", "{}");
	fc_expect_deliveries(stream, "1-1: 1; 3-3: 3; 4-4: 4");
}

static void
append_in_child(fc_child *child)
{
	const factstr_event events[2] = {{"a", "{\"from\": \"child\"}", NULL}, {"b", "{}", NULL}};
	factstr_append_result result;
	factstr_error error;

	fc_child_expect_line(child, "append");
	for (int i = 0; i < 3; i++)
		fc_child_expect_ok(child, "an append",
						   factstr_append(child->store, events, 2, NULL, &result, &error), &error);
	fc_child_say(child, "done");
}

static void
other_process(fc_test *test)
{
	fc_process *process = fc_start(test, append_in_child);
	fc_collector *stream;

	fc_open_store(test);
	(void) fc_append(test, "a", "{}");
	stream = fc_subscribe(test, FC_TYPE("a"));
	fc_let_open(test, process);
	fc_tell(process, "append");
	fc_expect_line(test, process, "done");
	fc_expect_exit(test, process);
	(void) fc_append(test, "a", "{}");
	fc_expect_deliveries(stream, "2-3: 2; 4-5: 4; 6-7: 6; 8-8: 8");
}

const fc_case fc_stream_cases[] = {
	{{"streams", "18", "a batch is one delivery, and two are never merged"},
	0, batches_stay_batches},
	{{"streams", "18", "a mixed batch is delivered filtered, as one"},
	0, mixed_batches_are_filtered},
	{{"streams", "18", "a batch without a match is not delivered"}, 0, no_match_no_delivery},
	{{"streams", "10, 18", "a stream of nothing gets nothing"}, 0, nothing_matches_nothing},
	{{"streams", "18", "a delivery comes after its commit"}, 0, after_commit},
	{{"streams", "18", "many appenders' batches come in commit order, each once"},
	0, in_commit_order},
	{{"streams", "18", "a stream that has nothing to do is woken by an append"},
	0, idle_streams_are_woken},
	{{"streams", "3, 4, 32", "a delivered fact is the stored one"},
	0, delivered_facts_are_the_stored_ones},
	{{"streams", "19", "a stream sees no earlier fact"}, 0, no_earlier_fact},
	{{"streams", "19", "streams see the same batches, each through its filter"},
	0, each_through_its_filter},
	{{"streams", "9, 11", "a stream has no min_sequence_number"}, 0, no_lower_bound},
	{{"streams", "21", "unsubscribing stops deliveries, and can be repeated"},
	0, unsubscribing_stops},
	{{"streams", "21", "unsubscribing waits for no handler, its own neither"},
	0, unsubscribing_waits_for_nobody},
	{{"streams", "21", "freeing a stream waits for its handler"}, 0, freeing_waits},
	{{"streams", "22", "a handler may query and append"}, 0, handler_may_append},
	{{"streams", "22", "a handler may subscribe, and unsubscribe itself"},
	0, handler_may_subscribe},
	{{"streams", "22", "a handler may free its own stream"}, 0, handler_may_free_its_stream},
	{{"streams", "22", "a handler must not close the store"}, 0, handler_must_not_close},
	{{"streams", "21", "closing the store waits for handlers"}, 0, closing_waits},
	{{"streams", "21", "a stream says whether it still delivers"}, 0, state_of_a_stream},
	{{"streams", "19, 21", "streams come and go in many threads"}, 0, streams_come_and_go},
	{{"streams", "23", "another handle's facts are delivered too"}, FC_PERSISTENT, other_handle},
	{{"streams", "23", "another process's facts are delivered too"}, FC_PROCESSES, other_process},
	{{NULL, NULL, NULL}, 0, NULL}
};
