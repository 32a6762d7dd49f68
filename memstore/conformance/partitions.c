/*
 * partitions.c
 *		Rule 42: parts of a log by the value at a key.
 */
#include "deliveries.h"

/*
 * The partition, of 1024, of a fact whose payload is {"k": value}.  Computed by another program, according to
 * docs/sql-reference.md.
 */
static const struct
{
	const char *value;
	int			number;
}			vectors[] = {
	{"null", 986}, {"[]", 986}, {"{}", 986}, {"[1]", 986},
	{"true", 558}, {"false", 536},
	{"''", 171}, {"'1'", 648}, {"'a'", 54}, {"'A'", 460}, {"'null'", 616}, {"'acct-42'", 913},
	{"'\\u00fc'", 199}, {"'Z\xC3\xBCrich \xF0\x9F\x8F\xA6'", 402},
	{"1", 991}, {"1.0", 991}, {"10e-1", 991}, {"0", 402}, {"-0", 402}, {"0.000", 402},
	{"-12.50", 553}, {"1200", 153}, {"1e300", 998}, {"0.001", 316}, {"9007199254740993", 553},
	{"123456789012345678901234567890.5", 540},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* A query for one of so many partitions. */
static const char *
partition_query(fc_test *test, const char *key, int count, int number)
{
	return fc_format(test, "{'partition': {'key': '%s', 'count': %d, 'number': %d}}", key, count,
					 number);
}

/* The answer of a query. */
static const char *
found_by(fc_test *test, const char *query)
{
	const factstr_query_result *result = fc_query(test, test->store, query);

	return fc_numbers(test, result->facts, result->fact_count);
}

/* The facts of the table that are in a partition, which is their number in it from 1 on. */
static const char *
expected_in(fc_test *test, int number)
{
	const char *numbers = "";

	for (size_t i = 0; i < VECTORS; i++)
	{
		if (vectors[i].number == number)
			numbers = fc_format(test, "%s%s%zu", numbers, *numbers == '\0' ? "" : " ", i + 1);
	}
	return numbers;
}

static void
same_in_every_store(fc_test *test)
{
	for (size_t i = 0; i < VECTORS; i++)
		(void) fc_append(test, "t", fc_format(test, "{'k': %s}", vectors[i].value));
	for (size_t i = 0; i < VECTORS; i++)
	{
		int			number = vectors[i].number;

		fc_expect_text(test, fc_format(test, "partition %d", number),
					   found_by(test, partition_query(test, "$.k", 1024, number)),
					   expected_in(test, number));
	}
}

static void
each_fact_in_one_partition(fc_test *test)
{
	bool		seen[101] = {false};
	size_t		count = 0;

	for (int i = 1; i <= 100; i++)
		(void) fc_append(test, "t", fc_format(test, i % 10 == 0 ? "{'n': %d}" : "{'k': %d}", i / 2));
	for (int number = 0; number < 3; number++)
	{
		const factstr_query_result *result =
			fc_query(test, test->store, partition_query(test, "$.k", 3, number));

		fc_expect(test, result->fact_count > 0, "partition %d of three is empty", number);
		for (size_t i = 0; i < result->fact_count; i++)
		{
			uint64_t	fact = result->facts[i].sequence_number;

			fc_expect(test, !seen[fact], "fact %d is in two partitions", (int) fact);
			seen[fact] = true;
			count++;
		}
	}
	fc_expect_number(test, "facts in three partitions", count, 100);
}

static void
the_way_to_the_key(fc_test *test)
{
	(void) fc_append(test, "t", "{'a': {'b c': {'d': 'acct-42'}}, 'd': 'x'}");
	(void) fc_append(test, "t", "{'a': {'b c': 'acct-42'}}");
	(void) fc_append(test, "t", "{'a.b': 'acct-42'}");
	(void) fc_append(test, "t", "['acct-42']");
	(void) fc_append(test, "t", "'acct-42'");
	(void) fc_append(test, "t", "{'\xC3\xBC_1': 'acct-42'}");
	fc_expect_text(test, "three keys", found_by(test, partition_query(test, "$.a.\\\"b c\\\".d", 1024, 913)),
				   "1");
	fc_expect_text(test, "two keys", found_by(test, partition_query(test, "$.a.\\\"b c\\\"", 1024, 913)),
				   "2");
	fc_expect_text(test, "quoted", found_by(test, partition_query(test, "$.\\\"a.b\\\"", 1024, 913)), "3");
	fc_expect_text(test, "not ASCII", found_by(test, partition_query(test, "$.\xC3\xBC_1", 1024, 913)), "6");
	fc_expect_text(test, "facts without the key",
				   found_by(test, partition_query(test, "$.a.\\\"b c\\\".d", 1024, 986)), "2 3 4 5 6");
}

/* The filters decide as well. */
static void
with_filters(fc_test *test)
{
	(void) fc_append(test, "a", "{'k': 'acct-42', 'n': 1}");
	(void) fc_append(test, "b", "{'k': 'acct-42', 'n': 1}");
	(void) fc_append(test, "a", "{'k': 'acct-42', 'n': 2}");
	(void) fc_append(test, "a", "{'k': 'a', 'n': 1}");
	fc_expect_query(test, "{'partition': {'key': '$.k', 'count': 1024, 'number': 913}, "
						  "'filters': [{'event_types': ['a']}]}", "1 3", 3);
	fc_expect_query(test, "{'filters': [{'payload_predicates': [{'n': 1}]}], "
						  "'partition': {'key': '$.k', 'count': 1024, 'number': 913}}", "1 2", 2);
	fc_expect_query(test, "{'filters': [{'event_types': ['a'], 'payload_predicates': [{'n': 1}]}], "
						  "'partition': {'number': 913, 'count': 1024, 'key': '$.k'}, 'after': 1}", "", 1);
	fc_expect_query(test, "{'partition': null}", "1 2 3 4", 4);
	fc_expect_query(test, "{'partition': {'key': '$.k', 'count': 1, 'number': 0}}", "1 2 3 4", 4);
}

/* A batch is delivered whole except for facts that do not match the query. */
static void
batches_of_a_partition(fc_test *test)
{
	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'k': 'acct-42'}}, "
								  "{'event_type': 'a', 'payload': {'k': 'a'}}, "
								  "{'event_type': 'a', 'payload': {'k': 'acct-42'}}]", NULL);
	(void) fc_append(test, "a", "{'k': 'a'}");
	(void) fc_append(test, "a", "{'k': 'acct-42'}");
	fc_expect_text(test, "the batches of one",
				   fc_batches_text(test, fc_batches(test, partition_query(test, "$.k", 1024, 913), 0, 9)),
				   "1-3: 1 3; 5-5: 5");
	fc_expect_text(test, "the batches of another",
				   fc_batches_text(test, fc_batches(test, partition_query(test, "$.k", 1024, 54), 0, 9)),
				   "1-3: 2; 4-4: 4");
}

static void
expect_refused(fc_test *test, const char *partition, const char *named)
{
	const char *query = fc_format(test, "{'partition': %s}", partition);
	factstr_query_result *result = NULL;
	factstr_error error;

	fc_expect_code(test, query, factstr_query(test->store, fc_quote(test, query), &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect(test, result == NULL, "%s: a result came with the error", query);
	fc_expect_said(test, &error, named);
}

static void
malformed_partitions(fc_test *test)
{
	static const char *const paths[] = {
		"", "$", "$.", "k", ".k", "$k", "$..k", "$.k.", "$.k[0]", "$.*", "$.b c", "$.a-b", " $.k", "$.k ",
		"$.\\\"k", "$.\\\"k\\\"x", "$.\\\"k\\\\\\\\\\\"", "$[\\\"k\\\"]", "$.k\\\"",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect_refused(test, fc_format(test, "{'key': '%s', 'count': 2, 'number': 0}", paths[i]),
					   "partition");
	expect_refused(test, "[]", "partition");
	expect_refused(test, "2", "partition");
	expect_refused(test, "{}", "partition");
	expect_refused(test, "{'key': '$.k', 'count': 2}", "number");
	expect_refused(test, "{'key': '$.k', 'number': 0}", "count");
	expect_refused(test, "{'count': 2, 'number': 0}", "key");
	expect_refused(test, "{'key': '$.k', 'count': 2, 'number': 0, 'of': 1}", "of");
	expect_refused(test, "{'key': 1, 'count': 2, 'number': 0}", "key");
	expect_refused(test, "{'key': '$.k', 'count': '2', 'number': 0}", "count");
	expect_refused(test, "{'key': '$.k', 'count': 0, 'number': 0}", "count");
	expect_refused(test, "{'key': '$.k', 'count': -1, 'number': 0}", "count");
	expect_refused(test, "{'key': '$.k', 'count': 1025, 'number': 0}", "count");
	expect_refused(test, "{'key': '$.k', 'count': 1.5, 'number': 0}", "count");
	expect_refused(test, "{'key': '$.k', 'count': 2, 'number': 2}", "number");
	expect_refused(test, "{'key': '$.k', 'count': 2, 'number': -1}", "number");
	expect_refused(test, "{'key': '$.k', 'count': 2, 'number': null}", "number");
}

static void
same_partition_same_query(fc_test *test)
{
	static const char *const others[] = {
		"{'key': '$.k', 'count': 4, 'number': 2}", "{'key': '$.k', 'count': 5, 'number': 1}",
		"{'key': '$.l', 'count': 4, 'number': 1}", "{'key': '$.k.k', 'count': 4, 'number': 1}",
	};
	factstr_error error;

	fc_end_stream(fc_subscribe_durable(test, "s", partition_query(test, "$.k", 4, 1)));
	fc_end_stream(fc_subscribe_durable(test, "s", "{'partition': {'number': 1.0, 'key': '$.\\\"k\\\"', 'count': 4}}"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fc_expect_code(test, others[i],
					   fc_open_durable(fc_collector_new(test), test->store, "s",
									   fc_format(test, "{'partition': %s}", others[i]), NULL, &error),
					   &error, FACTSTR_STREAM_QUERY_DIFFERS);
	fc_expect_code(test, "every fact", fc_open_durable(fc_collector_new(test), test->store, "s", NULL, NULL, &error),
				   &error, FACTSTR_STREAM_QUERY_DIFFERS);
}

const fc_case fc_partition_cases[] = {
	{{"partitions", "42", "the partition of a value is the same in every store"}, 0, same_in_every_store},
	{{"partitions", "42", "every fact is in exactly one partition"}, 0, each_fact_in_one_partition},
	{{"partitions", "42", "a key is found by the keys that lead to it"}, 0, the_way_to_the_key},
	{{"partitions", "42", "a fact matches the filters as well"}, 0, with_filters},
	{{"partitions", "18, 42", "a batch has the facts of the partition"}, 0, batches_of_a_partition},
	{{"partitions", "9, 42", "a malformed partition is refused"}, 0, malformed_partitions},
	{{"partitions", "25, 42", "a query of another partition is another query"}, 0, same_partition_same_query},
	{{NULL, NULL, NULL}, 0, NULL}
};
