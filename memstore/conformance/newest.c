/*
 * newest.c
 *		Rule 47: the newest fact of each of several contexts.
 */
#include "harness.h"

#define MOST_QUERIES 16

static void
free_newest(void *result)
{
	factstr_newest_result_free(result);
}

/* The queries are an array that ends with NULL. */
static const factstr_newest_result *
newest(fc_test *test, const char *const *queries)
{
	const char *quoted[MOST_QUERIES];
	factstr_newest_result *result = NULL;
	factstr_error error;
	size_t		count = 0;

	for (; queries[count] != NULL; count++)
		quoted[count] = fc_quote(test, queries[count]);
	fc_expect_ok(test, "factstr_newest",
				 factstr_newest(test->store, quoted, count, &result, &error), &error);
	fc_own(test, free_newest, result);
	fc_expect_number(test, "elements of the answer", result->fact_count, count);
	return result;
}

static void
expect_newest(fc_test *test, const char *const *queries, const char *numbers, uint64_t version)
{
	const factstr_newest_result *result = newest(test, queries);

	fc_expect_text(test, "the newest facts", fc_numbers(test, result->facts, result->fact_count),
				   numbers);
	fc_expect_number(test, "current_context_version", result->current_context_version, version);
}

#define QUERIES(...) (const char *const[]) {__VA_ARGS__, NULL}

static void
newest_of_each(fc_test *test)
{
	const factstr_query_result *stored;
	const factstr_newest_result *result;

	(void) fc_append(test, "a", "{'n': 1}");
	(void) fc_append(test, "b", "{'n': 1}");
	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'n': 2}, 'metadata': {'by': 'x'}}]", NULL);
	(void) fc_append(test, "c", "{'n': 1}");
	expect_newest(test, QUERIES(FC_TYPE("b"), FC_TYPE("a"), FC_TYPE("b")), "2 3 2", 3);
	expect_newest(test, QUERIES(FC_PREDICATE("{'n': 1}"), FC_PREDICATE("{'n': 2}"), FC_ALL), "4 3 4", 4);
	expect_newest(test, QUERIES(FC_BOTH("a", "{'n': 1}")), "1", 1);
	stored = fc_query(test, test->store, NULL);
	result = newest(test, QUERIES(FC_TYPE("b"), FC_TYPE("a")));
	fc_expect_same_fact(test, "the newest b", &result->facts[0], &stored->facts[1]);
	fc_expect_same_fact(test, "the newest a", &result->facts[1], &stored->facts[2]);
}

static void
none_of_some(fc_test *test)
{
	const factstr_newest_result *result;

	(void) fc_append_types(test, "a b");
	expect_newest(test, QUERIES(FC_TYPE("c"), FC_TYPE("a"), FC_NOTHING), "0 1 0", 1);
	expect_newest(test, QUERIES(FC_NOTHING), "0", 0);
	result = newest(test, QUERIES(FC_TYPE("c")));
	fc_expect(test, result->facts[0].event_type == NULL && result->facts[0].payload == NULL &&
			  result->facts[0].metadata == NULL, "there are texts where nothing matches");
}

static void
nothing_at_all(fc_test *test)
{
	factstr_newest_result *result = NULL;
	factstr_error error;

	expect_newest(test, QUERIES(FC_ALL, FC_TYPE("a")), "0 0", 0);
	fc_expect_ok(test, "no queries", factstr_newest(test->store, NULL, 0, &result, &error), &error);
	fc_own(test, free_newest, result);
	fc_expect_number(test, "elements for no queries", result->fact_count, 0);
	fc_expect_number(test, "their version", result->current_context_version, 0);
}

static void
bounds_leave_the_version(fc_test *test)
{
	(void) fc_append_types(test, "a b a");
	expect_newest(test, QUERIES("{'filters': [{'event_types': ['b']}], 'after': 1}"), "2", 2);
	expect_newest(test, QUERIES("{'filters': [{'event_types': ['b']}], 'after': 2}"), "0", 2);
	expect_newest(test, QUERIES("{'filters': [{'event_types': ['a']}], 'after': 3}", FC_TYPE("b")),
				  "0 2", 3);
	expect_newest(test, QUERIES("{'min_sequence_number': 9223372036854775807}"), "0", 3);
}

static void
malformed_queries(fc_test *test)
{
	static const char *const queries[] = {"{}", "{\"filter\": []}"};
	static const char *const texts[] = {"{}", "{}", "null"};
	factstr_newest_result *result = NULL;
	factstr_error error;

	fc_expect_code(test, "an unknown key", factstr_newest(test->store, queries, 2, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect(test, result == NULL, "a result came with the error");
	fc_expect_said(test, &error, "event_queries[1]");
	fc_expect_said(test, &error, "filter");
	fc_expect_code(test, "no object", factstr_newest(test->store, texts, 3, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_said(test, &error, "event_queries[2]");
}

static void
decides(fc_test *test)
{
	const factstr_newest_result *result;
	factstr_append_result appended;
	factstr_error error;

	(void) fc_append_types(test, "a b c");
	result = newest(test, QUERIES(FC_TYPE("a"), FC_TYPE("b")));
	fc_expect_ok(test, "an append on both contexts",
				 fc_try_append_if(test, "[{'event_type': 'a', 'payload': 1}]", FC_TYPES("a", "b"),
								  result->current_context_version, NULL, &appended, &error), &error);
	fc_expect_code(test, "the same again",
				   fc_try_append_if(test, "[{'event_type': 'a', 'payload': 1}]", FC_TYPES("a", "b"),
									result->current_context_version, NULL, &appended, &error), &error,
				   FACTSTR_CONFLICT);
}

/* The newest b is always that of the batch of the newest a. */
static uint64_t
expect_one_moment(fc_test *test)
{
	const factstr_newest_result *result = newest(test, QUERIES(FC_TYPE("a"), FC_TYPE("b")));
	uint64_t	version = result->current_context_version;

	fc_expect_number(test, "the newest b of the same answer", result->facts[1].sequence_number, version);
	fc_expect_number(test, "the newest a beside it", result->facts[0].sequence_number,
					 version == 0 ? 0 : version - 1);
	return version;
}

static void
one_moment(fc_test *test)
{
	fc_look_while_pairs_come(test, "a", "b", expect_one_moment);
}

const fc_case fc_newest_cases[] = {
	{{"newest", "47", "the newest fact of each query, in their order"}, 0, newest_of_each},
	{{"newest", "47", "where nothing matches there is no fact"}, 0, none_of_some},
	{{"newest", "47", "an empty log, and no queries"}, 0, nothing_at_all},
	{{"newest", "11, 47", "after hides older facts, and leaves the version"}, 0, bounds_leave_the_version},
	{{"newest", "9, 47", "an error says which query is malformed"}, 0, malformed_queries},
	{{"newest", "14, 47", "the version decides on all the contexts together"}, 0, decides},
	{{"newest", "47", "all of the answer is of one moment"}, 0, one_moment},
	{{NULL, NULL, NULL}, 0, NULL}
};
