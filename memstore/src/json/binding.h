/*
 * json/binding.h
 *		The binding of the shared matching code to documents, for libfactstr.
 */
#ifndef FACTSTR_JSON_BINDING_H
#define FACTSTR_JSON_BINDING_H

#include <stdlib.h>
#include <string.h>

#include "match/json_value.h"

#include "base/current_call.h"
#include "json/document.h"

typedef struct fs_json_iterator
{
	fs_json		next;			/* an element, or a key */
	size_t		left;
} fs_json_iterator;

static inline fs_json_kind
fs_json_kind_of(fs_json value)
{
	return (fs_json_kind) (*value & FS_JSON_KIND_MASK);
}

static inline size_t
fs_json_count(fs_json array_or_object)
{
	return fs_json_content_of(array_or_object).count;
}

static inline bool
fs_json_is_same(fs_json a, fs_json b)
{
	return a == b;
}

static inline void
fs_json_iterate(fs_json array_or_object, fs_json_iterator *iterator)
{
	fs_json_content content = fs_json_content_of(array_or_object);

	iterator->next = content.first;
	iterator->left = content.count;
}

static inline bool
fs_json_next_element(fs_json_iterator *iterator, fs_json *element)
{
	if (iterator->left == 0)
		return false;
	iterator->left--;
	*element = iterator->next;
	iterator->next = fs_json_behind(iterator->next);
	return true;
}

static inline bool
fs_json_next_member(fs_json_iterator *iterator, fs_text *key, fs_json *value)
{
	if (iterator->left == 0)
		return false;
	iterator->left--;
	*key = fs_json_text_of(iterator->next);
	*value = (fs_json) key->data + key->length;
	iterator->next = fs_json_behind(*value);
	return true;
}

/* Passes by the members that the index of a large object shows to be before the key. */
static inline void
fs_json_skip_members(fs_json object, fs_text key, fs_json_iterator *members)
{
	fs_json_content content = fs_json_content_of(object);
	const unsigned char *index;
	size_t		low = 0;
	size_t		high;

	if (*object >> FS_JSON_KIND_BITS != FS_JSON_LARGE)
		return;
	high = (content.count - 1) / FS_JSON_MEMBERS_PER_ENTRY;
	index = content.first + content.size - high * sizeof(uint64_t);
	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;
		fs_json		member = content.first + fs_json_read_integer(index + middle * sizeof(uint64_t));

		if (fs_text_compare(fs_json_text_of(member), key) <= 0)
		{
			members->next = member;
			low = middle + 1;
		}
		else
			high = middle;
	}
	members->left -= low * FS_JSON_MEMBERS_PER_ENTRY;
}

static inline bool
fs_json_object_get(fs_json object, fs_text key, fs_json *value)
{
	fs_json_iterator members;
	fs_text		found;

	fs_json_iterate(object, &members);
	fs_json_skip_members(object, key, &members);
	while (fs_json_next_member(&members, &found, value))
	{
		int			order = fs_text_compare(found, key);

		if (order >= 0)
			return order == 0;
	}
	return false;
}

static inline bool
fs_json_boolean(fs_json boolean)
{
	return *boolean >> FS_JSON_KIND_BITS == 1;
}

static inline fs_text
fs_json_string(fs_json string)
{
	return fs_json_text_of(string);
}

/* Null and booleans consist of their head. */
static inline int
fs_json_scalar_compare(fs_json a, fs_json b)
{
	fs_json_kind kind = fs_json_kind_of(a);

	if (kind != FS_JSON_NUMBER && kind != FS_JSON_STRING)
		return (int) *a - (int) *b;
	return fs_text_compare(fs_json_text_of(a), fs_json_text_of(b));
}

/* The digits of a number and its exponent, which is 0 if it is not written. */
typedef struct fs_json_digits
{
	bool		negative;
	fs_text		digits;
	long		exponent;		/* of 32 bits, the reader has seen to it */
} fs_json_digits;

static inline fs_json_digits
fs_json_digits_of(fs_json number)
{
	fs_text		text = fs_json_text_of(number);
	fs_json_digits result = {.negative = text.data[0] == '-'};
	const char *end = text.data + text.length;
	const char *c = text.data + (result.negative ? 1 : 0);
	bool		is_small = false;

	result.digits.data = c;
	while (c < end && *c != 'e')
		c++;
	result.digits.length = (size_t) (c - result.digits.data);
	if (c < end)
		c++;
	if (c < end && *c == '-')
	{
		is_small = true;
		c++;
	}
	for (; c < end; c++)
		result.exponent = result.exponent * 10 + (*c - '0');
	if (is_small)
		result.exponent = -result.exponent;
	return result;
}

/* Canonical digits end in no zero, so a number is an integer if its exponent is not negative. */
static inline fs_int64_result
fs_json_int64(fs_json number, int64_t *result)
{
	fs_json_digits spelt = fs_json_digits_of(number);
	size_t		count = spelt.digits.length;
	size_t		exponent = (size_t) spelt.exponent;
	uint64_t	limit = (uint64_t) INT64_MAX + (spelt.negative ? 1 : 0);
	uint64_t	magnitude = 0;

	if (spelt.exponent < 0)
		return FS_INT64_NOT_AN_INTEGER;
	if (count > 19 || exponent > 19 - count)
		return FS_INT64_OUT_OF_RANGE;

	/* 19 digits always fit into an unsigned 64-bit integer. */
	for (size_t i = 0; i < count + exponent; i++)
		magnitude = magnitude * 10 + (i < count ? (uint64_t) (spelt.digits.data[i] - '0') : 0);
	if (magnitude > limit)
		return FS_INT64_OUT_OF_RANGE;
	*result = spelt.negative ? -(int64_t) (magnitude - 1) - 1 : (int64_t) magnitude;
	return FS_INT64_OK;
}

static inline fs_text
fs_json_number_text(fs_json number)
{
	return fs_json_text_of(number);
}

static inline size_t
fs_json_number_length(fs_json number)
{
	fs_json_digits spelt = fs_json_digits_of(number);
	size_t		sign = spelt.negative ? 1 : 0;
	size_t		count = spelt.digits.length;

	if (spelt.exponent >= 0)
		return sign + count + (size_t) spelt.exponent;
	if (count > (size_t) -spelt.exponent)
		return sign + count + 1;
	return sign + 2 + (size_t) -spelt.exponent;
}

/* Each level but the last takes more than a byte, so a smaller value is not nested so deep. */
static inline bool
fs_json_may_nest(fs_json array_or_object, size_t levels)
{
	return fs_json_content_of(array_or_object).size >= levels;
}

/* Equal values have the same bytes. */
static inline uint64_t
fs_json_scalar_hash(fs_json scalar)
{
	return fs_hash_bytes((const char *) scalar, (size_t) (fs_json_behind(scalar) - scalar));
}

/* Nothing is raised here. */
static inline void
fs_check_interrupts(void)
{
}

static inline bool
fs_interrupted(void)
{
	return fs_current_call_state() != FS_CALL_GOES_ON;
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

#endif							/* FACTSTR_JSON_BINDING_H */
