/*
 * stores/local/sort.h
 *		Sorts many terms in place.
 */
#ifndef FACTSTR_STORES_LOCAL_SORT_H
#define FACTSTR_STORES_LOCAL_SORT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sorts count items of one or two words (width): by the first word in the order of terms, then by
 * the second.
 */
void		fs_sort_words(uint64_t *words, size_t count, size_t width);

#endif							/* FACTSTR_STORES_LOCAL_SORT_H */
