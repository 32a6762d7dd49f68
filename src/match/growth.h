/*
 * match/growth.h
 *		Lists that grow, and begin where their owner has put them.
 *
 * Include a binding first (json_value.h defines bindings).
 */
#ifndef FACTSTR_GROWTH_H
#define FACTSTR_GROWTH_H

#include "match/json_value.h"

/*
 * A copy of the list with room for twice as many items; the list itself is released, unless it is
 * the owner's own, where it began.  NULL if there is no memory: then everything is as it was.
 */
static inline void *
fs_double_list(void *list, const void *own, size_t *capacity, size_t item_size)
{
	void	   *doubled = NULL;

	if (*capacity > 0 && *capacity <= SIZE_MAX / 2 / item_size)
		doubled = fs_allocate(2 * *capacity * item_size);
	if (doubled == NULL)
		return NULL;
	memcpy(doubled, list, *capacity * item_size);
	if (list != own)
		fs_release(list);
	*capacity *= 2;
	return doubled;
}

#endif							/* FACTSTR_GROWTH_H */
