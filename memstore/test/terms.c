/*
 * terms.c
 *		Tests of the terms under which facts are found.
 *
 * Their values are kept in SQLite files: the table of them must never have to be changed.
 */
#include <stdlib.h>

#include "terms.h"

#include "tap.h"

typedef struct fixed_term
{
	const char *payload;
	fs_term		term;
} fixed_term;

/* Each payload with its only term. */
static const fixed_term fixed_terms[] = {
	{"null", UINT64_C(0x732ffef1beaa2ebe)},
	{"true", UINT64_C(0x2cf04ade10c26f71)},
	{"false", UINT64_C(0x2001a2749b5093af)},
	{"1", UINT64_C(0xe1b8e8746f328016)},
	{"1.0", UINT64_C(0xe1b8e8746f328016)},
	{"10e-1", UINT64_C(0xe1b8e8746f328016)},
	{"-0.250", UINT64_C(0xf61504f9b7fc0e54)},
	{"-0.0", UINT64_C(0xe730dc953ae727f8)},
	{"\"1\"", UINT64_C(0x62f3b18ac84efdf1)},
	{"\"\"", UINT64_C(0xa8e7e8983189c95b)},
	{"\"\\u0001x\"", UINT64_C(0xd64951bc194cc419)},
	{"{\"a\": {\"b\": 1}}", UINT64_C(0x86b0516a5fee73a2)},
	{"{\"a.b\": 1}", UINT64_C(0x8118f28284352eb4)},
	{"[1]", UINT64_C(0x8175fa75894df76e)},
	{"[1, 1.0, 1e0]", UINT64_C(0x8175fa75894df76e)},
	{"[[1]]", UINT64_C(0x2546f691528c4472)},
	{"{\"\\u00e9\": \"\\u20ac\"}", UINT64_C(0x1c7354a10c004313)},
	{"[{}, {\"a\": true}, []]", UINT64_C(0x674238661fceb80e)},
};

static json_t *
load(const char *text)
{
	fs_input_error error;
	json_t	   *document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
	{
		printf("Bail out! %s\n", error.message);
		exit(2);
	}
	return document;
}

static fs_term_list
terms_of(const char *text)
{
	fs_term_list list = {0};
	json_t	   *document = load(text);

	if (!fs_terms_of_value(document, &list))
		exit(2);
	json_decref(document);
	return list;
}

static bool
is_sorted(const fs_term_list *list)
{
	for (size_t i = 1; i < list->count; i++)
	{
		if (!fs_term_is_before(list->terms[i - 1], list->terms[i]))
			return false;
	}
	return true;
}

/* Are all terms of one list in the other? */
static bool
is_within(const fs_term_list *some, const fs_term_list *all)
{
	size_t		place = 0;

	for (size_t i = 0; i < some->count; i++)
	{
		while (place < all->count && fs_term_is_before(all->terms[place], some->terms[i]))
			place++;
		if (place == all->count || all->terms[place] != some->terms[i])
			return false;
	}
	return true;
}

static void
test_fixed_values(void)
{
	for (size_t i = 0; i < sizeof(fixed_terms) / sizeof(fixed_terms[0]); i++)
	{
		fs_term_list list = terms_of(fixed_terms[i].payload);

		if (!tap_ok(list.count == 1 && list.terms[0] == fixed_terms[i].term,
					"the term of %s", fixed_terms[i].payload))
			tap_diagnostic("%zu terms, the first is %016llx", list.count,
						   list.count > 0 ? (unsigned long long) list.terms[0] : 0);
		fs_term_list_release(&list);
	}
	(void) tap_ok(fs_term_of_event_type("order-placed", 12) == UINT64_C(0xeb95177bc727572a),
				  "the term of an event type");
}

static void
test_same(const char *a, const char *b, bool same)
{
	fs_term_list left = terms_of(a);
	fs_term_list right = terms_of(b);

	(void) tap_ok((is_within(&left, &right) && is_within(&right, &left)) == same,
				  "%s and %s have %s terms", a, b, same ? "the same" : "different");
	fs_term_list_release(&left);
	fs_term_list_release(&right);
}

static void
test_paths(void)
{
	test_same("{\"a\": [1, 2], \"b\": 3}", "{\"b\": 3.0, \"a\": [2, 1, 2]}", true);
	test_same("[[1], [2]]", "[[1, 2]]", true);
	test_same("{\"a\": [1]}", "{\"a\": 1}", false);
	test_same("[1]", "[[1]]", false);
	test_same("[]", "{}", true);
	test_same("{\"a\": {\"b\": 1}}", "{\"a.b\": 1}", false);
	test_same("{\"ab\": 1}", "{\"a\": {\"b\": 1}}", false);
	test_same("{\"a\": {\"kb\": 1}}", "{\"ak\": {\"b\": 1}}", false);
	test_same("{\"\": 1}", "1", false);
	test_same("\"true\"", "true", false);
	test_same("\"1e0\"", "1", false);
	test_same("\"\\u00011e0\"", "1", false);
}

static void
test_fact(void)
{
	fs_term_list fact = {0};
	fs_term_list payload = terms_of("{\"a\": 1, \"b\": [true, \"x\"]}");
	json_t	   *document = load("{\"a\": 1, \"b\": [true, \"x\"]}");
	bool		made = fs_terms_of_fact("t", document, &fact);

	(void) tap_ok(made && fact.count == 4 && payload.count == 3 && is_within(&payload, &fact),
				  "a fact has the terms of its payload and of its type");
	(void) tap_ok(is_sorted(&fact) && is_sorted(&payload), "in order");

	made = fs_terms_of_fact("other", document, &fact);
	(void) tap_ok(made && fact.count == 4 && is_within(&payload, &fact),
				  "a list can be used again");
	json_decref(document);
	fs_term_list_release(&fact);
	fs_term_list_release(&payload);
}

/* Arrays inside arrays, as deep as the loader lets through, and one scalar. */
static void
test_deep(void)
{
	char		text[2 * 2047 + 2];
	fs_term_list list;

	memset(text, '[', 2047);
	text[2047] = '7';
	memset(text + 2048, ']', 2047);
	text[2 * 2047 + 1] = '\0';
	list = terms_of(text);
	(void) tap_ok(list.count == 1, "arrays 2047 deep");
	fs_term_list_release(&list);
}

static void
test_wide(void)
{
	size_t		count = 100000;
	char	   *text = malloc(count * 8 + 2);
	char	   *end = text;
	fs_term_list list;

	if (text == NULL)
		exit(2);
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%c%05zu", i == 0 ? '[' : ',', i % 50000 + 10000);
	(void) sprintf(end, "]");
	list = terms_of(text);
	(void) tap_ok(list.count == 50000 && is_sorted(&list),
				  "a hundred thousand scalars, each twice");
	fs_term_list_release(&list);
	free(text);
}

/* What every search relies on: a payload that matches holds the terms of the predicate. */
static void
test_matching_case(json_t *line)
{
	fs_term_list payload;
	fs_term_list predicate;

	if (!json_is_true(json_object_get(line, "matches")))
		return;
	payload = terms_of(json_string_value(json_object_get(line, "payload")));
	predicate = terms_of(json_string_value(json_object_get(line, "predicate")));
	(void) tap_ok(is_within(&predicate, &payload), "terms: %s",
				  json_string_value(json_object_get(line, "name")));
	fs_term_list_release(&payload);
	fs_term_list_release(&predicate);
}

static void
test_matching_cases(FILE *cases)
{
	char	   *text = NULL;
	size_t		capacity = 0;

	while (getline(&text, &capacity, cases) >= 0)
	{
		json_t	   *line = load(text);

		test_matching_case(line);
		json_decref(line);
	}
	free(text);
}

int
main(int argc, char **argv)
{
	FILE	   *cases = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (cases == NULL)
	{
		printf("Bail out! usage: terms FILE, the table of matching cases\n");
		return 2;
	}
	test_fixed_values();
	test_paths();
	test_fact();
	test_deep();
	test_wide();
	test_matching_cases(cases);
	(void) fclose(cases);
	return tap_finish();
}
