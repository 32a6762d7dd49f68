/*
 * json_value.h
 *		What the shared matching code needs to know of a JSON value.
 *
 * The event query, the new events and the matcher are written once, against the small interface
 * described here, and compiled once per JSON representation: over jsonb in the server
 * (json_jsonb.h), over jansson in libfactstr.  A binding is a header of static inline functions, so
 * the compiler sees through it and nothing is paid for the sharing.
 *
 * A binding is included first and defines:
 *
 *	fs_json						a value, passed by value; it borrows from the document it came from
 *	fs_json_iterator			the state of one walk over an array or an object
 *
 *	fs_json_kind fs_json_kind_of(fs_json value)
 *	bool fs_json_scalar_equal(fs_json a, fs_json b)
 *		Both scalars of one kind.  Numbers are equal by value, exactly; strings byte by byte.
 *	fs_text fs_json_string(fs_json string)
 *	fs_int64_result fs_json_int64(fs_json number, int64_t *result)
 *	size_t fs_json_count(fs_json array_or_object)
 *	bool fs_json_object_get(fs_json object, fs_text key, fs_json *value)
 *	void fs_json_iterate(fs_json array_or_object, fs_json_iterator *iterator)
 *	bool fs_json_next_element(fs_json_iterator *iterator, fs_json *element)
 *	bool fs_json_next_member(fs_json_iterator *iterator, fs_text *key, fs_json *value)
 *	void fs_check_recursion(void)
 *		Called once per level and pair of values: guards the stack, lets a cancel through.
 *	void *fs_allocate(size_t size), void fs_release(void *memory)
 *		fs_allocate may return NULL; fs_release(NULL) is harmless.
 *
 * Member order is the binding's own; no code here may depend on it.
 */
#ifndef FACTSTR_JSON_VALUE_H
#define FACTSTR_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
fs_text_is(fs_text found, const char *literal)
{
	size_t		i = 0;

	while (i < found.length && literal[i] != '\0' && literal[i] == found.data[i])
		i++;
	return i == found.length && literal[i] == '\0';
}

#endif							/* FACTSTR_JSON_VALUE_H */
