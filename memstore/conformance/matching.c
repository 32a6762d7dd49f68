/*
 * matching.c
 *		Rule 12: the table of payloads and predicates, and random ones.
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
		int			code = factstr_append_if(test->store, &event, 1, query_of_row(test, &rows, i),
											 NULL, NULL, &result, &error);

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

/* All payloads against each predicate, without a type: what the index offers is not enough. */
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

/*
 * Random facts and queries of a small vocabulary, so that many of them meet.
 */

/* The same numbers in each run. */
static uint32_t
draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (*seed >> 8) % below;
}

static char *
draw_value(fc_test *test, uint32_t *seed, int depth)
{
	static const char *const scalars[] = {"1", "1.0", "2", "\"1\"", "\"x\"", "null", "true",
										  "false", "\"\"", "-0", "0",
		"9007199254740993", "9007199254740992", "0.10", "1e-1"};
	static const char *const keys[] = {"a", "b", "c"};
	uint32_t	kind = draw(seed, depth == 0 ? 2 : 5);
	bool		object = kind >= 3;
	uint32_t	count;
	char	   *text;

	if (kind < 2 && !(depth == 3 && kind == 0))
		return fc_format(test, "%s", scalars[draw(seed, sizeof(scalars) / sizeof(scalars[0]))]);
	count = draw(seed, 4);
	text = fc_format(test, "%s", object ? "{" : "[");
	for (uint32_t i = 0; i < count; i++)
	{
		const char *key = keys[draw(seed, 3)];
		char	   *value = draw_value(test, seed, depth - 1);

		text = object ? fc_format(test, "%s%s\"%s\": %s", text, i == 0 ? "" : ", ", key, value) :
			fc_format(test, "%s%s%s", text, i == 0 ? "" : ", ", value);
	}
	return fc_format(test, "%s%s", text, object ? "}" : "]");
}

static char *
draw_filter(fc_test *test, uint32_t *seed)
{
	static const char *const types[] = {"null", "[]", "[\"t0\"]", "[\"t1\", \"t2\"]", "[\"t9\"]",
										"null", "null"};
	const char *type = types[draw(seed, 7)];
	uint32_t	count = draw(seed, 4);
	char	   *predicates = fc_format(test, "%s", count == 3 ? "null" : "[");

	for (uint32_t i = 0; count < 3 && i < count; i++)
		predicates = fc_format(test, "%s%s%s", predicates, i == 0 ? "" : ", ",
							   draw_value(test, seed, 2));
	return fc_format(test, "{\"event_types\": %s, \"payload_predicates\": %s%s}", type, predicates,
					 count == 3 ? "" : "]");
}

static bool
filter_matches(const fc_json *filter, const char *type, const fc_json *payload)
{
	const fc_json *types = fc_json_get(filter, "event_types");
	const fc_json *predicates = fc_json_get(filter, "payload_predicates");
	bool		type_matches = types->kind == FC_JSON_NULL;
	bool		payload_matches = predicates->kind == FC_JSON_NULL;

	for (const fc_json *each = types->first; each != NULL; each = each->next)
		type_matches |= strcmp(each->text, type) == 0;
	for (const fc_json *each = predicates->first; each != NULL; each = each->next)
		payload_matches |= fc_json_matches(payload, each);
	return type_matches && payload_matches;
}

typedef struct random_log
{
	size_t		count;
	char	  **types;
	fc_json   **payloads;
} random_log;

static random_log
append_random(fc_test *test, uint32_t *seed, size_t count)
{
	random_log	log = {count, fc_allocate(test, count * sizeof(char *)),
					   fc_allocate(test, count * sizeof(fc_json *))};
	factstr_event *events = fc_allocate(test, count * sizeof(factstr_event));
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i < count; i++)
	{
		char	   *payload = draw_value(test, seed, 3);

		log.types[i] = fc_format(test, "t%u", (unsigned) draw(seed, 3));
		log.payloads[i] = fc_json_parse(payload);
		fc_expect(test, log.payloads[i] != NULL, "a mistake in the case: %s", payload);
		fc_own(test, release_json, log.payloads[i]);
		events[i] = (factstr_event) {.event_type = log.types[i], .payload = payload};
	}
	fc_expect_ok(test, "an append of random facts",
				 factstr_append(test->store, events, count, NULL, &result, &error), &error);
	return log;
}

/* What the rules say, in the form of fc_numbers. */
static char *
numbers_by_the_rules(fc_test *test, const random_log *log, const char *query)
{
	fc_json    *document = fc_json_parse(query);
	const fc_json *filters = fc_json_get(document, "filters");
	char	   *text = fc_allocate(test, log->count * 8 + 1);

	for (size_t i = 0; i < log->count; i++)
	{
		bool		matches = filters->first == NULL;

		for (const fc_json *filter = filters->first; filter != NULL; filter = filter->next)
			matches |= filter_matches(filter, log->types[i], log->payloads[i]);
		if (matches)
			(void) sprintf(text + strlen(text), "%s%zu", *text == '\0' ? "" : " ", i + 1);
	}
	fc_json_free(document);
	return text;
}

static void
random_queries(fc_test *test)
{
	uint32_t	seed = 42;
	random_log	log = append_random(test, &seed, 300);

	for (int i = 0; i < 300; i++)
	{
		uint32_t	count = draw(&seed, 3) + (i == 0 ? 0 : 1);
		char	   *query = fc_format(test, "{\"filters\": [");
		char	   *expected;
		const factstr_query_result *result;
		const char *space;

		for (uint32_t j = 0; j < count; j++)
			query = fc_format(test, "%s%s%s", query, j == 0 ? "" : ", ", draw_filter(test, &seed));
		query = fc_format(test, "%s]}", query);
		expected = numbers_by_the_rules(test, &log, query);
		result = fc_query(test, test->store, query);
		fc_expect_text(test, fc_format(test, "facts found by %s", query),
					   fc_numbers(test, result->facts, result->fact_count), expected);
		space = strrchr(expected, ' ');
		fc_expect_number(test, fc_format(test, "version of %s", query), version_of(test, query),
						 strtoull(space == NULL ? expected : space, NULL, 10));
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
	{{"matching", "10, 12", "random queries find what the rules say"}, 0, random_queries},
	{{"matching", "12", "numbers compare by value, exactly"}, 0, numbers_by_value},
	{{"matching", "12", "a string is never taken for a number"}, 0, strings_stay_strings},
	{{"matching", "12",
	  "a scalar predicate does not match an array that holds it, at the root neither"}, 0,
	no_exception_for_arrays},
	{{NULL, NULL, NULL}, 0, NULL}
};
