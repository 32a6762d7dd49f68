/*
 * terms.c
 *		From a payload to the terms under which a fact is found.
 *
 * A term is the 64-bit FNV-1a hash of a sequence of bytes, with its bits mixed at the end:
 *
 *		an event type	e TYPE
 *		a scalar		p, the steps that lead to it, and itself
 *
 *		a step			k KEY NUL	to the value of a key; no key holds a NUL
 *						a			to an element of an array, whichever
 *
 *		itself			n DIGITS	a number, as json_document.h spells it, without the tag
 *						s BYTES		a string
 *						t, f, z		true, false and null
 *
 * So {"a": {"b": 1}} has the term of "pka\0kb\0n1e0", and {"a.b": 1} another one.  Neither byte
 * order nor word size matters.  SQLite files hold the result, so nothing of this may change within
 * a schema version.
 *
 * The hash of the steps is carried along on the way down: the time is linear in the size of the
 * document, however deep it is.
 */
#include <stdlib.h>

#include "terms.h"

#define FS_HASH_START UINT64_C(0xcbf29ce484222325)
#define FS_HASH_PRIME UINT64_C(0x00000100000001b3)

/* Up to here sorting by insertion is faster than the library's. */
#define FS_SORTED_BY_INSERTION 24

static inline uint64_t
fs_hash_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * FS_HASH_PRIME;
}

static inline uint64_t
fs_hash_text(uint64_t hash, fs_text text)
{
	for (size_t i = 0; i < text.length; i++)
		hash = fs_hash_byte(hash, (unsigned char) text.data[i]);
	return hash;
}

/* FNV-1a leaves the high bits of short texts alike; these are the last steps of MurmurHash3. */
static inline fs_term
fs_hash_finish(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash;
}

fs_term
fs_term_of_event_type(const char *event_type, size_t length)
{
	fs_text		text = {event_type, length};

	return fs_hash_finish(fs_hash_text(fs_hash_byte(FS_HASH_START, 'e'), text));
}

static fs_term
fs_term_of_scalar(uint64_t path, json_t *scalar)
{
	fs_text		text;

	switch (json_typeof(scalar))
	{
		case JSON_TRUE:
			return fs_hash_finish(fs_hash_byte(path, 't'));
		case JSON_FALSE:
			return fs_hash_finish(fs_hash_byte(path, 'f'));
		case JSON_NULL:
			return fs_hash_finish(fs_hash_byte(path, 'z'));
		default:
			/* The loader's tag is left out, and of a number that is all of it. */
			text = fs_json_string(scalar);
			path = fs_hash_byte(path, fs_json_is_number(scalar) ? 'n' : 's');
			return fs_hash_finish(fs_hash_text(path, text));
	}
}

static bool
fs_term_list_add(fs_term_list *list, fs_term term)
{
	if (list->count == list->capacity)
	{
		size_t		capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		fs_term    *terms = realloc(list->terms, capacity * sizeof(fs_term));

		if (terms == NULL)
			return false;
		list->terms = terms;
		list->capacity = capacity;
	}
	list->terms[list->count++] = term;
	return true;
}

/* Adds the terms of the scalars in a value at this path.  The loader has bounded the depth. */
static bool
fs_collect_terms(uint64_t path, json_t *value, fs_term_list *list)
{
	fs_json_iterator children;
	fs_text		key;
	json_t	   *child;

	if (json_is_object(value))
	{
		uint64_t	object = fs_hash_byte(path, 'k');

		fs_json_iterate(value, &children);
		while (fs_json_next_member(&children, &key, &child))
		{
			if (!fs_collect_terms(fs_hash_byte(fs_hash_text(object, key), '\0'), child, list))
				return false;
		}
		return true;
	}
	if (json_is_array(value))
	{
		uint64_t	array = fs_hash_byte(path, 'a');

		fs_json_iterate(value, &children);
		while (fs_json_next_element(&children, &child))
		{
			if (!fs_collect_terms(array, child, list))
				return false;
		}
		return true;
	}
	return fs_term_list_add(list, fs_term_of_scalar(path, value));
}

static int
fs_compare_terms(const void *a, const void *b)
{
	fs_term		left = *(const fs_term *) a;
	fs_term		right = *(const fs_term *) b;

	return fs_term_is_before(right, left) - fs_term_is_before(left, right);
}

static void
fs_sort_terms(fs_term *terms, size_t count)
{
	if (count > FS_SORTED_BY_INSERTION)
	{
		qsort(terms, count, sizeof(fs_term), fs_compare_terms);
		return;
	}
	for (size_t i = 1; i < count; i++)
	{
		fs_term		term = terms[i];
		size_t		place = i;

		for (; place > 0 && fs_term_is_before(term, terms[place - 1]); place--)
			terms[place] = terms[place - 1];
		terms[place] = term;
	}
}

static void
fs_remove_repetitions(fs_term_list *list)
{
	size_t		kept = 0;

	fs_sort_terms(list->terms, list->count);
	for (size_t i = 0; i < list->count; i++)
	{
		if (kept == 0 || list->terms[kept - 1] != list->terms[i])
			list->terms[kept++] = list->terms[i];
	}
	list->count = kept;
}

bool
fs_terms_of_value(json_t *value, fs_term_list *list)
{
	list->count = 0;
	if (!fs_collect_terms(fs_hash_byte(FS_HASH_START, 'p'), value, list))
		return false;
	fs_remove_repetitions(list);
	return true;
}

bool
fs_terms_of_fact(const char *event_type, json_t *payload, fs_term_list *list)
{
	list->count = 0;
	if (!fs_term_list_add(list, fs_term_of_event_type(event_type, strlen(event_type))) ||
		!fs_collect_terms(fs_hash_byte(FS_HASH_START, 'p'), payload, list))
		return false;
	fs_remove_repetitions(list);
	return true;
}

void
fs_term_list_release(fs_term_list *list)
{
	free(list->terms);
	*list = (fs_term_list) {0};
}
