/*
 * new_terms.h
 *		The terms of facts that are about to be added, in the order of the index.
 */
#ifndef FACTSTR_NEW_TERMS_H
#define FACTSTR_NEW_TERMS_H

#include "store.h"
#include "terms.h"

/* A term of one of the new facts, the offset-th. */
typedef struct fs_new_term
{
	fs_term		term;
	uint64_t	offset;
} fs_new_term;

/* Begins zeroed. */
typedef struct fs_new_terms
{
	size_t		count;
	size_t		capacity;
	fs_new_term *terms;
	uint64_t	fact_count;
	fs_term_list of_fact;		/* of the last one */
} fs_new_terms;

/* Adds those of the next fact.  False if there is no memory. */
bool		fs_new_terms_add(fs_new_terms *terms, const fs_append_event *event);

/* When all are added: by term, then by fact. */
void		fs_new_terms_sort(fs_new_terms *terms);
void		fs_new_terms_release(fs_new_terms *terms);

#endif							/* FACTSTR_NEW_TERMS_H */
