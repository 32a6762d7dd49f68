/*
 * query_equality.c
 *		Equality of event queries: the same answer as by comparing each part with each, and at once for long ones.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "json/binding.h"
#include "match/event_query_parser.h"
#include "match/query_equality.h"

#include "lib/matching.h"
#include "lib/tap.h"

/* Small, so that many are equal. */
#define PREDICATES 600

/* Long enough that comparing each with each would take minutes. */
#define MANY 200000

static uint64_t state = 88172645463325252;

static unsigned
random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned) (state >> 33) % limit;
}

static void
write_random_value(fs_buffer *out, int depth)
{
	static const char *const scalars[] = {"1", "1.0", "2", "true", "false", "null", "\"1\"", "\"\""};
	unsigned	kind = depth == 0 ? 0 : random_below(3);
	unsigned	count = random_below(4);
	unsigned	first_key = random_below(3);

	if (kind == 0)
	{
		fs_buffer_append_text(out, scalars[random_below(8)]);
		return;
	}
	fs_buffer_append_text(out, kind == 1 ? "[" : "{");
	for (unsigned i = 0; i < count; i++)
	{
		static const char *const keys[] = {"\"a\": ", "\"b\": ", "\"c\": "};

		if (i > 0)
			fs_buffer_append_text(out, ", ");
		if (kind == 2)
			fs_buffer_append_text(out, keys[(first_key + i) % 3]);
		write_random_value(out, depth - 1);
	}
	fs_buffer_append_text(out, kind == 1 ? "]" : "}");
}

static fs_json
load(const char *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text, strlen(text), &error);

	if (document == NULL)
		tap_bail_out("%.60s is not JSON: %s", text, error.message);
	return document;
}

static fs_json
random_predicate(void)
{
	fs_buffer	out = {0};
	fs_json		document;

	write_random_value(&out, 3);
	fs_buffer_append(&out, "", 1);
	document = load(out.data);
	free(out.data);
	return document;
}

static bool
equal_one_by_one(fs_json a, fs_json b)
{
	return payload_matches(a, b) && payload_matches(b, a);
}

static void
test_predicates_at_random(void)
{
	fs_json		predicates[PREDICATES];
	uint64_t	hashes[PREDICATES];
	fs_leaves	leaves;
	int			equal = 0;
	int			hashed_otherwise = 0;
	int			same_by_accident = 0;

	fs_leaves_begin(&leaves);
	for (int i = 0; i < PREDICATES; i++)
	{
		predicates[i] = random_predicate();
		hashes[i] = fs_predicate_hash(predicates[i], &leaves);
	}
	for (int i = 0; i < PREDICATES; i++)
	{
		for (int j = 0; j < i; j++)
		{
			bool		same_hash = hashes[i] == hashes[j];

			if (equal_one_by_one(predicates[i], predicates[j]))
			{
				equal++;
				hashed_otherwise += same_hash ? 0 : 1;
			}
			else
				same_by_accident += same_hash ? 1 : 0;
		}
	}
	ok_cmp(equal, ">", PREDICATES, "many predicates at random are equal");
	ok_int(hashed_otherwise, 0, "equal predicates have one hash");
	ok_cmp(same_by_accident, "<", PREDICATES / 10, "others seldom have");
	for (int i = 0; i < PREDICATES; i++)
		fs_json_document_release(predicates[i]);
	fs_leaves_end(&leaves);
}

static bool
queries_equal(const char *a, const char *b)
{
	fs_json		documents[] = {load(a), load(b)};
	fs_event_query queries[2];
	fs_input_error error;
	bool		equal = false;

	for (int i = 0; i < 2; i++)
	{
		if (!fs_event_query_parse(documents[i], &queries[i], &error))
			tap_bail_out("%.60s is refused: %s", i == 0 ? a : b, error.message);
	}
	if (fs_event_query_equal(&queries[0], &queries[1], &equal) != FS_COMPLETED)
		tap_bail_out("out of memory");
	for (int i = 0; i < 2; i++)
	{
		fs_event_query_release(&queries[i]);
		fs_json_document_release(documents[i]);
	}
	return equal;
}

/* A query whose list has MANY elements, each the number i within prefix and suffix, and a last one. */
static char *
long_query(const char *start, const char *prefix, const char *suffix, bool backwards, int last,
		   const char *end)
{
	fs_buffer	out = {0};
	char		element[200];

	fs_buffer_append_text(&out, start);
	for (int i = 0; i < MANY; i++)
	{
		(void) snprintf(element, sizeof(element), "%s%d%s, ", prefix, backwards ? MANY - 1 - i : i,
						suffix);
		fs_buffer_append_text(&out, element);
	}
	(void) snprintf(element, sizeof(element), "%s%d%s%s", prefix, last, suffix, end);
	fs_buffer_append(&out, element, strlen(element) + 1);
	if (out.no_memory)
		tap_bail_out("out of memory");
	return out.data;
}

static void
ok_long_queries(const char *what, const char *start, const char *prefix, const char *suffix,
				const char *end)
{
	char	   *query = long_query(start, prefix, suffix, false, 7, end);
	char	   *backwards = long_query(start, prefix, suffix, true, 8, end);
	char	   *other = long_query(start, prefix, suffix, true, MANY, end);

	ok(queries_equal(query, backwards), "%d %s in another order are equal", MANY, what);
	ok(!queries_equal(query, other), "with one more they are not");
	free(query);
	free(backwards);
	free(other);
}

static void
test_long_queries(void)
{
	ok_long_queries("event types", "{\"filters\": [{\"event_types\": [", "\"t", "\"", "]}]}");
	ok_long_queries("predicates", "{\"filters\": [{\"payload_predicates\": [", "{\"id\": ", "}", "]}]}");
	ok_long_queries("predicates with arrays", "{\"filters\": [{\"payload_predicates\": [",
					"{\"tags\": [\"a\", \"b\", {\"id\": ", "}]}", "]}]}");
	ok_long_queries("filters", "{\"filters\": [",
					"{\"event_types\": [\"a\"], \"payload_predicates\": [", "]}", "]}");
}

static void
test_a_type_among_many(void)
{
	char	   *text = long_query("{\"filters\": [{\"event_types\": [", "\"t", "\"", true, 7, "]}]}");
	fs_json		document = load(text);
	fs_event_query query;
	fs_input_error error;
	size_t		found = 0;

	if (!fs_event_query_parse(document, &query, &error))
		tap_bail_out("%s", error.message);
	ok_int((int64_t) query.filters[0].event_type_count, MANY, "a type that is there twice counts once");
	for (int i = -1; i <= MANY; i++)
	{
		char		type[20];

		(void) snprintf(type, sizeof(type), "t%d", i);
		found += query_matches(&query, type, document) ? 1 : 0;
	}
	ok_int((int64_t) found, MANY, "each of many types is found, and no other");
	fs_event_query_release(&query);
	fs_json_document_release(document);
	free(text);
}

int
main(void)
{
	test_predicates_at_random();
	test_long_queries();
	test_a_type_among_many();
	return tap_finish();
}
