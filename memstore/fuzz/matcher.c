/*
 * matcher.c
 *		Fuzz target: two JSON values, with a byte 0 between them, as payload and predicate.
 *
 * Beyond "no crash": every value matches itself; a payload that matches holds the terms that the
 * inverted index looks for; equal documents match each other.
 */
#include "fuzz.h"

#include <string.h>

#include "json_jansson.h"
#include "match/matcher.h"
#include "terms.h"

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

static void
match(json_t *payload, json_t *predicate)
{
	fs_term_list held = {0};
	fs_term_list wanted = {0};
	bool		matches = fs_payload_matches(payload, predicate);

	require(fs_payload_matches(payload, payload));
	require(fs_terms_of_value(payload, &held) && fs_terms_of_value(predicate, &wanted));
	require(!matches || holds_all(&held, &wanted));
	require(!json_equal(payload, predicate) || matches);
	require((wanted.count > 0) == fs_has_scalar(predicate));
	fs_term_list_release(&held);
	fs_term_list_release(&wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *separator = memchr(data, 0, size);
	fs_input_error error;
	json_t	   *payload;
	json_t	   *predicate;

	if (separator == NULL)
		return 0;
	payload = fs_json_document_load((const char *) data, (size_t) (separator - data), &error);
	predicate = fs_json_document_load((const char *) separator + 1,
									  size - (size_t) (separator - data) - 1, &error);
	if (payload != NULL && predicate != NULL)
		match(payload, predicate);
	json_decref(payload);
	json_decref(predicate);
	return 0;
}
