/*
 * streams.c
 *		Rules 18, 19 and 23: streams that begin now.
 */
#include "deliveries.h"
#include "process.h"

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

/* Each of these shows "nothing" by "the marker comes next". */
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

/* The deliveries equal the log, batch for batch. */
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

	fc_expect_code(test, "a stream with after",
				   fc_open_stream(stream, test->store, "{'after': 1}", &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "after");
	fc_expect_code(test, "a stream with a malformed query",
				   fc_open_stream(stream, test->store, "{'filter': []}", &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect(test, stream->stream == NULL, "a stream came with the error");
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
	const factstr_event events[2] = {{.event_type = "a", .payload = "{\"from\": \"child\"}"}, {.event_type = "b", .payload = "{}"}};
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
	{{"streams", "9, 11", "a stream's query has no after"}, 0, no_lower_bound},
	{{"streams", "23", "another handle's facts are delivered too"}, FC_PERSISTENT, other_handle},
	{{"streams", "23", "another process's facts are delivered too"}, FC_PROCESSES, other_process},
	{{NULL, NULL, NULL}, 0, NULL}
};
