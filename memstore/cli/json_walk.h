/*
 * json_walk.h
 *		Where the values of a JSON text are, without understanding them.
 *
 * Only quotes, brackets and commas are looked at, so that a value's text can be handed on as it is;
 * whether it is JSON, the library finds out.  Texts are NUL-terminated, whatever else they are, and
 * nothing is read beyond that.
 */
#ifndef FACTSTR_CLI_JSON_WALK_H
#define FACTSTR_CLI_JSON_WALK_H

#include <stdbool.h>

#include "match/json_value.h"

/* One walk over an array or object; next is NULL after something that cannot be one. */
typedef struct cli_walk
{
	const char *next;
	char		end;			/* its closing bracket */
	bool		has_begun;
} cli_walk;

/* Is the text one value, from its first byte to its last, blanks aside? */
bool		cli_is_one_value(const char *text);

/* bracket is '[' or '{'.  False if the text does not begin with it. */
bool		cli_walk_begin(cli_walk *walk, const char *text, char bracket);

/* The next element or member; false at the end, and when the text cannot be JSON. */
bool		cli_walk_element(cli_walk *walk, fs_text *value);
bool		cli_walk_member(cli_walk *walk, fs_text *key, fs_text *value);

/* Has the walk come to a proper end? */
bool		cli_walk_complete(const cli_walk *walk);

#endif							/* FACTSTR_CLI_JSON_WALK_H */
