/*
 * json_jansson.h
 *		The binding of the shared matching code to jansson, for libfactstr.
 *
 * It reads documents made by fs_json_document_load and no others: a number is a tagged string there
 * (json_document.h says how), so that it is compared exactly and found at no cost.
 */
#ifndef FACTSTR_JSON_JANSSON_H
#define FACTSTR_JSON_JANSSON_H

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "match/json_value.h"

#include "json_document.h"

#if JANSSON_VERSION_HEX < 0x020e00
#error "jansson 2.14 or later is needed: json_object_getn, json_object_iter_key_len"
#endif

/* Borrowed from its document; never changed, but jansson's iterators do not take a const. */
typedef json_t *fs_json;

typedef struct fs_json_iterator
{
	json_t	   *container;
	size_t		index;			/* of the next element; arrays only */
	void	   *member;			/* the next member, or NULL; objects only */
} fs_json_iterator;

static inline bool
fs_json_is_tagged(const json_t *string)
{
	return json_string_value(string)[0] == FS_JSON_TAG;
}

/* Behind the tag comes a second one in a string, and a digit or a sign in a number. */
static inline bool
fs_json_is_number(const json_t *string)
{
	return fs_json_is_tagged(string) && json_string_value(string)[1] != FS_JSON_TAG;
}

static inline fs_json_kind
fs_json_kind_of(fs_json value)
{
	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			return FS_JSON_OBJECT;
		case JSON_ARRAY:
			return FS_JSON_ARRAY;
		case JSON_STRING:
			return fs_json_is_number(value) ? FS_JSON_NUMBER : FS_JSON_STRING;
		case JSON_TRUE:
		case JSON_FALSE:
			return FS_JSON_BOOLEAN;
		case JSON_NULL:
			return FS_JSON_NULL;
		case JSON_INTEGER:
		case JSON_REAL:
			break;
	}
	abort();					/* not a document of fs_json_document_load */
}

static inline size_t
fs_json_count(fs_json array_or_object)
{
	return json_is_object(array_or_object) ? json_object_size(array_or_object) :
		json_array_size(array_or_object);
}

static inline void
fs_json_iterate(fs_json array_or_object, fs_json_iterator *iterator)
{
	iterator->container = array_or_object;
	iterator->index = 0;
	iterator->member = json_object_iter(array_or_object);	/* NULL for an array */
}

static inline bool
fs_json_next_element(fs_json_iterator *iterator, fs_json *element)
{
	if (iterator->index >= json_array_size(iterator->container))
		return false;
	*element = json_array_get(iterator->container, iterator->index++);
	return true;
}

static inline bool
fs_json_next_member(fs_json_iterator *iterator, fs_text *key, fs_json *value)
{
	if (iterator->member == NULL)
		return false;
	key->data = json_object_iter_key(iterator->member);
	key->length = json_object_iter_key_len(iterator->member);
	*value = json_object_iter_value(iterator->member);
	iterator->member = json_object_iter_next(iterator->container, iterator->member);
	return true;
}

static inline bool
fs_json_object_get(fs_json object, fs_text key, fs_json *value)
{
	*value = json_object_getn(object, key.data, key.length);
	return *value != NULL;
}

static inline fs_text
fs_json_string(fs_json string)
{
	size_t		tag = fs_json_is_tagged(string) ? 1 : 0;
	fs_text		text;

	text.data = json_string_value(string) + tag;
	text.length = json_string_length(string) - tag;
	return text;
}

/* Strings and numbers alike: the caller has made sure that both are of one kind. */
static inline bool
fs_json_scalar_equal(fs_json a, fs_json b)
{
	if (!json_is_string(a))
		return json_typeof(a) == json_typeof(b);
	return json_string_length(a) == json_string_length(b) &&
		memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
}

/* Canonical digits end in no zero, so a number is an integer if its exponent is not negative. */
static inline fs_int64_result
fs_json_int64(fs_json number, int64_t *result)
{
	const char *digits = json_string_value(number) + 1;
	bool		negative = *digits == '-';
	uint64_t	limit = (uint64_t) INT64_MAX + (negative ? 1 : 0);
	uint64_t	magnitude = 0;
	size_t		count;
	long		exponent;

	if (negative)
		digits++;
	count = strcspn(digits, "e");
	exponent = strtol(digits + count + 1, NULL, 10);	/* 32 bits, the loader has seen to it */
	if (exponent < 0)
		return FS_INT64_NOT_AN_INTEGER;
	if (count > 19 || (size_t) exponent > 19 - count)
		return FS_INT64_OUT_OF_RANGE;

	/* 19 digits always fit into an unsigned 64-bit integer. */
	for (size_t i = 0; i < count + (size_t) exponent; i++)
		magnitude = magnitude * 10 + (i < count ? (uint64_t) (digits[i] - '0') : 0);
	if (magnitude > limit)
		return FS_INT64_OUT_OF_RANGE;
	*result = negative ? -(int64_t) (magnitude - 1) - 1 : (int64_t) magnitude;
	return FS_INT64_OK;
}

/* Nothing to do: jansson has refused documents nested beyond 2048 levels. */
static inline void
fs_check_recursion(void)
{
}

static inline void *
fs_allocate(size_t size)
{
	return malloc(size);
}

static inline void
fs_release(void *memory)
{
	free(memory);
}

#endif							/* FACTSTR_JSON_JANSSON_H */
