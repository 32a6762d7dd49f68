/*
 * api/cursor.h
 *		Reads several facts of a cursor at a time.
 */
#ifndef FACTSTR_API_CURSOR_H
#define FACTSTR_API_CURSOR_H

#include "factstr.h"

/*
 * The next facts, at most max_count, which stay the next ones until the cursor is advanced over them.  There are
 * fewer where the cursor has to read more of the log; none, and NULL, is the end.
 */
int			fs_cursor_look(factstr_cursor *cursor, size_t max_count, const factstr_fact **facts,
						   size_t *count, factstr_error *error);
void		fs_cursor_advance(factstr_cursor *cursor, size_t count);

#endif							/* FACTSTR_API_CURSOR_H */
