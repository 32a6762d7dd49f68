/*
 * terms.c
 *		Tests of the terms under which facts are found.
 *
 * Their values are kept in SQLite files: the table of them must never have to be changed.
 */
#include <stdlib.h>

#include "match/nesting.h"
#include "stores/local/terms.h"

#include "lib/tap.h"

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

static fs_json
load(const char *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_bail_out("%s", error.message);
	return document;
}

static fs_term_list
terms_of(const char *text)
{
	fs_term_list list = {0};
	fs_json		document = load(text);

	if (!fs_terms_of_value(document, &list))
		tap_bail_out("the terms cannot be made: %s", text);
	fs_json_document_release(document);
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
ok_term(fs_term got, fs_term expected, const char *of)
{
	char		texts[2][20];

	(void) snprintf(texts[0], sizeof(texts[0]), "%016llx", (unsigned long long) got);
	(void) snprintf(texts[1], sizeof(texts[1]), "%016llx", (unsigned long long) expected);
	ok_str(texts[0], texts[1], "the term of %s", of);
}

static void
test_fixed_values(void)
{
	for (size_t i = 0; i < sizeof(fixed_terms) / sizeof(fixed_terms[0]); i++)
	{
		fs_term_list list = terms_of(fixed_terms[i].payload);

		if (ok_int((int64_t) list.count, 1, "one term: %s", fixed_terms[i].payload))
			ok_term(list.terms[0], fixed_terms[i].term, fixed_terms[i].payload);
		fs_term_list_release(&list);
	}
	ok_term(fs_term_of_event_type((fs_text) {"order-placed", 12}), UINT64_C(0xeb95177bc727572a),
			"an event type");
}

static void
ok_same_terms(const char *a, const char *b, bool same)
{
	fs_term_list left = terms_of(a);
	fs_term_list right = terms_of(b);
	bool		found = is_within(&left, &right) && is_within(&right, &left);

	if (!ok(found == same, "%s and %s have %s terms", a, b, same ? "the same" : "different"))
		tap_diagnostic("%zu and %zu terms", left.count, right.count);
	fs_term_list_release(&left);
	fs_term_list_release(&right);
}

static void
test_paths(void)
{
	ok_same_terms("{\"a\": [1, 2], \"b\": 3}", "{\"b\": 3.0, \"a\": [2, 1, 2]}", true);
	ok_same_terms("[[1], [2]]", "[[1, 2]]", true);
	ok_same_terms("{\"a\": [1]}", "{\"a\": 1}", false);
	ok_same_terms("[1]", "[[1]]", false);
	ok_same_terms("[]", "{}", true);
	ok_same_terms("{\"a\": {\"b\": 1}}", "{\"a.b\": 1}", false);
	ok_same_terms("{\"ab\": 1}", "{\"a\": {\"b\": 1}}", false);
	ok_same_terms("{\"a\": {\"kb\": 1}}", "{\"ak\": {\"b\": 1}}", false);
	ok_same_terms("{\"\": 1}", "1", false);
	ok_same_terms("\"true\"", "true", false);
	ok_same_terms("\"1e0\"", "1", false);
	ok_same_terms("\"\\u00011e0\"", "1", false);
}

static void
test_fact(void)
{
	fs_term_list fact = {0};
	fs_term_list payload = terms_of("{\"a\": 1, \"b\": [true, \"x\"]}");
	fs_json		document = load("{\"a\": 1, \"b\": [true, \"x\"]}");
	fs_text		type = {"t", 1};
	fs_term_list second = {0};

	ok(fs_terms_add_fact(&fact, type, document), "the terms of a fact");
	ok_int((int64_t) payload.count, 3, "three of its payload");
	ok_int((int64_t) fact.count, 4, "and one of its type");
	ok(is_within(&payload, &fact), "those of the payload are among them");
	ok(is_sorted(&fact), "in order");
	ok(is_sorted(&payload), "as those of the payload are");

	ok(fs_terms_add_fact(&fact, type, document), "the terms of a second fact");
	ok_int((int64_t) fact.count, 8, "stand behind those of the first");
	second.terms = fact.terms + 4;
	second.count = 4;
	ok(is_within(&payload, &second) && is_sorted(&second), "and are the same");
	fs_json_document_release(document);
	fs_term_list_release(&fact);
	fs_term_list_release(&payload);
}

/* Arrays inside arrays, as deep as a payload may be, and one scalar. */
static void
test_deep(void)
{
	char		text[2 * FS_DEEPEST_NESTING + 2];
	fs_term_list list;

	memset(text, '[', FS_DEEPEST_NESTING);
	text[FS_DEEPEST_NESTING] = '7';
	memset(text + FS_DEEPEST_NESTING + 1, ']', FS_DEEPEST_NESTING);
	text[2 * FS_DEEPEST_NESTING + 1] = '\0';
	list = terms_of(text);
	ok_int((int64_t) list.count, 1, "arrays 1000 deep");
	fs_term_list_release(&list);
}

/* A payload that repeats itself needs no room for it. */
static void
test_repetitive(void)
{
	size_t		count = 200000;
	char	   *text = malloc(2 * count + 2);
	fs_term_list list;

	text[0] = '[';
	for (size_t i = 0; i < count; i++)
		memcpy(text + 1 + 2 * i, i % 3 == 0 ? "1," : "2,", 2);
	(void) strcpy(text + 2 * count, "]");
	list = terms_of(text);
	ok_int((int64_t) list.count, 2, "of many scalars, two are different");
	ok_cmp((int64_t) list.capacity, "<", 10000, "and no room was made for more");
	fs_term_list_release(&list);
	free(text);
}

static void
test_wide(void)
{
	size_t		count = 100000;
	char	   *text = malloc(count * 8 + 2);
	char	   *end = text;
	fs_term_list list;

	if (text == NULL)
		tap_bail_out("no memory");
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%c%05zu", i == 0 ? '[' : ',', i % 50000 + 10000);
	(void) sprintf(end, "]");
	list = terms_of(text);
	ok_int((int64_t) list.count, 50000, "a hundred thousand scalars, each twice");
	ok(is_sorted(&list), "in order");
	fs_term_list_release(&list);
	free(text);
}

static char *
member(fs_json object, const char *name)
{
	fs_json		value;
	fs_text		text;

	if (!fs_json_object_get(object, (fs_text) {name, strlen(name)}, &value))
		tap_bail_out("no %s", name);
	text = fs_json_string(value);
	return strndup(text.data, text.length);
}

/* Every search relies on this: a payload that matches has the terms of the predicate. */
static void
test_matching_case(fs_json line)
{
	fs_term_list payload;
	fs_term_list predicate;
	char	   *texts[3];
	fs_json		matches;

	if (!fs_json_object_get(line, (fs_text) {"matches", 7}, &matches) || !fs_json_boolean(matches))
		return;
	texts[0] = member(line, "payload");
	texts[1] = member(line, "predicate");
	texts[2] = member(line, "name");
	payload = terms_of(texts[0]);
	predicate = terms_of(texts[1]);
	ok(is_within(&predicate, &payload), "terms: %s", texts[2]);
	fs_term_list_release(&payload);
	fs_term_list_release(&predicate);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
}

static void
test_matching_cases(FILE *cases)
{
	char	   *text = NULL;
	size_t		capacity = 0;

	while (getline(&text, &capacity, cases) >= 0)
	{
		fs_json		line = load(text);

		test_matching_case(line);
		fs_json_document_release(line);
	}
	free(text);
}

static FILE *
open_cases(int argc, char **argv)
{
	FILE	   *cases = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (cases == NULL)
		tap_bail_out("usage: terms FILE, the table of matching cases");
	return cases;
}

int
main(int argc, char **argv)
{
	FILE	   *cases = open_cases(argc, argv);

	test_fixed_values();
	test_paths();
	test_fact();
	test_deep();
	test_repetitive();
	test_wide();
	test_matching_cases(cases);
	(void) fclose(cases);
	return tap_finish();
}
