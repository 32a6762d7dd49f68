/*
 * base/json_walk.h
 *		Finds the values of a JSON text without parsing them.
 *
 * It only looks at quotes, brackets and commas, so that the text of a value can be passed on unchanged; the
 * library checks whether it is JSON.  Texts are NUL-terminated, and nothing after the NUL is read.
 */
#ifndef FACTSTR_BASE_JSON_WALK_H
#define FACTSTR_BASE_JSON_WALK_H

#include <stdbool.h>

#include "match/json_value.h"

/* One walk over an array or object; next is NULL after something that cannot be one. */
typedef struct fs_json_walk
{
	const char *next;
	char		end;			/* its closing bracket */
	bool		has_begun;
} fs_json_walk;

/* Is the text one value, from its first byte to its last, except white space? */
bool		fs_json_is_one_value(const char *text);

/* bracket is '[' or '{'.  False if the text does not begin with it. */
bool		fs_json_walk_begin(fs_json_walk *walk, const char *text, char bracket);

/* The next element or member; false at the end, and when the text cannot be JSON. */
bool		fs_json_walk_element(fs_json_walk *walk, fs_text *value);
bool		fs_json_walk_member(fs_json_walk *walk, fs_text *key, fs_text *value);

/*
 * The same in steps: to the beginning of the next element or member, over its key, and over its value.  At each
 * step, walk->next points to the next token.
 */
bool		fs_json_walk_on(fs_json_walk *walk);
bool		fs_json_walk_key(fs_json_walk *walk, fs_text *key);
bool		fs_json_walk_value(fs_json_walk *walk, fs_text *value);

/* The next element as a separate walk, before its end is known; afterwards the outer walk continues after it. */
bool		fs_json_walk_enter(fs_json_walk *walk, fs_json_walk *inner, char bracket);
void		fs_json_walk_leave(fs_json_walk *walk, const fs_json_walk *inner);

/* Has the walk come to a proper end? */
bool		fs_json_walk_complete(const fs_json_walk *walk);

#endif							/* FACTSTR_BASE_JSON_WALK_H */
