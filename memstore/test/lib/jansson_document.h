/*
 * lib/jansson_document.h
 *		The same JSON text as jansson reads it, to compare the library's documents with.
 */
#ifndef FACTSTR_TEST_JANSSON_DOCUMENT_H
#define FACTSTR_TEST_JANSSON_DOCUMENT_H

#include <jansson.h>

#include "json/binding.h"

/*
 * A new reference, or NULL if jansson refuses the text.  jansson does not keep all numbers exactly,
 * so it gets each as a string: a tag, and the number's canonical form.
 */
json_t	   *jansson_load(const char *text, size_t length);

/* Is the value equal to jansson's? */
bool		jansson_agrees(const json_t *expected, fs_json value);

#endif							/* FACTSTR_TEST_JANSSON_DOCUMENT_H */
