/*
 * json/members.h
 *		The members of an object that is being read: their order, and their index.
 */
#ifndef FACTSTR_JSON_MEMBERS_H
#define FACTSTR_JSON_MEMBERS_H

#include "base/buffer.h"

/*
 * The document ends with count members, from start on, in the order of the text.  Sorts them, and drops
 * those whose key occurs again; *count becomes the number of the others.  False if there is no memory.
 */
bool		fs_members_sort(fs_buffer *document, size_t start, size_t *count);

/* Adds the index to members that are in order. */
void		fs_members_add_index(fs_buffer *document, size_t start, size_t count);

#endif							/* FACTSTR_JSON_MEMBERS_H */
