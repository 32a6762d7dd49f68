/*
 * random_matching.c
 *		Rule 12: random payloads and predicates.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
release_json(void *document)
{
	fc_json_free(document);
}

static uint64_t
version_of(fc_test *test, const char *query)
{
	uint64_t	version = 0;
	factstr_error error;

	fc_expect_ok(test, query, factstr_context_version(test->store, query, &version, &error),
				 &error);
	return version;
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

/* The answer by the rules, in the form of fc_numbers. */
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

/*
 * Long arrays of a small vocabulary: the fast path for them must give the same answers.
 */
static char *
draw_array(fc_test *test, uint32_t *seed, uint32_t count)
{
	static const char *const elements[] = {
		"1", "1.0", "100e-2", "\"1\"", "\"1.0\"", "true", "\"true\"", "null", "\"null\"", "\"\"",
		"[1]", "[\"1\", 1]", "{}", "{\"a\": 1}", "{\"a\": 1.0, \"b\": [2]}", "[[1]]", "{\"a\": [true, 1]}"
	};
	uint32_t	limit = 5 + draw(seed, (uint32_t) (sizeof(elements) / sizeof(elements[0])) - 4);
	size_t		size = 1;
	char	   *text = fc_allocate(test, 64 * (size_t) count + 3);

	text[0] = '[';
	for (uint32_t i = 0; i < count; i++)
	{
		static const char *const spellings[] = {"%u", "%u.00", "\"%u\""};
		uint32_t	number = draw(seed, 30);

		size += (size_t) sprintf(text + size, "%s", i == 0 ? "" : ", ");
		if (draw(seed, 2) == 0)
			size += (size_t) sprintf(text + size, "%s", elements[draw(seed, limit)]);
		else
			size += (size_t) sprintf(text + size, spellings[draw(seed, 3)], number);
	}
	text[size] = ']';
	return text;
}

static void
long_arrays(fc_test *test)
{
	uint32_t	seed = 7;
	const size_t count = 100;
	size_t		found = 0;
	factstr_event *events = fc_allocate(test, count * sizeof(factstr_event));
	random_log	log = {count, fc_allocate(test, count * sizeof(char *)),
					   fc_allocate(test, count * sizeof(fc_json *))};
	factstr_error error;

	for (size_t i = 0; i < count; i++)
	{
		char	   *payload = draw_array(test, &seed, 33 + draw(&seed, 400));

		log.types[i] = fc_format(test, "t");
		log.payloads[i] = fc_json_parse(payload);
		fc_own(test, release_json, log.payloads[i]);
		events[i] = (factstr_event) {.event_type = log.types[i], .payload = payload};
	}
	fc_expect_ok(test, "an append of long arrays",
				 factstr_append(test->store, events, count, NULL, NULL, &error), &error);
	for (int i = 0; i < 100; i++)
	{
		char	   *query = fc_format(test, "{\"filters\": [{\"event_types\": null, "
									  "\"payload_predicates\": [%s]}]}",
									  draw_array(test, &seed, 17 + draw(&seed, 60)));
		const factstr_query_result *result = fc_query(test, test->store, query);

		fc_expect_text(test, fc_format(test, "facts found by %s", query),
					   fc_numbers(test, result->facts, result->fact_count),
					   numbers_by_the_rules(test, &log, query));
		found += result->fact_count;
	}
	fc_expect(test, found > 200 && found < 5000, "a mistake in the case: %zu found", found);
}

const fc_case fc_random_matching_cases[] = {
	{{"matching", "10, 12", "random queries find the facts that match by the rules"}, 0, random_queries},
	{{"matching", "12", "long arrays match as short ones do"}, 0, long_arrays},
	{{NULL, NULL, NULL}, 0, NULL}
};
