/*
 * match/json_value.h
 *		The interface through which the shared matching code reads JSON values.
 *
 * The event query, the new events and the matcher are written once, against the small interface
 * described here, and compiled once per JSON representation: over jsonb in the server
 * (json_jsonb.h), over the documents of libfactstr in the library.  A binding is a header of static
 * inline functions, so the compiler sees through it and nothing is paid for the sharing.
 *
 * A binding is included first and defines:
 *
 *	fs_json						a value, passed by value; it borrows from the document it came from
 *	fs_json_iterator			the state of one walk over an array or an object
 *
 *	fs_json_kind fs_json_kind_of(fs_json value)
 *	int fs_json_scalar_compare(fs_json a, fs_json b)
 *		Both scalars of one kind: any total order in which 0 means equal.
 *		Numbers are equal by value, exactly; strings byte by byte.
 *	fs_text fs_json_string(fs_json string)
 *	fs_int64_result fs_json_int64(fs_json number, int64_t *result)
 *	fs_text fs_json_number_text(fs_json number)
 *		The same text for equal numbers, and in every binding: digits that neither begin nor end with
 *		a zero, and a power of ten unless it is 0, such as -12e-1.  It lives as long as the document,
 *		or as the memory context in which it was asked for.
 *	bool fs_json_boolean(fs_json boolean)
 *	size_t fs_json_count(fs_json array_or_object)
 *	bool fs_json_object_get(fs_json object, fs_text key, fs_json *value)
 *	bool fs_json_is_same(fs_json a, fs_json b)
 *		Both arrays: the same place in the same document, not merely equal.
 *	void fs_json_iterate(fs_json array_or_object, fs_json_iterator *iterator)
 *	bool fs_json_next_element(fs_json_iterator *iterator, fs_json *element)
 *	bool fs_json_next_member(fs_json_iterator *iterator, fs_text *key, fs_json *value)
 *	size_t fs_json_number_length(fs_json number)
 *		Of its digits when it is written without an exponent, with sign and point.
 *	bool fs_json_may_nest(fs_json array_or_object, size_t levels)
 *		False if it is too small to be nested so deep; a binding that cannot tell says true.
 *	uint64_t fs_json_scalar_hash(fs_json scalar)
 *		Of null, a boolean or a number, as it is itself and not as it is written.
 *	void fs_check_interrupts(void)
 *		Called in every loop whose length the input decides: where a cancel is an error that is
 *		raised, it comes through here.
 *	bool fs_interrupted(void)
 *		Called now and then by code that can take longer than reading its input.  True if the call
 *		must end; matching then ends with FS_INTERRUPTED.  A binding that raises cancels raises them here.
 *	void *fs_allocate(size_t size), void fs_release(void *memory)
 *		fs_allocate may return NULL; fs_release(NULL) is harmless.
 *
 * Member order is the binding's own; no code here may depend on it.  Nothing here calls itself: the
 * stack needed does not depend on how deep a document is nested.
 */
#ifndef FACTSTR_JSON_VALUE_H
#define FACTSTR_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum fs_json_kind
{
	FS_JSON_NULL,
	FS_JSON_BOOLEAN,
	FS_JSON_NUMBER,
	FS_JSON_STRING,
	FS_JSON_ARRAY,
	FS_JSON_OBJECT
} fs_json_kind;

/* Text in the document's memory; not NUL-terminated. */
typedef struct fs_text
{
	const char *data;
	size_t		length;
} fs_text;

typedef enum fs_int64_result
{
	FS_INT64_OK,
	FS_INT64_NOT_AN_INTEGER,
	FS_INT64_OUT_OF_RANGE
} fs_int64_result;

/* Has a question been answered?  Where errors are raised, it has if anything is returned. */
typedef enum fs_completion
{
	FS_COMPLETED,
	FS_INTERRUPTED,				/* the call is to end */
	FS_NO_MEMORY
} fs_completion;

static inline const char *
fs_json_kind_name(fs_json_kind kind)
{
	switch (kind)
	{
		case FS_JSON_NULL:
			return "null";
		case FS_JSON_BOOLEAN:
			return "a boolean";
		case FS_JSON_NUMBER:
			return "a number";
		case FS_JSON_STRING:
			return "a string";
		case FS_JSON_ARRAY:
			return "an array";
		case FS_JSON_OBJECT:
			return "an object";
	}
	return "an unknown value";
}

static inline bool
fs_json_is_container(fs_json_kind kind)
{
	return kind == FS_JSON_OBJECT || kind == FS_JSON_ARRAY;
}

static inline bool
fs_text_is(fs_text found, const char *literal)
{
	size_t		i = 0;

	while (i < found.length && literal[i] != '\0' && literal[i] == found.data[i])
		i++;
	return i == found.length && literal[i] == '\0';
}

/* An order of texts, in which the short ones come first. */
static inline int
fs_text_compare(fs_text a, fs_text b)
{
	if (a.length != b.length)
		return a.length < b.length ? -1 : 1;
	return memcmp(a.data, b.data, a.length);
}

/* FNV-1a, of bytes that follow others. */
static inline uint64_t
fs_hash_more_bytes(uint64_t hash, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) data[i]) * UINT64_C(0x100000001B3);
	return hash;
}

static inline uint64_t
fs_hash_bytes(const char *data, size_t length)
{
	return fs_hash_more_bytes(UINT64_C(0xCBF29CE484222325), data, length);
}

/* Every bit of the result depends on every bit given. */
static inline uint64_t
fs_hash_mix(uint64_t hash)
{
	hash = (hash ^ (hash >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94D049BB133111EB);
	return hash ^ (hash >> 31);
}

#endif							/* FACTSTR_JSON_VALUE_H */
