/*
 * matching.c
 *		Rule 12: the table of payloads and predicates, and cases that it does not cover.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines of matching-cases.jsonl, made from it when the suite is built; NULL is the end. */
extern const char *const fc_matching_lines[];

typedef struct table_row
{
	char	   *name;
	char	   *payload;
	char	   *predicate;
	bool		matches;
} table_row;

typedef struct table
{
	size_t		count;
	table_row  *rows;
} table;

static void
release_json(void *document)
{
	fc_json_free(document);
}

static char *
text_of(fc_test *test, const fc_json *row, const char *key)
{
	const fc_json *value = fc_json_get(row, key);

	fc_expect(test, value != NULL && value->kind == FC_JSON_STRING, "a row of the table has no %s",
			  key);
	return value->text;
}

static table
read_table(fc_test *test)
{
	table		read = {0, NULL};

	while (fc_matching_lines[read.count] != NULL)
		read.count++;
	read.rows = fc_allocate(test, read.count * sizeof(table_row));
	for (size_t i = 0; i < read.count; i++)
	{
		fc_json    *row = fc_json_parse(fc_matching_lines[i]);

		fc_expect(test, row != NULL, "row %zu of the table is not JSON", i);
		fc_own(test, release_json, row);
		read.rows[i] = (table_row) {
			.name = text_of(test, row, "name"),
			.payload = text_of(test, row, "payload"),
			.predicate = text_of(test, row, "predicate"),
			.matches = fc_json_get(row, "matches")->kind == FC_JSON_TRUE,
		};
	}
	return read;
}

/* Row i as fact i + 1 of type "row-i", all in one batch. */
static void
append_table(fc_test *test, const table *rows)
{
	factstr_event *events = fc_allocate(test, rows->count * sizeof(factstr_event));
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i < rows->count; i++)
		events[i] = (factstr_event) {
			.event_type = fc_format(test, "row-%zu", i),
			.payload = rows->rows[i].payload,
		};
	fc_expect_ok(test, "an append of all payloads",
				 factstr_append(test->store, events, rows->count, NULL, &result, &error), &error);
}

static char *
query_of_row(fc_test *test, const table *rows, size_t i)
{
	return fc_format(test, "{\"filters\": [{\"event_types\": [\"row-%zu\"],"
					 " \"payload_predicates\": [%s]}]}", i, rows->rows[i].predicate);
}

/* Everything is passed as it is: rows hold apostrophes that mean themselves. */
static uint64_t
version_of(fc_test *test, const char *query)
{
	uint64_t	version = 0;
	factstr_error error;

	fc_expect_ok(test, query, factstr_context_version(test->store, query, &version, &error),
				 &error);
	return version;
}

static void
table_by_query(fc_test *test)
{
	table		rows = read_table(test);

	append_table(test, &rows);
	for (size_t i = 0; i < rows.count; i++)
	{
		factstr_query_result *result = NULL;
		factstr_error error;
		size_t		found;

		fc_expect_ok(test, rows.rows[i].name,
					 factstr_query(test->store, query_of_row(test, &rows, i), &result, &error),
					 &error);
		found = result->fact_count;
		factstr_query_result_free(result);
		fc_expect_number(test, fc_format(test, "%s: facts found", rows.rows[i].name), found,
						 rows.rows[i].matches ? 1 : 0);
		fc_expect_number(test, fc_format(test, "%s: version", rows.rows[i].name),
						 version_of(test, query_of_row(test, &rows, i)), rows.rows[i].matches ?
						 i + 1 : 0);
	}
}

static void
table_by_append_if(fc_test *test)
{
	table		rows = read_table(test);
	const factstr_event event = {.event_type = "later", .payload = "0"};

	append_table(test, &rows);
	for (size_t i = 0; i < rows.count; i++)
	{
		factstr_append_result result;
		factstr_error error;
		int			code = factstr_append(test->store, &event, 1,
										  FC_IF(query_of_row(test, &rows, i), 0, NULL), &result,
										  &error);

		fc_expect_code(test, rows.rows[i].name, code, code == FACTSTR_OK ? NULL : &error,
					   rows.rows[i].matches ? FACTSTR_CONFLICT : FACTSTR_OK);
	}
}

static void
table_by_batches(fc_test *test)
{
	table		rows = read_table(test);

	append_table(test, &rows);
	for (size_t i = 0; i < rows.count; i++)
	{
		factstr_batch_list *list = NULL;
		factstr_error error;
		size_t		found;

		fc_expect_ok(test, rows.rows[i].name,
					 factstr_batches(test->store, query_of_row(test, &rows, i), 0, 2, &list,
									 &error), &error);
		found = list->count == 0 ? 0 : list->batches[0].fact_count;
		factstr_batch_list_free(list);
		fc_expect_number(test, fc_format(test, "%s: facts in batches", rows.rows[i].name), found,
						 rows.rows[i].matches ? 1 : 0);
	}
}

/* All payloads against each predicate, without a type: the candidates of the index are not enough. */
static void
table_by_table(fc_test *test)
{
	table		rows = read_table(test);
	fc_json   **payloads = fc_allocate(test, rows.count * sizeof(fc_json *));

	append_table(test, &rows);
	for (size_t i = 0; i < rows.count; i++)
	{
		payloads[i] = fc_json_parse(rows.rows[i].payload);
		fc_expect(test, payloads[i] != NULL, "%s: the payload is not JSON", rows.rows[i].name);
		fc_own(test, release_json, payloads[i]);
	}
	for (size_t i = 0; i < rows.count; i++)
	{
		char	   *query = fc_format(test, "{\"filters\": [{\"payload_predicates\": [%s]}]}",
									  rows.rows[i].predicate);
		fc_json    *predicate = fc_json_parse(rows.rows[i].predicate);
		factstr_query_result *result = NULL;
		factstr_error error;
		char	   *found;
		char	   *expected = fc_allocate(test, rows.count * 8);

		for (size_t j = 0; j < rows.count; j++)
		{
			if (fc_json_matches(payloads[j], predicate))
				(void) sprintf(expected + strlen(expected), "%s%zu", *expected == '\0' ? "" : " ",
							   j + 1);
		}
		fc_json_free(predicate);
		fc_expect_ok(test, query, factstr_query(test->store, query, &result, &error), &error);
		found = fc_numbers(test, result->facts, result->fact_count);
		factstr_query_result_free(result);
		fc_expect_text(test, fc_format(test, "facts for predicate %s", rows.rows[i].predicate),
					   found, expected);
	}
}

/* A string that looks like the library's own spelling of a number must not become one. */
static void
strings_stay_strings(fc_test *test)
{
	(void) fc_append(test, "a", "{'n': 1}");
	(void) fc_append(test, "a", "{'n': '\\u00011e0'}");
	(void) fc_append(test, "a", "{'n': '1e0'}");
	(void) fc_append(test, "a", "{'n': '\\u0001\\u00011e0'}");
	fc_expect_query(test, FC_PREDICATE("{'n': 1}"), "1", 1);
	fc_expect_query(test, FC_PREDICATE("{'n': '\\u00011e0'}"), "2", 2);
	fc_expect_query(test, FC_PREDICATE("{'n': '1e0'}"), "3", 3);
	fc_expect_query(test, FC_PREDICATE("{'n': '\\u0001\\u00011e0'}"), "4", 4);
}

static void
no_exception_for_arrays(fc_test *test)
{
	(void) fc_append(test, "a", "['a', 1, null, true]");
	(void) fc_append(test, "a", "'a'");
	(void) fc_append(test, "a", "{'t': ['a']}");
	fc_expect_query(test, FC_PREDICATE("'a'"), "2", 2);
	fc_expect_query(test, FC_PREDICATE("1"), "", 0);
	fc_expect_query(test, FC_PREDICATE("null"), "", 0);
	fc_expect_query(test, FC_PREDICATE("['a']"), "1", 1);
	fc_expect_query(test, FC_PREDICATE("{'t': 'a'}"), "", 0);
}

static void
numbers_by_value(fc_test *test)
{
	static const char *const equal[] = {"100", "100.0", "1e2", "1E+2", "1000e-1", "0.1e3",
										"100.000000000000000000000"};

	for (size_t i = 0; i < 7; i++)
		(void) fc_append(test, "a", fc_format(test, "{'n': %s}", equal[i]));
	(void) fc_append(test, "a", "{'n': 100.000000000000000000000000001}");
	(void) fc_append(test, "a", "{'n': 1e300}");
	(void) fc_append(test, "a", "{'n': 123456789012345678901234567890}");
	(void) fc_append(test, "a", "{'n': 123456789012345678901234567891}");
	for (size_t i = 0; i < 7; i++)
		fc_expect_query(test, fc_format(test, "{'filters': [{'payload_predicates': [{'n': %s}]}]}",
										equal[i]),
						"1 2 3 4 5 6 7", 7);
	fc_expect_query(test, FC_PREDICATE("{'n': 100.000000000000000000000000001}"), "8", 8);
	fc_expect_query(test, FC_PREDICATE("{'n': 10e299}"), "9", 9);
	fc_expect_query(test, FC_PREDICATE("{'n': 123456789012345678901234567890}"), "10", 10);
	fc_expect_query(test, FC_PREDICATE("{'n': 123456789012345678901234567891.0}"), "11", 11);
}

const fc_case fc_matching_cases[] = {
	{{"matching", "12", "the table of payloads and predicates, by query"}, 0, table_by_query},
	{{"matching", "12, 14", "the table of payloads and predicates, by conditional append"},
	0, table_by_append_if},
	{{"matching", "12, 18", "the table of payloads and predicates, by batches"},
	0, table_by_batches},
	{{"matching", "12", "each predicate of the table against all of its payloads"},
	0, table_by_table},
	{{"matching", "12", "numbers compare by value, exactly"}, 0, numbers_by_value},
	{{"matching", "12", "a string is never taken for a number"}, 0, strings_stay_strings},
	{{"matching", "12",
	  "a scalar predicate does not match an array that holds it, at the root neither"}, 0,
	no_exception_for_arrays},
	{{NULL, NULL, NULL}, 0, NULL}
};
