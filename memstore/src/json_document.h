/*
 * json_document.h
 *		From JSON text to a jansson document that keeps every number exactly.
 *
 * jansson turns 0.1 into a double and refuses integers beyond 64 bits.  Facts are compared by
 * value, exactly, so the loader gives jansson each number as a tagged string, spelt canonically:
 *
 *		1, 1.0, 10e-1	"\u00011e0"
 *		-0.250			"\u0001-25e-2"
 *		0, -0.0, 0e7	"\u00010e0"
 *
 * Two numbers are equal if, and only if, these strings are.  A string value that begins with the
 * tag gets a second tag in front, so it is never taken for a number; keys are left as they are.
 * All this is between the loader and the binding, json_jansson.h.  Everyone else reads a document
 * through the binding, and never calls json_typeof or json_string_value on it.
 */
#ifndef FACTSTR_JSON_DOCUMENT_H
#define FACTSTR_JSON_DOCUMENT_H

#include <jansson.h>

#include "match/input_error.h"

/*
 * JSON text has only one way to spell U+0001 in a string: raw control characters are forbidden,
 * and the escape has neither a short form nor a letter among its digits.
 */
#define FS_JSON_TAG '\001'
#define FS_JSON_TAG_ESCAPE "\\u0001"

/*
 * Parses length bytes of UTF-8 JSON text; any value may stand at the root, and of duplicate keys
 * the last one counts.  Returns a new reference, or NULL with *error filled: its path then is the
 * line and column in the text, at or just before what offends.  Refused, beyond what is not JSON:
 * \u0000, which jansson does not keep; nesting beyond 2048 levels; a number whose canonical
 * exponent exceeds 32 bits.
 */
json_t	   *fs_json_document_load(const char *text, size_t length, fs_input_error *error);

/* The same by the longer of its two ways, for tests. */
json_t	   *fs_json_document_rewrite(const char *text, size_t length, fs_input_error *error);

#endif							/* FACTSTR_JSON_DOCUMENT_H */
