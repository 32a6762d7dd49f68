/*
 * base/json_string.h
 *		Reads a string of JSON.
 */
#ifndef FACTSTR_BASE_JSON_STRING_H
#define FACTSTR_BASE_JSON_STRING_H

#include "base/buffer.h"
#include "match/json_value.h"

/* Begins after the first quote of a string; afterwards, next is after its last one. */
typedef struct fs_string_reader
{
	const char *next;			/* after a failure: at the offending byte */
	const char *end;
	const char *problem;		/* after a failure; NULL: there was no memory */
} fs_string_reader;

/*
 * Reads one string.  Without escapes it is a part of the JSON text; otherwise its decoded text is added to out, and
 * text->data is NULL.  False if it is not a string in UTF-8.
 */
bool		fs_read_string(fs_string_reader *reader, fs_buffer *out, fs_text *text);

/*
 * A string with its quotes, and nothing else, as a new text for free.  NULL if it is not one, or if there is no
 * memory.
 */
char	   *fs_decode_string(fs_text string);

#endif							/* FACTSTR_BASE_JSON_STRING_H */
