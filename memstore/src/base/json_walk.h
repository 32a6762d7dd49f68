/*
 * base/json_walk.h
 *		Where the values of a JSON text are, without understanding them.
 *
 * Only quotes, brackets and commas are looked at, so that a value's text can be handed on as it is;
 * whether it is JSON, the library finds out.  Texts are NUL-terminated, whatever else they are, and
 * nothing is read beyond that.
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

/* Is the text one value, from its first byte to its last, blanks aside? */
bool		fs_json_is_one_value(const char *text);

/* bracket is '[' or '{'.  False if the text does not begin with it. */
bool		fs_json_walk_begin(fs_json_walk *walk, const char *text, char bracket);

/* The next element or member; false at the end, and when the text cannot be JSON. */
bool		fs_json_walk_element(fs_json_walk *walk, fs_text *value);
bool		fs_json_walk_member(fs_json_walk *walk, fs_text *key, fs_text *value);

/*
 * The same in steps: on to where the next element or member begins, over its key, and over its
 * value.  Where they stand, walk->next shows what comes.
 */
bool		fs_json_walk_on(fs_json_walk *walk);
bool		fs_json_walk_key(fs_json_walk *walk, fs_text *key);
bool		fs_json_walk_value(fs_json_walk *walk, fs_text *value);

/*
 * The next element as a walk of its own, without having looked for its end before; afterwards the
 * outer walk goes on behind it.
 */
bool		fs_json_walk_enter(fs_json_walk *walk, fs_json_walk *inner, char bracket);
void		fs_json_walk_leave(fs_json_walk *walk, const fs_json_walk *inner);

/* Has the walk come to a proper end? */
bool		fs_json_walk_complete(const fs_json_walk *walk);

#endif							/* FACTSTR_BASE_JSON_WALK_H */
