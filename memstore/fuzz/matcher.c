/*
 * matcher.c
 *		Fuzz target: two JSON values, with a byte 0 between them, as payload and predicate.
 *
 * Beyond "no crash": jansson reads the same, and finds the same equal; every value matches itself; a
 * payload that matches holds the terms that the inverted index looks for; equal documents match each
 * other.
 */
#include "fuzz.h"

#include <string.h>

#include "json/binding.h"
#include "match/matcher.h"
#include "match/nesting.h"
#include "stores/local/terms.h"

#include "../test/lib/jansson_document.h"

/* Both in order, so one walk is enough. */
static bool
holds_all(const fs_term_list *list, const fs_term_list *wanted)
{
	size_t		i = 0;

	for (size_t j = 0; j < wanted->count; j++)
	{
		while (i < list->count && fs_term_is_before(list->terms[i], wanted->terms[j]))
			i++;
		if (i == list->count || list->terms[i] != wanted->terms[j])
			return false;
	}
	return true;
}

static bool
payload_matches(fs_json payload, fs_json predicate)
{
	fs_matching matching;
	bool		matches;

	fs_matching_begin(&matching);
	matches = fs_payload_matches(&matching, payload, predicate);
	require(fs_matching_end(&matching) == FS_COMPLETED);
	return matches;
}

static void
match(fs_json payload, fs_json predicate)
{
	fs_term_list held = {0};
	fs_term_list wanted = {0};
	bool		matches = payload_matches(payload, predicate);

	require(payload_matches(payload, payload));
	require(fs_terms_of_value(payload, &held) && fs_terms_of_value(predicate, &wanted));
	require(!matches || holds_all(&held, &wanted));
	require(!fs_json_equal(payload, predicate) || matches);
	require((wanted.count > 0) == fs_has_scalar(predicate));
	fs_term_list_release(&held);
	fs_term_list_release(&wanted);
}

/* A text as both have read it; either may be NULL. */
typedef struct loaded
{
	fs_json		document;
	json_t	   *expected;
} loaded;

/* jansson takes texts that are nested deeper. */
static loaded
load(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	fs_input_error error;
	loaded		result = {
		.document = fs_json_document_load(text, size, &error),
		.expected = jansson_load(text, size)
	};

	if (result.document == NULL)
		require(result.expected == NULL || strcmp(error.expected, FS_NESTING_SHAPE) == 0);
	else
		require(result.expected != NULL && jansson_agrees(result.expected, result.document));
	return result;
}

static void
release(loaded text)
{
	fs_json_document_release(text.document);
	json_decref(text.expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *separator = memchr(data, 0, size);
	loaded		payload;
	loaded		predicate;

	if (separator == NULL)
		return 0;
	payload = load(data, (size_t) (separator - data));
	predicate = load(separator + 1, size - (size_t) (separator - data) - 1);
	if (payload.document != NULL && predicate.document != NULL)
	{
		require(fs_json_equal(payload.document, predicate.document) ==
				json_equal(payload.expected, predicate.expected));
		match(payload.document, predicate.document);
	}
	release(payload);
	release(predicate);
	return 0;
}
