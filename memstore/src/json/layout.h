/*
 * json/layout.h
 *		The layout of JSON documents in memory.
 *
 * A document is one piece of memory, without pointers, and about as large as its text.  A value in it is
 * a head and a body, whose form depends on the head:
 *
 *		null, a boolean		nothing
 *		a number, a string	its text
 *		an array			its elements
 *		an object			its members, each a key, which is a string, and a value
 *
 * Equal values have equal bytes.  Numbers are spelt canonically: 1, 1.0 and 10e-1 are 1, -0.250 is
 * -25e-2, and 0, -0.0 and 0e7 are 0.  The members of an object are in order of their keys, each key
 * once: of duplicates the last one counts.  The form of a head follows from its body.
 *
 * The first byte of a head has the kind in its low bits, and above them
 *
 *		of a boolean			0 or 1
 *		of a number, a string	the length of its text, if that is below FS_JSON_LONG; otherwise
 *								that, and the length in the next bytes, seven bits in each
 *		of an array, an object	FS_JSON_EMPTY; FS_JSON_SMALL, then size and count in a byte each; or
 *								FS_JSON_LARGE, then both in eight bytes
 *
 * where size is in bytes and count in elements or members.  A large object ends with an index of
 * its members: the offset of every 16th one but the first, in eight bytes each.
 */
#ifndef FACTSTR_JSON_LAYOUT_H
#define FACTSTR_JSON_LAYOUT_H

#include "match/json_value.h"

/* A value: where its head is in the document. */
typedef const unsigned char *fs_json;

#define FS_JSON_KIND_BITS 3
#define FS_JSON_KIND_MASK 7
#define FS_JSON_LONG 31

enum
{
	FS_JSON_EMPTY,
	FS_JSON_SMALL,
	FS_JSON_LARGE
};

#define FS_JSON_SMALL_HEAD 3
#define FS_JSON_LARGE_HEAD 17
#define FS_JSON_LARGEST_SMALL 255

#define FS_JSON_MEMBERS_PER_ENTRY 16

/* The parts of an array or object. */
typedef struct fs_json_content
{
	const unsigned char *first;	/* the head of the first element, or of the first key */
	size_t		size;
	size_t		count;
} fs_json_content;

static inline uint64_t
fs_json_read_integer(const unsigned char *bytes)
{
	uint64_t	integer;

	memcpy(&integer, bytes, sizeof(integer));
	return integer;
}

/* The text of a number, a string or a key. */
static inline fs_text
fs_json_text_of(fs_json value)
{
	size_t		length = *value++ >> FS_JSON_KIND_BITS;

	if (length == FS_JSON_LONG)
	{
		int			shift = 0;

		length = 0;
		do
		{
			length |= (size_t) (*value & 0x7F) << shift;
			shift += 7;
		}
		while (*value++ >= 0x80);
	}
	return (fs_text) {(const char *) value, length};
}

static inline fs_json_content
fs_json_content_of(fs_json array_or_object)
{
	switch (*array_or_object >> FS_JSON_KIND_BITS)
	{
		case FS_JSON_EMPTY:
			return (fs_json_content) {array_or_object + 1, 0, 0};
		case FS_JSON_SMALL:
			return (fs_json_content) {array_or_object + FS_JSON_SMALL_HEAD, array_or_object[1],
				array_or_object[2]};
		default:
			return (fs_json_content) {array_or_object + FS_JSON_LARGE_HEAD,
				(size_t) fs_json_read_integer(array_or_object + 1),
				(size_t) fs_json_read_integer(array_or_object + 9)};
	}
}

/* The start of the next value, if there is one. */
static inline fs_json
fs_json_behind(fs_json value)
{
	fs_json_content content;
	fs_text		text;

	switch (*value & FS_JSON_KIND_MASK)
	{
		case FS_JSON_ARRAY:
		case FS_JSON_OBJECT:
			content = fs_json_content_of(value);
			return content.first + content.size;
		case FS_JSON_NUMBER:
		case FS_JSON_STRING:
			text = fs_json_text_of(value);
			return (fs_json) text.data + text.length;
		default:
			return value + 1;
	}
}

/* Are they equal as JSON values, numbers by value? */
static inline bool
fs_json_equal(fs_json a, fs_json b)
{
	size_t		size = (size_t) (fs_json_behind(a) - a);

	return size == (size_t) (fs_json_behind(b) - b) && memcmp(a, b, size) == 0;
}

#endif							/* FACTSTR_JSON_LAYOUT_H */
