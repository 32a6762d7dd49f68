/*
 * api/cursor.h
 *		Reading several facts of a cursor at a time.
 */
#ifndef FACTSTR_API_CURSOR_H
#define FACTSTR_API_CURSOR_H

#include "factstr.h"

/*
 * The next facts, max_count at most, which stay the next ones until the cursor is advanced over them.  Fewer come
 * where the cursor reads on in the log; none, and NULL, is the end.
 */
int			fs_cursor_look(factstr_cursor *cursor, size_t max_count, const factstr_fact **facts,
						   size_t *count, factstr_error *error);
void		fs_cursor_advance(factstr_cursor *cursor, size_t count);

#endif							/* FACTSTR_API_CURSOR_H */
