/*
 * stores/local/terms.c
 *		From a payload to the terms under which a fact is found.
 *
 * A term is the 64-bit FNV-1a hash of a sequence of bytes, with its bits mixed at the end:
 *
 *		an event type	e TYPE
 *		a scalar		p, the steps that lead to it, and itself
 *
 *		a step			k KEY NUL	to the value of a key; no key holds a NUL
 *						a			to any element of an array
 *
 *		itself			n DIGITS	a number, as base/json_number.h spells it
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

#include "base/buffer.h"
#include "json/binding.h"
#include "match/tree_walk.h"
#include "stores/local/sort.h"
#include "stores/local/terms.h"

#define FS_HASH_START UINT64_C(0xcbf29ce484222325)
#define FS_HASH_PRIME UINT64_C(0x00000100000001b3)

/* So many terms of one fact are looked through for repetitions before they get more room. */
#define FS_MANY_TERMS 1024

#define FS_USUAL_TERMS 8

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
fs_term_of_event_type(fs_text event_type)
{
	return fs_hash_finish(fs_hash_text(fs_hash_byte(FS_HASH_START, 'e'), event_type));
}

static fs_term
fs_term_of_scalar(uint64_t path, fs_json scalar, fs_json_kind kind)
{
	fs_text		text;

	if (kind == FS_JSON_NULL)
		return fs_hash_finish(fs_hash_byte(path, 'z'));
	if (kind == FS_JSON_BOOLEAN)
		return fs_hash_finish(fs_hash_byte(path, fs_json_boolean(scalar) ? 't' : 'f'));
	text = fs_json_text_of(scalar);
	path = fs_hash_text(fs_hash_byte(path, kind == FS_JSON_NUMBER ? 'n' : 's'), text);

	/* A document leaves out the exponent 0. */
	if (kind == FS_JSON_NUMBER && memchr(text.data, 'e', text.length) == NULL)
		path = fs_hash_byte(fs_hash_byte(path, 'e'), '0');
	return fs_hash_finish(path);
}

bool
fs_term_list_reserve(fs_term_list *list, size_t more)
{
	size_t		bytes;
	fs_term    *terms;

	if (more <= list->capacity - list->count)
		return true;
	if (more > SIZE_MAX / 4 / sizeof(fs_term) - list->count)
		return false;
	bytes = fs_grown_capacity((list->count + more) * sizeof(fs_term));
	terms = realloc(list->terms, bytes);
	if (terms == NULL)
		return false;
	list->terms = terms;
	list->capacity = bytes / sizeof(fs_term);
	return true;
}

/* Puts the terms from this one on in order, each once. */
static void
fs_sort_terms(fs_term_list *list, size_t first)
{
	size_t		kept = first;

	if (list->count == first)
		return;
	fs_sort_words(list->terms + first, list->count - first, 1);
	for (size_t i = first; i < list->count; i++)
	{
		if (kept == first || list->terms[kept - 1] != list->terms[i])
			list->terms[kept++] = list->terms[i];
	}
	list->count = kept;
}

/* Adds to those from first on.  A payload may repeat itself very often: that needs no room. */
static bool
fs_term_list_add(fs_term_list *list, size_t first, fs_term term)
{
	if (list->count == list->capacity)
	{
		if (list->count - first >= FS_MANY_TERMS)
			fs_sort_terms(list, first);
		if (list->count - first >= (list->capacity - first) / 8 * 7 &&
			!fs_term_list_reserve(list, list->capacity - list->count + FS_USUAL_TERMS))
			return false;
	}
	list->terms[list->count++] = term;
	return true;
}

/* The path of the value where the walk is. */
static uint64_t
fs_path_of_value(fs_tree_walk *walk, fs_text key)
{
	const fs_tree_level *level;

	if (walk->depth == 0)
		return fs_hash_byte(FS_HASH_START, 'p');
	level = fs_tree_walk_level(walk);
	return level->is_object ? fs_hash_byte(fs_hash_text(level->path, key), '\0') : level->path;
}

/* Adds the terms of the scalars in a payload. */
static bool
fs_collect_terms(fs_term_list *list, size_t first, fs_json value)
{
	fs_tree_walk walk;
	fs_text		key = {NULL, 0};
	bool		has_room = true;

	fs_tree_walk_begin(&walk);
	do
	{
		fs_json_kind kind = fs_json_kind_of(value);
		uint64_t	path = fs_path_of_value(&walk, key);

		if (!fs_json_is_container(kind))
			has_room = fs_term_list_add(list, first, fs_term_of_scalar(path, value, kind));
		else if (fs_tree_walk_enter(&walk, value))
			fs_tree_walk_level(&walk)->path = fs_hash_byte(path, kind == FS_JSON_OBJECT ? 'k' : 'a');
	}
	while (has_room && fs_tree_walk_next(&walk, &key, &value));
	fs_tree_walk_end(&walk);
	return has_room && !walk.no_memory;
}

bool
fs_terms_add_fact(fs_term_list *list, fs_text event_type, fs_json payload)
{
	size_t		first = list->count;

	if (!fs_term_list_add(list, first, fs_term_of_event_type(event_type)) ||
		!fs_collect_terms(list, first, payload))
		return false;
	fs_sort_terms(list, first);
	return true;
}

bool
fs_terms_of_value(fs_json value, fs_term_list *list)
{
	list->count = 0;
	if (!fs_collect_terms(list, 0, value))
		return false;
	fs_sort_terms(list, 0);
	return true;
}

void
fs_term_list_release(fs_term_list *list)
{
	free(list->terms);
	*list = (fs_term_list) {0};
}
