/*
 * large_matches.c
 *		Matching of long arrays and of deep values: right, in few steps, on a small stack, and ended
 *		wherever it is.
 *
 * The linker sends the matcher's look at its call here (see the Makefile): a test counts the looks,
 * of which there is one every 1024 steps, and says at which the call is to end.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "json/binding.h"
#include "match/event_query_parser.h"
#include "match/query_equality.h"
#include "match/value_limits.h"

#include "lib/matching.h"
#include "lib/tap.h"

#define PAIRS 4000
#define MANY 100000
#define SMALL_STACK (64 * 1024)

/* As in the Makefile's --wrap. */
fs_call_state __wrap_fs_current_call_state(void);

static _Thread_local int64_t looks;
static _Thread_local int64_t last_look = INT64_MAX;

fs_call_state
__wrap_fs_current_call_state(void)
{
	return ++looks >= last_look ? FS_CALL_IS_INTERRUPTED : FS_CALL_GOES_ON;
}

static uint64_t state = 88172645463325252;

static unsigned
random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned) (state >> 33) % limit;
}

static fs_json
load(fs_buffer *text)
{
	fs_input_error error;
	fs_json		document = fs_json_document_load(text->data, text->length, &error);

	if (document == NULL)
		tap_bail_out("%.60s is not JSON: %s", text->data, error.message);
	free(text->data);
	return document;
}

/* Few enough different ones that they meet, many enough that each is missing now and then. */
static void
write_random_element(fs_buffer *out, unsigned values, unsigned containers)
{
	static const char *const spellings[] = {"%u", "%u.0", "%ue0", "%u00e-2", "0.%u", "%ue-1", "\"%u\"",
	"\"%u.0\"", "[%u]", "{\"a\": %u}", "{\"a\": %u.0, \"b\": [1, 2]}", "[[%u, \"%u\"]]"};
	static const char *const others[] = {"null", "true", "false", "\"\"", "{}", "[]", "[null]", "[{}]"};
	unsigned	value = 1 + random_below(values);
	char		text[64];

	if (random_below(30) == 0)
	{
		fs_buffer_append_text(out, others[random_below(containers > 0 ? 8 : 4)]);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void) snprintf(text, sizeof(text), spellings[random_below(8 + containers)], value, value);
#pragma GCC diagnostic pop
	fs_buffer_append_text(out, text);
}

static fs_json
random_array(unsigned count, unsigned values, unsigned containers)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (unsigned i = 0; i < count; i++)
	{
		if (i > 0)
			fs_buffer_append_text(&out, ", ");
		write_random_element(&out, values, containers);
	}
	fs_buffer_append_text(&out, "]");
	return load(&out);
}

/* Rule 12, word for word. */
static bool
matches_by_the_rule(fs_json payload, fs_json predicate)
{
	fs_json_kind kind = fs_json_kind_of(predicate);
	fs_json_iterator wanted;
	fs_json_iterator elements;
	fs_text		key;
	fs_json		child;
	fs_json		found;
	bool		matches = kind == fs_json_kind_of(payload);

	if (!matches || !fs_json_is_container(kind))
		return matches && fs_json_scalar_compare(payload, predicate) == 0;
	fs_json_iterate(predicate, &wanted);
	if (kind == FS_JSON_OBJECT)
	{
		while (matches && fs_json_next_member(&wanted, &key, &child))
			matches = fs_json_object_get(payload, key, &found) && matches_by_the_rule(found, child);
		return matches;
	}
	while (matches && fs_json_next_element(&wanted, &child))
	{
		matches = false;
		fs_json_iterate(payload, &elements);
		while (!matches && fs_json_next_element(&elements, &found))
			matches = matches_by_the_rule(found, child);
	}
	return matches;
}

static void
test_arrays_at_random(void)
{
	int			matches = 0;
	int			wrong = 0;

	for (int i = 0; i < PAIRS; i++)
	{
		unsigned	values = 2 + random_below(40);
		unsigned	containers = i % 2 == 0 ? 0 : 4;
		fs_json		payload = random_array(random_below(400), values, containers);
		fs_json		predicate = random_array(random_below(80), values, containers);
		bool		expected = matches_by_the_rule(payload, predicate);

		matches += expected ? 1 : 0;
		wrong += payload_matches(payload, predicate) != expected ? 1 : 0;
		fs_json_document_release(payload);
		fs_json_document_release(predicate);
	}
	ok_cmp(matches, ">", PAIRS / 10, "many arrays at random match");
	ok_cmp(matches, "<", PAIRS - PAIRS / 10, "many do not");
	ok_int(wrong, 0, "arrays match as the rule says, element by element");
}

/* "[" element, element... "]", of the numbers from first on in steps. */
static fs_json
array_of(const char *before, const char *after, int first, int step, int count)
{
	fs_buffer	out = {0};
	char		number[16];

	fs_buffer_append_text(&out, "[");
	for (int i = 0; i < count; i++)
	{
		(void) snprintf(number, sizeof(number), "%d", first + i * step);
		fs_buffer_append_text(&out, i > 0 ? ", " : "");
		fs_buffer_append_text(&out, before);
		fs_buffer_append_text(&out, number);
		fs_buffer_append_text(&out, after);
	}
	fs_buffer_append_text(&out, "]");
	return load(&out);
}

/* A product would be MANY * MANY / 2 steps, and at every 1024th of them a look. */
static void
ok_few_steps(fs_json payload, fs_json predicate, bool expected, const char *name)
{
	looks = 0;
	ok(payload_matches(payload, predicate) == expected, "%s: %s", name,
	   expected ? "they match" : "they do not match");
	ok_cmp(looks, "<", 100 * (MANY / FS_STEPS_BETWEEN_LOOKS), "%s: in few steps", name);
	fs_json_document_release(payload);
	fs_json_document_release(predicate);
}

static void
test_steps_of_long_arrays(void)
{
	ok_few_steps(array_of("", "", 0, 1, MANY), array_of("", ".0", MANY - 1, -1, MANY), true,
				 "numbers in the other order");
	ok_few_steps(array_of("\"", "\"", 0, 1, MANY), array_of("\"", "\"", MANY - 1, -1, MANY), true,
				 "strings in the other order");
	ok_few_steps(array_of("", "", 0, 1, MANY), array_of("", "", MANY, -1, MANY), false,
				 "numbers, one of them missing");
	ok_few_steps(array_of("", "", 0, 1, MANY), array_of("\"", "\"", 0, 1, MANY), false,
				 "numbers and their texts");
	ok_few_steps(array_of("", "", 0, 0, MANY), array_of("", "", 0, 0, MANY), true,
				 "one number many times");
	ok_few_steps(array_of("{\"a\": ", ", \"b\": 1}", 0, 1, MANY),
				 array_of("{\"a\": ", "}", 0, 1, MANY), true, "objects in the same order");
	ok_few_steps(array_of("[", "]", 0, 1, MANY), array_of("[", "]", 1, 2, MANY / 2), true,
				 "every second of the arrays in an array");
}

static fs_event_query
query_of_predicates(fs_json *document, const char *before, const char *after, int count)
{
	fs_buffer	out = {0};
	fs_event_query query;
	fs_input_error error;
	char		number[16];

	fs_buffer_append_text(&out, "{\"filters\": [{\"payload_predicates\": [");
	for (int i = 0; i < count; i++)
	{
		(void) snprintf(number, sizeof(number), "%d", i);
		fs_buffer_append_text(&out, i > 0 ? ", " : "");
		fs_buffer_append_text(&out, before);
		fs_buffer_append_text(&out, number);
		fs_buffer_append_text(&out, after);
	}
	fs_buffer_append_text(&out, "]}]}");
	*document = load(&out);
	if (!fs_event_query_parse(*document, &query, &error))
		tap_bail_out("%s", error.message);
	return query;
}

/* The sorted scalars of one predicate serve the next one. */
static void
test_steps_of_many_predicates(void)
{
	fs_json		document;
	fs_event_query query = query_of_predicates(&document, "{\"t\": [{}, \"", "\"]}", MANY);
	fs_buffer	out = {0};
	fs_json		payload;

	fs_buffer_append_text(&out, "{\"t\": [{}");
	for (int i = 0; i < MANY; i++)
		fs_buffer_append_text(&out, ", \"x\"");
	fs_buffer_append_text(&out, "]}");
	payload = load(&out);
	looks = 0;
	ok(!query_matches(&query, "a", payload), "none of many predicates matches a long array");
	ok_cmp(looks, "<", 100 * (MANY / FS_STEPS_BETWEEN_LOOKS), "that takes few steps");
	fs_event_query_release(&query);
	fs_json_document_release(document);
	fs_json_document_release(payload);
}

/* Each time it ends at another look, until it gets to its answer. */
static void
ok_ends_anywhere(fs_json payload, fs_json predicate, const char *name)
{
	fs_completion completion = FS_INTERRUPTED;
	int			early = -1;

	for (last_look = 1; completion == FS_INTERRUPTED; last_look = last_look * 5 / 4 + 1)
	{
		fs_matching matching;
		bool		matches;

		looks = 0;
		early++;
		fs_matching_begin(&matching);
		matches = fs_payload_matches(&matching, payload, predicate);
		completion = fs_matching_end(&matching);
		if (matches != (completion == FS_COMPLETED) || looks > last_look)
			break;
	}
	last_look = INT64_MAX;
	ok_int(completion, FS_COMPLETED, "%s: it can be ended in any place", name);
	ok_cmp(early, ">", 5, "%s: it was, many times", name);
	fs_json_document_release(payload);
	fs_json_document_release(predicate);
}

static void
test_interruptions(void)
{
	ok_ends_anywhere(array_of("", "", 0, 1, MANY), array_of("", "", MANY - 1, -1, MANY), "scalars");
	ok_ends_anywhere(array_of("{\"a\": ", "}", 0, 1, 1000),
					 array_of("{\"a\": ", "}", 999, -1, 1000), "objects");
	ok_ends_anywhere(array_of("[[", "]]", 0, 1, 1000), array_of("[[", "]]", 999, -1, 1000), "arrays");
}

/* Predicates that all have one hash, and of which none is equal to another. */
static void
test_interrupted_equality(void)
{
	fs_json		document;
	fs_event_query query = query_of_predicates(&document, "[[1, ", "], [2], [1], [2, 3]]", 1);
	fs_json		other_document;
	fs_event_query other = query_of_predicates(&other_document, "[[1], [2, ", "], [1, 3], [2]]", 1);
	bool		equal = true;

	ok_int(fs_event_query_equal(&query, &other, &equal), FS_COMPLETED, "queries are compared");
	ok(!equal, "they differ");
	fs_event_query_release(&query);
	fs_event_query_release(&other);
	fs_json_document_release(document);
	fs_json_document_release(other_document);

	query = query_of_predicates(&document, "[\"", "\", {}]", 5 * FS_STEPS_BETWEEN_LOOKS);
	last_look = 3;
	looks = 0;
	ok_int(fs_event_query_equal(&query, &query, &equal), FS_INTERRUPTED,
		   "comparing queries can be ended");
	last_look = INT64_MAX;
	fs_event_query_release(&query);
	fs_json_document_release(document);
}

/* Arrays and objects in turn, so deep as payloads may be, around a value. */
static fs_json
deep_value(const char *innermost)
{
	fs_buffer	out = {0};

	for (int i = 0; i < FS_DEEPEST_NESTING / 2; i++)
		fs_buffer_append_text(&out, "[{\"a\": ");
	fs_buffer_append_text(&out, innermost);
	for (int i = 0; i < FS_DEEPEST_NESTING / 2; i++)
		fs_buffer_append_text(&out, "}]");
	return load(&out);
}

/* The findings of the thread with a small stack. */
typedef struct deep_results
{
	bool		matches;
	bool		differs;
	bool		has_scalar;
	bool		is_allowed;
	bool		fits;
	bool		equal;
} deep_results;

static void *
look_at_deep_values(void *argument)
{
	deep_results *results = argument;
	fs_json		document = deep_value("1");
	fs_json		other = deep_value("2");
	fs_new_event event = {{"a", 1}, document, false, document};
	fs_filter	filter = {.has_payload_predicates = true, .payload_predicate_count = 1,
	.payload_predicates = &document};
	fs_event_query query = {.filter_count = 1, .filters = &filter};
	uint64_t	size = 0;
	fs_input_error error;

	results->matches = payload_matches(document, document);
	results->differs = !payload_matches(document, other);
	results->has_scalar = fs_has_scalar(document);
	results->is_allowed = fs_check_nesting(document, "$", "payload", &error);
	results->fits = fs_add_to_batch(&size, &event, "$[0]", &error);
	results->equal = fs_event_query_equal(&query, &query, &results->equal) == FS_COMPLETED &&
		results->equal;
	fs_json_document_release(document);
	fs_json_document_release(other);
	return NULL;
}

static void
test_deep_values_on_a_small_stack(void)
{
	deep_results results = {0};
	size_t		stack_bytes = SMALL_STACK;
	pthread_attr_t attributes;
	pthread_t	thread;

	/* No thread on arm64 has one that small. */
	if (stack_bytes < (size_t) PTHREAD_STACK_MIN)
		stack_bytes = (size_t) PTHREAD_STACK_MIN;
	if (pthread_attr_init(&attributes) != 0 ||
		pthread_attr_setstacksize(&attributes, stack_bytes) != 0 ||
		pthread_create(&thread, &attributes, look_at_deep_values, &results) != 0 ||
		pthread_join(thread, NULL) != 0)
		tap_bail_out("no thread with a small stack");
	(void) pthread_attr_destroy(&attributes);
	ok(results.matches, "a value as deep as can be matches itself");
	ok(results.differs, "but not one that differs in its depth");
	ok(results.has_scalar, "it has a scalar");
	ok(results.is_allowed, "it is not too deep");
	ok(results.fits, "its size can be told");
	ok(results.equal, "and queries for it are compared");
}

int
main(void)
{
	test_arrays_at_random();
	test_steps_of_long_arrays();
	test_steps_of_many_predicates();
	test_interruptions();
	test_interrupted_equality();
	test_deep_values_on_a_small_stack();
	return tap_finish();
}
