/*
 * partitioned_streams.c
 *		Rule 46: durable streams in partitions.
 */
#include "deliveries.h"

/* A query for one of so many partitions. */
static const char *
partition_query(fc_test *test, int count, int number)
{
	return fc_format(test, "{'partition': {'key': '$.k', 'count': %d, 'number': %d}}", count, number);
}

/* Partitions of "p" by $.k; wait is in ms. */
static int
try_partition(fc_collector *collector, uint32_t count, int32_t number, int64_t wait, factstr_error *error)
{
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;

	options.partition_key = "$.k";
	options.partitions = count;
	options.partition = number;
	options.timeout_ms = wait;
	return fc_open_durable(collector, collector->test->store, "p", NULL, &options, error);
}

static fc_collector *
open_partition(fc_test *test, uint32_t count, int32_t number)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "opening a partition",
				 try_partition(collector, count, number, test->patience * 1000, &error), &error);
	return collector;
}

static void
expect_partition_active(fc_test *test, uint32_t count, int32_t number)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_code(test, "opening a partition that is taken", try_partition(collector, count, number, 20, &error),
				   &error, FACTSTR_STREAM_ACTIVE);
	fc_expect(test, collector->stream == NULL, "a stream came with the error");
}

/* "p#0 3, p#1 0": the streams there are, and their cursors. */
static const char *
cursors(fc_test *test)
{
	factstr_stream_status_list *list = NULL;
	factstr_error error;
	const char *text = "";

	fc_expect_ok(test, "factstr_streams", factstr_streams(test->store, &list, &error), &error);
	for (size_t i = 0; i < list->count; i++)
		text = fc_format(test, "%s%s%s %d", text, i == 0 ? "" : ", ", list->streams[i].name,
						 (int) list->streams[i].cursor_sequence_number);
	factstr_stream_status_list_free(list);
	return text;
}

/* Facts appended between the first opening and that of another partition are delivered to the latter. */
static void
partitions_are_made_together(fc_test *test)
{
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;
	fc_collector *first = fc_collector_new(test);
	factstr_error error;

	(void) fc_append(test, "t", "{'k': 'a'}");
	options.partition_key = "$.k";
	options.partitions = 1024;
	options.partition = 54;
	options.start = FACTSTR_FROM_NOW;
	fc_expect_ok(test, "opening a partition from now",
				 fc_open_durable(first, test->store, "q", NULL, &options, &error), &error);
	(void) fc_append(test, "t", "{'k': 'acct-42'}");
	(void) fc_append(test, "t", "{'k': 'a'}");
	fc_expect_deliveries(first, "3-3: 3");
	options.partition = 913;
	first = fc_collector_new(test);
	fc_expect_ok(test, "opening another from now",
				 fc_open_durable(first, test->store, "q", NULL, &options, &error), &error);
	fc_expect_deliveries(first, "2-2: 2");
	fc_end_stream(open_partition(test, 3, 1));
	fc_expect_number(test, "cursor of one that nobody has opened", fc_status(test, "p#2")->cursor_sequence_number, 0);
}

#define KEYS 7

static void
append_of_keys(fc_worker *worker)
{
	for (int i = 0; i < 60; i++)
		(void) fc_append_to(worker->test, worker->store, "t",
							fc_format(worker->test, "{'k': %d}", (i + worker->index) % KEYS));
}

/* Each partition's deliveries are the answer of a query for it, in order; together they are the log. */
static void
each_fact_comes_once_in_order(fc_test *test)
{
	fc_collector *collectors[3];
	fc_worker  *writers[2];
	uint64_t	head;
	size_t		count = 0;

	for (int i = 0; i < 2; i++)
		writers[i] = fc_background(test, append_of_keys, NULL);
	for (int i = 0; i < 3; i++)
		collectors[i] = open_partition(test, 3, FACTSTR_ANY_PARTITION);
	fc_end_stream(collectors[1]);
	collectors[1] = open_partition(test, 3, 1);
	for (int i = 0; i < 2; i++)
		fc_join(writers[i]);
	head = fc_append(test, "t", "{'k': 0}");
	fc_await_cursor(test, "p#0", head);
	fc_await_cursor(test, "p#1", head);
	fc_await_cursor(test, "p#2", head);
	for (int i = 0; i < 3; i++)
	{
		const factstr_query_result *expected = fc_query(test, test->store, partition_query(test, 3, i));
		uint64_t	last = 0;

		/* Partition 1 was opened twice, so its first consumer has had a part. */
		for (size_t n = 0; n < collectors[i]->count; n++)
		{
			fc_delivery delivery = fc_delivery_at(collectors[i], n);

			fc_expect(test, delivery.facts[0].sequence_number > last, "partition %d is out of order", i);
			last = delivery.facts[0].sequence_number;
			fc_expect(test, i == 1 || last == expected->facts[n].sequence_number, "partition %d has fact %d", i,
					  (int) last);
		}
		fc_expect(test, i == 1 ? collectors[i]->count <= expected->fact_count :
				  collectors[i]->count == expected->fact_count, "partition %d has %d deliveries of %d", i,
				  (int) collectors[i]->count, (int) expected->fact_count);
		count += expected->fact_count;
	}
	fc_expect_number(test, "facts of all partitions", count, head);
}

static void
open_any(fc_worker *worker)
{
	factstr_error error;

	fc_expect_ok(worker->test, "waiting for a free partition",
				 try_partition(worker->context, 2, FACTSTR_ANY_PARTITION, worker->test->patience * 1000, &error),
				 &error);
}

static void
any_that_is_free(fc_test *test)
{
	fc_collector *first = open_partition(test, 2, 1);
	fc_collector *second = open_partition(test, 2, FACTSTR_ANY_PARTITION);
	fc_collector *third = fc_collector_new(test);
	fc_worker  *worker;

	expect_partition_active(test, 2, FACTSTR_ANY_PARTITION);
	expect_partition_active(test, 2, 0);
	worker = fc_background(test, open_any, third);
	fc_end_stream(first);
	fc_join(worker);
	expect_partition_active(test, 2, 1);
	fc_end_stream(second);
	fc_end_stream(open_partition(test, 2, 0));
}

static void
expect_change(fc_test *test, const char *what, int code, const factstr_error *error, int expected,
			  const char *streams)
{
	if (expected == FACTSTR_OK)
		fc_expect_ok(test, what, code, error);
	else
		fc_expect_code(test, what, code, error, expected);
	fc_expect_text(test, what, cursors(test), streams);
}

static void
all_by_the_shared_name(fc_test *test)
{
	fc_collector *first;
	factstr_error error;

	for (int i = 0; i < 4; i++)
		(void) fc_append(test, "t", fc_format(test, "{'k': %d}", i));
	fc_end_stream(open_partition(test, 3, 1));
	fc_expect_text(test, "streams", cursors(test), "p#0 0, p#1 4, p#2 0");
	fc_expect_code(test, "waiting for all", factstr_wait(test->store, "p", 1, 0, &error), &error,
				   FACTSTR_WAIT_TIMED_OUT);
	fc_expect_ok(test, "waiting for one", factstr_wait(test->store, "p#1", 4, 0, &error), &error);
	expect_change(test, "seeking all", factstr_stream_seek(test->store, "p", 3, &error), &error, FACTSTR_OK,
				  "p#0 3, p#1 3, p#2 3");
	fc_expect_ok(test, "waiting for all", factstr_wait(test->store, "p", 3, 0, &error), &error);
	expect_change(test, "seeking one", factstr_stream_seek(test->store, "p#2", 1, &error), &error, FACTSTR_OK,
				  "p#0 3, p#1 3, p#2 1");
	fc_expect_code(test, "waiting for the last one", factstr_wait(test->store, "p", 3, 0, &error), &error,
				   FACTSTR_WAIT_TIMED_OUT);
	expect_change(test, "seeking too far", factstr_stream_seek(test->store, "p", 5, &error), &error,
				  FACTSTR_MALFORMED, "p#0 3, p#1 3, p#2 1");
	expect_change(test, "dropping one", factstr_stream_drop(test->store, "p#1", &error), &error,
				  FACTSTR_MALFORMED, "p#0 3, p#1 3, p#2 1");
	first = open_partition(test, 3, 2);
	fc_await_cursor(test, "p#2", 4);
	expect_change(test, "seeking while one is active", factstr_stream_seek(test->store, "p", 0, &error), &error,
				  FACTSTR_STREAM_ACTIVE, "p#0 3, p#1 3, p#2 4");
	expect_change(test, "dropping while one is active", factstr_stream_drop(test->store, "p", &error), &error,
				  FACTSTR_STREAM_ACTIVE, "p#0 3, p#1 3, p#2 4");
	fc_end_stream(first);
	expect_change(test, "dropping all", factstr_stream_drop(test->store, "p", &error), &error, FACTSTR_OK, "");
	expect_change(test, "dropping again", factstr_stream_drop(test->store, "p", &error), &error,
				  FACTSTR_NO_SUCH_STREAM, "");
}

static void
another_division_is_refused(fc_test *test)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;
	factstr_error error;

	fc_end_stream(open_partition(test, 3, 0));
	fc_end_stream(fc_subscribe_durable(test, "one", NULL));
	fc_expect_code(test, "fewer partitions", try_partition(collector, 2, 0, 0, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	fc_expect_code(test, "more partitions", try_partition(collector, 4, 3, 0, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	fc_expect_code(test, "none", fc_open_durable(collector, test->store, "p", NULL, NULL, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	options.partition_key = "$.other";
	options.partitions = 3;
	fc_expect_code(test, "another key", fc_open_durable(collector, test->store, "p", NULL, &options, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	fc_expect_code(test, "of a stream without", fc_open_durable(collector, test->store, "one", NULL, &options, &error),
				   &error, FACTSTR_STREAM_QUERY_DIFFERS);
	fc_expect_text(test, "streams", cursors(test), "one 0, p#0 0, p#1 0, p#2 0");
}

static void
expect_options_refused(fc_test *test, const char *name, const char *query, const char *key, uint32_t count,
					   int32_t number, int expected)
{
	fc_collector *collector = fc_collector_new(test);
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;
	factstr_error error;

	options.partition_key = key;
	options.partitions = count;
	options.partition = number;
	fc_expect_code(test, fc_format(test, "%d of %d by %s", (int) number, (int) count, key == NULL ? "nothing" : key),
				   fc_open_durable(collector, test->store, name, query, &options, &error), &error, expected);
}

static void
options_that_are_refused(fc_test *test)
{
	expect_options_refused(test, NULL, NULL, "$.k", 2, 0, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, NULL, 2, 0, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, "$.k", 0, 0, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, "$.k", 1025, 0, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, "$.k", 2, 2, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, "$.k", 2, -2, FACTSTR_MISUSE);
	expect_options_refused(test, "p", NULL, "k", 2, 0, FACTSTR_MALFORMED);
	expect_options_refused(test, "p", "{'filters': 1}", "$.k", 2, 0, FACTSTR_MALFORMED);
	expect_options_refused(test, "p", "{'after': 1}", "$.k", 2, 0, FACTSTR_MALFORMED);
	expect_options_refused(test, "p", partition_query(test, 2, 1), "$.k", 2, 0, FACTSTR_MALFORMED);
	expect_options_refused(test, fc_format(test, "%01999d", 0), NULL, "$.k", 2, 0, FACTSTR_MALFORMED);
	fc_expect_text(test, "streams", cursors(test), "");
}

static int
ignore(const char *delivery, void *context, factstr_error *error)
{
	(void) delivery;
	(void) context;
	(void) error;
	return FACTSTR_OK;
}

static void
expect_json(fc_test *test, const char *options, int expected, const char *streams)
{
	factstr_stream *stream = NULL;
	char	   *result = NULL;
	int			code = factstr_json_stream_open(test->store, "p", NULL, ignore, NULL, NULL, NULL,
												fc_quote(test, options), &stream, &result);

	(void) factstr_stream_close(stream, -1);
	factstr_json_free(result);
	fc_expect_text(test, options, factstr_code_name(code), factstr_code_name(expected));
	fc_expect_text(test, options, cursors(test), streams);
}

static void
options_as_json(fc_test *test)
{
	(void) fc_append(test, "t", "{'k': 1}");
	expect_json(test, "{'partition_key': '$.k', 'partitions': -1}", FACTSTR_MALFORMED, "");
	expect_json(test, "{'partition_key': '$.k', 'partitions': 2.5}", FACTSTR_MALFORMED, "");
	expect_json(test, "{'partition_key': '$.k', 'partitions': 2, 'partition': -1}", FACTSTR_MALFORMED, "");
	expect_json(test, "{'partition_key': 1, 'partitions': 2}", FACTSTR_MALFORMED, "");
	expect_json(test, "{'partition_key': '$.k', 'partitions': 2, 'partition': 2}", FACTSTR_MISUSE, "");
	expect_json(test, "{'partition_key': '$.k', 'partitions': 2, 'partition': 1}", FACTSTR_OK,
				"p#0 0, p#1 1");
	expect_json(test, "{'partition_key': '$.k', 'partitions': 2}", FACTSTR_OK, "p#0 1, p#1 1");
}

const fc_case fc_partitioned_stream_cases[] = {
	{{"partitioned streams", "46", "all partitions are made together"}, 0, partitions_are_made_together},
	{{"partitioned streams", "27, 46", "each fact comes to one partition, once and in order"}, 0, each_fact_comes_once_in_order},
	{{"partitioned streams", "29, 46", "a consumer gets any partition that is free, or waits for one"}, 0, any_that_is_free},
	{{"partitioned streams", "30, 46", "the shared name waits for, moves and drops all partitions"}, 0, all_by_the_shared_name},
	{{"partitioned streams", "25, 46", "another number of partitions or another key is refused"}, 0, another_division_is_refused},
	{{"partitioned streams", "46", "options of partitions that do not go together are refused"}, 0, options_that_are_refused},
	{{"partitioned streams", "46", "a partition is opened across the JSON boundary"}, 0, options_as_json},
	{{NULL, NULL, NULL}, 0, NULL}
};
