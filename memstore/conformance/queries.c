/*
 * queries.c
 *		Rules 9 to 11 and 13: event queries and their answers.
 */
#include "harness.h"

/*
 * The log of most cases here:
 *
 *		1 a {"n": 1}	2 b {"n": 1}	3 a {"n": 2}	4 c {"n": 2, "t": ["x"]}	5 b {"n": 3}
 */
static void
append_five(fc_test *test)
{
	(void) fc_append(test, "a", "{'n': 1}");
	(void) fc_append(test, "b", "{'n': 1}");
	(void) fc_append(test, "a", "{'n': 2}");
	(void) fc_append(test, "c", "{'n': 2, 't': ['x']}");
	(void) fc_append(test, "b", "{'n': 3}");
}

static void
null_is_absent(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'filters': null, 'after': null}", "1 2 3 4 5", 5);
	fc_expect_query(test, "{'filters': [{'event_types': null, 'payload_predicates': null}]}",
					"1 2 3 4 5", 5);
	fc_expect_query(test, "{'filters': [{'event_types': ['a'], 'payload_predicates': null}]}",
					"1 3", 3);
	fc_expect_query(test, "{'filters': [{'event_types': null, 'payload_predicates': [{'n': 2}]}]}",
					"3 4", 4);
}

static void
expect_refused(fc_test *test, const char *query, const char *named)
{
	factstr_query_result *result = NULL;
	uint64_t	version = 9;
	factstr_append_result appended;
	factstr_error error;

	fc_expect_code(test, query, factstr_query(test->store, fc_quote(test, query), &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect(test, result == NULL, "%s: a result came with the error", query);
	fc_expect_said(test, &error, named);
	fc_expect_code(test, query,
				   factstr_context_version(test->store, fc_quote(test, query), &version, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, query,
				   fc_try_append_if(test, "[{'event_type': 'a', 'payload': 1}]", query, 0, NULL,
									&appended, &error), &error, FACTSTR_MALFORMED);
}

static void
unknown_keys(fc_test *test)
{
	expect_refused(test, "{'filter': []}", "filter");
	expect_refused(test, "{'filters': [], 'limit': 1}", "limit");
	expect_refused(test, "{'filters': [{'event_type': ['a']}]}", "event_type");
	expect_refused(test, "{'filters': [{}, {'payload_predicate': []}]}", "payload_predicate");
	expect_refused(test, "{'Filters': []}", "Filters");
	fc_expect_log_ends_at(test, 0);
}

static void
wrong_kinds(fc_test *test)
{
	expect_refused(test, "[]", "");
	expect_refused(test, "null", "");
	expect_refused(test, "'a'", "");
	expect_refused(test, "{'filters': {}}", "filters");
	expect_refused(test, "{'filters': 'a'}", "filters");
	expect_refused(test, "{'filters': [1]}", "filters[0]");
	expect_refused(test, "{'filters': [{}, null]}", "filters[1]");
	expect_refused(test, "{'filters': [{'event_types': 'a'}]}", "event_types");
	expect_refused(test, "{'filters': [{'event_types': ['a', 1]}]}", "event_types[1]");
	expect_refused(test, "{'filters': [{'event_types': [null]}]}", "event_types[0]");
	expect_refused(test, "{'filters': [{'event_types': ['']}]}", "event_types[0]");
	expect_refused(test, "{'filters': [{'payload_predicates': {'a': 1}}]}", "payload_predicates");
	expect_refused(test, "{'after': '1'}", "after");
	expect_refused(test, "{'after': true}", "after");
	expect_refused(test, "{'after': 1.5}", "after");
}

static void
not_json(fc_test *test)
{
	expect_refused(test, "", "");
	expect_refused(test, "{", "");
	expect_refused(test, "{} {}", "");
	expect_refused(test, "{'filters': [}", "");
	expect_refused(test, "{'filters': [{'event_types': ['\xFF']}]}", "");
}

static void
no_filters(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{}", "1 2 3 4 5", 5);
	fc_expect_query(test, "{'filters': []}", "1 2 3 4 5", 5);
	fc_expect_number(test, "facts for NULL", fc_query(test, test->store, NULL)->fact_count, 5);
	fc_expect_query(test, "{'filters': [{}]}", "1 2 3 4 5", 5);
}

static void
event_types(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, FC_TYPE("a"), "1 3", 3);
	fc_expect_query(test, FC_TYPES("a", "c"), "1 3 4", 4);
	fc_expect_query(test, FC_TYPES("a", "a"), "1 3", 3);
	fc_expect_query(test, FC_TYPE("A"), "", 0);
	fc_expect_query(test, FC_TYPE("a "), "", 0);
	fc_expect_query(test, FC_TYPE("%"), "", 0);
}

static void
payload_predicates(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, FC_PREDICATE("{'n': 1}"), "1 2", 2);
	fc_expect_query(test, FC_PREDICATE("{'n': 1}, {'n': 3}"), "1 2 5", 5);
	fc_expect_query(test, FC_PREDICATE("{'t': ['x']}"), "4", 4);
	fc_expect_query(test, FC_PREDICATE("{'n': 1, 't': ['x']}"), "", 0);
	fc_expect_query(test, FC_PREDICATE("{}"), "1 2 3 4 5", 5);
	fc_expect_query(test, FC_PREDICATE("[]"), "", 0);
}

static void
types_and_predicates(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, FC_BOTH("a', 'c", "{'n': 2}, {'n': 3}"),
					"3 4", 4);
	fc_expect_query(test, FC_BOTH("b", "{'n': 2}"), "", 0);
}

static void
filters_are_alternatives(fc_test *test)
{
	append_five(test);
	fc_expect_query(test,
					"{'filters': [{'event_types': ['c']}, {'payload_predicates': [{'n': 1}]}]}",
					"1 2 4", 4);
	fc_expect_query(test, "{'filters': [{'event_types': ['a']}, {'event_types': ['a'], "
						  "'payload_predicates': [{'n': 1}]}]}",
					"1 3", 3);
	fc_expect_query(test, "{'filters': [{'event_types': ['c']}, {}]}", "1 2 3 4 5", 5);
}

static void
empty_list_matches_nothing(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'filters': [{'event_types': []}]}", "", 0);
	fc_expect_query(test, "{'filters': [{'payload_predicates': []}]}", "", 0);
	fc_expect_query(test, FC_BOTH("a", ""), "", 0);
	fc_expect_query(test, "{'filters': [{'event_types': [], 'payload_predicates': [{}]}]}", "", 0);
	fc_expect_query(test, "{'filters': [{'event_types': []}, {'event_types': ['c']}]}", "4", 4);
}

static void
lower_bound_is_exclusive(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'after': 0}", "1 2 3 4 5", 5);
	fc_expect_query(test, "{'after': 3}", "4 5", 5);
	fc_expect_query(test, "{'after': 5}", "", 5);
	fc_expect_query(test, "{'filters': [{'event_types': ['b']}], 'after': 2}", "5", 5);
}

static void
lower_bound_has_two_names(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'min_sequence_number': 3}", "4 5", 5);
	fc_expect_query(test, "{'min_sequence_number': 3, 'after': null}", "4 5", 5);
	fc_expect_query(test, "{'min_sequence_number': null, 'after': 4}", "5", 5);
	expect_refused(test, "{'min_sequence_number': 3, 'after': 3}", "min_sequence_number");
	expect_refused(test, "{'after': 3, 'min_sequence_number': 3}", "min_sequence_number");
	expect_refused(test, "{'min_sequence_number': '1'}", "min_sequence_number");
	expect_refused(test, "{'min_sequence_number': -1}", "min_sequence_number must not be negative");
}

static void
lower_bound_leaves_version(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'filters': [{'event_types': ['a']}], 'after': 3}", "", 3);
	fc_expect_query(test, "{'filters': [{'event_types': ['a']}], 'after': 4}", "", 3);
	fc_expect_query(test, "{'filters': [{'payload_predicates': [{'n': 1}]}], 'after': 1}", "2", 2);
}

static void
lower_bound_has_limits(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'after': 9223372036854775807}", "", 5);
	expect_refused(test, "{'after': 9223372036854775808}", "after");
	expect_refused(test, "{'after': 18446744073709551617}", "after");
	expect_refused(test, "{'after': -9223372036854775809}", "after");
	expect_refused(test, "{'after': 1e30}", "after");
}

static void
lower_bound_is_not_negative(fc_test *test)
{
	append_five(test);
	fc_expect_query(test, "{'after': -0.0}", "1 2 3 4 5", 5);
	expect_refused(test, "{'after': -1}", "must not be negative");
	expect_refused(test, "{'after': -9223372036854775808}", "must not be negative");
	fc_expect_log_ends_at(test, 5);
}

static void
answers_of_an_empty_log(fc_test *test)
{
	fc_expect_query(test, FC_ALL, "", 0);
	fc_expect_query(test, FC_TYPE("a"), "", 0);
	fc_expect_query(test, FC_PREDICATE("{'n': 1}"), "", 0);
}

/* The other way round would be found by chance only: many facts, few of them in the context. */
static void
many_facts(fc_test *test)
{
	factstr_event *events = fc_allocate(test, 100 * sizeof(factstr_event));
	factstr_append_result result;
	factstr_error error;

	for (int batch = 0; batch < 20; batch++)
	{
		for (int i = 0; i < 100; i++)
			events[i] = (factstr_event) {
				.event_type = i % 10 == 3 ? "x" : "y",
				.payload =
				fc_format(test, "{\"i\": %d, \"batch\": %d, \"tags\": [\"t%d\", \"all\"]}", i,
						  batch, i % 7),
			};
		fc_expect_ok(test, "an append of 100",
					 factstr_append(test->store, events, 100, NULL, &result, &error), &error);
	}
	fc_expect_query(test, FC_PREDICATE("{'i': 50, 'batch': 7}"), "751", 751);
	fc_expect_query(test, "{'filters': [{'event_types': ['x'], 'payload_predicates': [{'batch': "
						  "19}]}], 'after': 1950}",
					"1954 1964 1974 1984 1994", 1994);
	fc_expect_number(test, "facts of one type",
					 fc_query(test, test->store, FC_TYPE("x"))->fact_count, 200);
	fc_expect_number(test, "facts with a tag",
					 fc_query(test, test->store, FC_PREDICATE("{'tags': ['all']}"))->fact_count,
					 2000);
	fc_expect_query(test, FC_PREDICATE("{'tags': ['t1', 't2']}"), "", 0);
	fc_expect_log_ends_at(test, 2000);
}

static uint64_t
expect_one_moment(fc_test *test)
{
	const factstr_query_result *result = fc_query(test, test->store, FC_TYPE("pair"));
	uint64_t	version = result->current_context_version;

	fc_expect_number(test, "rows beside a version that is in the same answer", result->fact_count,
					 version);
	fc_expect_number(test, "last_returned_sequence_number", result->last_returned_sequence_number,
					 version);
	fc_expect_number(test, "half batches", version % 2, 0);
	return version;
}

static void
one_moment(fc_test *test)
{
	fc_look_while_pairs_come(test, "pair", "pair", expect_one_moment);
}

const fc_case fc_query_cases[] = {
	{{"queries", "9", "null in a query is the same as absent"}, 0, null_is_absent},
	{{"queries", "9", "an unknown key in a query is an error that names it"}, 0, unknown_keys},
	{{"queries", "9", "wrong kinds in a query are errors that name the place"}, 0, wrong_kinds},
	{{"queries", "9", "a query that is not JSON is refused"}, 0, not_json},
	{{"queries", "10", "no filters ask for every fact"}, 0, no_filters},
	{{"queries", "10", "event types are alternatives, compared to the letter"}, 0, event_types},
	{{"queries", "10, 12", "payload predicates are alternatives"}, 0, payload_predicates},
	{{"queries", "10", "in a filter, type and predicate must both match"}, 0, types_and_predicates},
	{{"queries", "10", "filters are alternatives"}, 0, filters_are_alternatives},
	{{"queries", "10", "an empty list inside a filter matches nothing"},
	0, empty_list_matches_nothing},
	{{"queries", "11", "after excludes the facts up to a number"}, 0, lower_bound_is_exclusive},
	{{"queries", "11", "after has the other name min_sequence_number"}, 0, lower_bound_has_two_names},
	{{"queries", "11", "after does not change the version"}, 0, lower_bound_leaves_version},
	{{"queries", "11", "after has 64 bits and never wraps around"}, 0, lower_bound_has_limits},
	{{"queries", "11", "a negative after is refused"}, 0, lower_bound_is_not_negative},
	{{"queries", "13", "the answer of an empty log"}, 0, answers_of_an_empty_log},
	{{"queries", "10, 13", "few facts among many are found, and all that match"}, 0, many_facts},
	{{"queries", "13", "rows and version are of one moment"}, 0, one_moment},
	{{NULL, NULL, NULL}, 0, NULL}
};
