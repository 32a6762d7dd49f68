/*
 * durable_streams.c
 *		Rules 24 to 26: streams that are kept in the store.
 */
#include "deliveries.h"
#include "process.h"

#include <string.h>

static void
new_one_replays(fc_test *test)
{
	fc_collector *stream;

	(void) fc_append_types(test, "a b a");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	fc_expect_text(test, "delivered when the opening call returned", fc_deliveries_text(stream),
				   "1-3: 1 3; 5-5: 5");
	fc_expect_cursor(test, "s", 5);
	for (size_t i = 0; i < 2; i++)
		fc_expect(test, fc_delivery_at(stream, i).in_main_thread,
				  "expected the replay on the caller's thread, found another");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-3: 1 3; 5-5: 5; 6-6: 6");
	fc_await_cursor(test, "s", 6);
	fc_expect(test, !fc_delivery_at(stream, 2).in_main_thread,
			  "a live delivery came on the caller's thread");
}

static void
empty_log_replays_nothing(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);

	fc_expect_deliveries(stream, "");
	fc_expect_cursor(test, "s", 0);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1");
}

static void
from_now(fc_test *test)
{
	const factstr_stream_options options = {.size = sizeof(options), .start = FACTSTR_FROM_NOW};
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	(void) fc_append_types(test, "a b");
	fc_expect_ok(test, "opening a durable stream from now",
				 fc_open_durable(stream, test->store, "s", NULL, &options, &error), &error);
	fc_expect_cursor(test, "s", 2);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "3-3: 3");
}

static void
from_now_only_when_new(fc_test *test)
{
	const factstr_stream_options options = {.size = sizeof(options), .start = FACTSTR_FROM_NOW};
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);
	fc_collector *again = fc_collector_new(test);
	factstr_error error;

	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	fc_end_stream(stream);
	(void) fc_append_types(test, "b");
	fc_expect_ok(test, "opening a durable stream again, from now",
				 fc_open_durable(again, test->store, "s", NULL, &options, &error), &error);
	fc_expect_deliveries(again, "2-2: 2");
}

static void
resumes_after_cursor(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));

	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "s", 2);
	fc_end_stream(stream);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	fc_expect_text(test, "delivered when the opening call returned", fc_deliveries_text(stream),
				   "3-3: 3");
	(void) fc_append_types(test, "a a");
	fc_expect_deliveries(stream, "3-3: 3; 5-6: 5 6");
	fc_await_cursor(test, "s", 6);
	fc_end_stream(stream);
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "7-7: 7");
}

static void
survives_a_restart(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	factstr_error error;

	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "s", 2);
	fc_end_stream(stream);
	(void) fc_append_types(test, "a");
	fc_restart(test);
	fc_expect_cursor(test, "s", 2);
	fc_expect_json(test, "the query", fc_status(test, "s")->event_query, FC_TYPE("a"));
	stream = fc_collector_new(test);
	fc_expect_code(test, "opening it with another query",
				   fc_open_durable(stream, test->store, "s", FC_TYPE("b"), NULL, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	fc_expect_deliveries(stream, "3-3: 3");
}

/* Closed with the stream still open: delivered batches stay delivered. */
static void
survives_closing_while_open(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);

	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	fc_close(test, test->store);
	fc_end_stream(stream);
	fc_open_store(test);
	fc_expect_cursor(test, "s", 1);
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(fc_subscribe_durable(test, "s", NULL), "2-2: 2");
}

static void
another_query_is_refused(fc_test *test)
{
	static const char *const others[] = {
		"{}", FC_TYPE("b"), FC_TYPES("a", "b"), FC_NOTHING, FC_PREDICATE("{'n': 1}"),
		FC_BOTH("a", "{'n': 2}"),
		FC_BOTH("a", "{'n': '1'}"),
		FC_BOTH("a", ""),
		"{'filters': [{'event_types': ['a'], 'payload_predicates': [{'n': 1}]}, {'event_types': ['b']}]}",
	};
	const char *query = FC_BOTH("a", "{'n': 1}");
	fc_collector *stream = fc_subscribe_durable(test, "s", query);
	factstr_error error;

	(void) fc_append(test, "a", "{'n': 1}");
	fc_await_cursor(test, "s", 1);
	fc_end_stream(stream);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
	{
		fc_collector *other = fc_collector_new(test);

		fc_expect_code(test, fc_format(test, "opening it with %s", others[i]),
					   fc_open_durable(other, test->store, "s", others[i], NULL, &error), &error,
					   FACTSTR_STREAM_QUERY_DIFFERS);
		fc_expect(test, other->stream == NULL, "a stream came with the error");
		fc_expect_cursor(test, "s", 1);
	}
	(void) fc_append(test, "a", "{'n': 1}");
	fc_expect_deliveries(fc_subscribe_durable(test, "s", query), "2-2: 2");
}

static void
equal_queries_are_accepted(fc_test *test)
{
	static const char *const equal[] = {
		"{'filters': [{'event_types': ['a', 'b'], 'payload_predicates': [{'n': 1, 'm': [2]}]}]}",
		"{'filters':[{'payload_predicates':[{'m':[2.0],'n':1e0}],'event_types':['a','b']}]}",
		"{'filters': [{'event_types': ['b', 'a'], 'payload_predicates': [{'m': [2], 'n': 1.0}]}], "
		"'after': null}",
		"{'filters': [{'event_types': ['\\u0061', 'b', 'a'], 'payload_predicates': [{'n': 1, 'm': "
		"[2]}]}]}",
	};

	for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++)
		fc_end_stream(fc_subscribe_durable(test, "s", equal[i]));
	fc_end_stream(fc_subscribe_durable(test, "all", NULL));
	fc_end_stream(fc_subscribe_durable(test, "all", "{}"));
	fc_end_stream(fc_subscribe_durable(test, "all", "{'filters': null}"));
	fc_end_stream(fc_subscribe_durable(test, "all", "{'filters': []}"));
}

static void
query_without_lower_bound(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_stream_status_list *list = NULL;
	factstr_error error;

	fc_expect_code(test, "a durable stream with after",
				   fc_open_durable(stream, test->store, "s", "{'after': 1}", NULL,
								   &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "a durable stream with a malformed query",
				   fc_open_durable(stream, test->store, "s", "{'filters': 1}", NULL, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_ok(test, "factstr_streams", factstr_streams(test->store, &list, &error), &error);
	fc_expect_number(test, "streams made by calls that failed", list->count, 0);
	factstr_stream_status_list_free(list);
}

/*
 * Streams are opened, and opened again, in the midst of appends; each name's deliveries together
 * are the log.
 */
static void
open_and_reopen(fc_worker *worker)
{
	fc_test    *test = worker->test;
	fc_collector *collector = fc_collector_new(test);
	const char *name = fc_format(test, "s%d", worker->index);
	factstr_error error;

	for (int i = 0; i < 4; i++)
	{
		fc_expect_ok(test, "opening a durable stream",
					 fc_open_durable(collector, worker->store, name, worker->index == 0 ? NULL :
									 FC_TYPE("y"), NULL, &error), &error);
		fc_await_deliveries(collector, (size_t) i * 10);
		if (i < 3)
			fc_end_stream(collector);
	}
	((fc_collector **) worker->context)[worker->index] = collector;
}

static void
replay_passes_into_live(fc_test *test)
{
	fc_collector **collectors = fc_allocate(test, 2 * sizeof(fc_collector *));
	fc_worker  *writers[2];

	for (int i = 0; i < 2; i++)
		writers[i] = fc_background(test, fc_append_batches, NULL);
	fc_parallel(test, 2, open_and_reopen, collectors);
	for (int i = 0; i < 2; i++)
		fc_join(writers[i]);
	(void) fc_append_types(test, "y");
	fc_expect_deliveries(collectors[0], fc_batches_text(test, fc_export(test, test->store)));
	fc_expect_deliveries(collectors[1], fc_batches_text(test,
														fc_batches(test, FC_TYPE("y"), 0, 1000)));
}

static void
append_in_child(fc_child *child)
{
	static const factstr_event events[2] = {{.event_type = "x", .payload = "1"}, {.event_type = "y", .payload = "2"}};
	factstr_append_result result;
	factstr_error error;

	fc_child_expect_line(child, "append");
	for (int i = 0; i < 60; i++)
		fc_child_expect_ok(child, "an append",
						   factstr_append(child->store, events, 1 + (size_t) i % 2, NULL, &result,
										  &error), &error);
	fc_child_say(child, "done");
}

static void
replay_while_processes_append(fc_test *test)
{
	fc_process *processes[2];
	fc_collector *first;
	fc_collector *second;

	for (int i = 0; i < 2; i++)
		processes[i] = fc_start(test, append_in_child);
	fc_open_store(test);
	for (int i = 0; i < 2; i++)
		fc_let_open(test, processes[i]);
	first = fc_subscribe_durable(test, "first", NULL);
	for (int i = 0; i < 2; i++)
		fc_tell(processes[i], "append");
	fc_await_deliveries(first, 10);
	second = fc_subscribe_durable(test, "second", FC_TYPE("y"));
	for (int i = 0; i < 2; i++)
	{
		fc_expect_line(test, processes[i], "done");
		fc_expect_exit(test, processes[i]);
	}
	(void) fc_append_types(test, "y");
	fc_expect_deliveries(first, fc_batches_text(test, fc_export(test, test->store)));
	fc_expect_deliveries(second, fc_batches_text(test, fc_batches(test, FC_TYPE("y"), 0, 1000)));
}

static void
streams_are_independent(fc_test *test)
{
	fc_collector *first = fc_subscribe_durable(test, "first", FC_TYPE("a"));
	fc_collector *second;
	fc_collector *live = fc_subscribe(test, NULL);

	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "first", 2);
	fc_end_stream(first);
	second = fc_subscribe_durable(test, "second", FC_TYPE("b"));
	(void) fc_append_types(test, "b");
	fc_expect_deliveries(second, "1-2: 2; 3-3: 3");
	fc_expect_deliveries(live, "1-2: 1 2; 3-3: 3");
	fc_expect_cursor(test, "first", 2);
	fc_await_cursor(test, "second", 3);
}

static void
names_are_any_text(fc_test *test)
{
	static const char *const names[] = {
		"s", "S", " ", "it's \"quoted\"", "\xC3\xA9", "a/b", "%", "'; --", "line\nfeed",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void) fc_subscribe_durable(test, names[i], NULL);
	(void) fc_append_types(test, "a");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fc_await_cursor(test, names[i], 1);
}

/* The same texts, delivered live and in a replay. */
static void
replay_and_live_are_the_same(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "live", NULL);
	fc_delivery live;
	fc_delivery replay;

	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'n': 1.50, 'l': [1, null]}, "
								  "'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': 'text'}]", NULL);
	fc_await_deliveries(stream, 1);
	live = fc_delivery_at(stream, 0);
	replay = fc_delivery_at(fc_subscribe_durable(test, "replay", NULL), 0);
	fc_expect_number(test, "facts in the live delivery", live.fact_count, 2);
	fc_expect_number(test, "facts in the replayed delivery", replay.fact_count, 2);
	for (size_t i = 0; i < 2; i++)
		fc_expect_same_fact(test, "a replayed fact", &replay.facts[i], &live.facts[i]);
}

const fc_case fc_durable_stream_cases[] = {
	{{"durable streams", "24",
		"a new one replays everything before the opening call returns, then continues live"},
	0, new_one_replays},
	{{"durable streams", "24", "in an empty log it waits for the first fact"},
	0, empty_log_replays_nothing},
	{{"durable streams", "24", "from now it begins with the next fact"}, 0, from_now},
	{{"durable streams", "24", "one that exists continues after its cursor, from now or not"},
	0, from_now_only_when_new},
	{{"durable streams", "24", "a reopened one resumes strictly after its cursor"},
	0, resumes_after_cursor},
	{{"durable streams", "24, 25", "cursor and query survive a restart"},
	FC_PERSISTENT, survives_a_restart},
	{{"durable streams", "24", "the cursor survives closing the store under an open stream"},
	FC_PERSISTENT, survives_closing_while_open},
	{{"durable streams", "25", "another query is refused, and the cursor is left alone"},
	0, another_query_is_refused},
	{{"durable streams", "25", "queries are compared as queries, not as text"},
	0, equal_queries_are_accepted},
	{{"durable streams", "9, 24", "its query is well-formed, without after"},
	0, query_without_lower_bound},
	{{"durable streams", "26",
		"replay passes into live delivery without gap or repetition while others append"},
	0, replay_passes_into_live},
	{{"durable streams", "23, 26", "the same while other processes append"},
	FC_PROCESSES, replay_while_processes_append},
	{{"durable streams", "3, 26", "a fact is the same in replay and live"},
	0, replay_and_live_are_the_same},
	{{"durable streams", "19, 24", "each stream has its own cursor"},
	0, streams_are_independent},
	{{"durable streams", "24", "a name is any text"}, 0, names_are_any_text},
	{{NULL, NULL, NULL}, 0, NULL}
};
