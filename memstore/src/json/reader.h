/*
 * json/reader.h
 *		From JSON text to a document, without words for where something is.
 */
#ifndef FACTSTR_JSON_READER_H
#define FACTSTR_JSON_READER_H

#include "base/buffer.h"
#include "json/layout.h"

/* The error of a text. */
typedef struct fs_json_problem
{
	const char *place;			/* in the text; NULL: nothing, there was no memory */
	const char *message;
	const char *expected;
} fs_json_problem;

/* A new document, or NULL with *problem filled. */
fs_json		fs_json_read(const char *text, size_t length, fs_json_problem *problem);

/*
 * Shared by reader.c and scalars.c.  Their functions return false if the text has an error, in which case
 * the problem has a place, or if there is no memory.
 */
#define FS_JSON_SHAPE "A document is one JSON value in UTF-8 (RFC 8259)."

typedef struct fs_reader
{
	const char *next;			/* not read yet */
	const char *end;
	fs_buffer	document;
	fs_buffer	frames;			/* see reader.c */
	size_t		depth;
	fs_json_problem *problem;
} fs_reader;

static inline bool
fs_reader_refuse(fs_reader *reader, const char *place, const char *expected, const char *message)
{
	*reader->problem = (fs_json_problem) {place, message, expected};
	return false;
}

/* Leaves room for a head that is not known. */
static inline bool
fs_reader_leave_room(fs_reader *reader, size_t room)
{
	if (!fs_buffer_reserve(&reader->document, room))
		return false;
	reader->document.length += room;
	return true;
}

/* A string, or a key, from behind its first quote. */
bool		fs_reader_take_text(fs_reader *reader);

/* A token that begins with a digit or a sign. */
bool		fs_reader_take_number(fs_reader *reader);

/* A token that begins with a letter, and must be this literal; more is the value in its head. */
bool		fs_reader_take_literal(fs_reader *reader, const char *literal, fs_json_kind kind,
								   unsigned int more);

#endif							/* FACTSTR_JSON_READER_H */
