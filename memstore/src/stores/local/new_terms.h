/*
 * stores/local/new_terms.h
 *		The terms of facts that are about to be added, in the order of the index.
 */
#ifndef FACTSTR_STORES_LOCAL_NEW_TERMS_H
#define FACTSTR_STORES_LOCAL_NEW_TERMS_H

#include "input/events.h"
#include "stores/local/terms.h"

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
	uint64_t	fact_count;
	fs_term_list words;			/* where they lie: each as two words, or one if there is one fact */
} fs_new_terms;

static inline bool
fs_new_terms_have_offsets(const fs_new_terms *terms)
{
	return terms->fact_count > 1;
}

static inline fs_new_term
fs_new_terms_at(const fs_new_terms *terms, size_t index)
{
	const fs_term *words = terms->words.terms;

	if (!fs_new_terms_have_offsets(terms))
		return (fs_new_term) {words[index], 0};
	return (fs_new_term) {words[2 * index], words[2 * index + 1]};
}

/* Adds those of the next fact.  False if there is no memory. */
bool		fs_new_terms_add(fs_new_terms *terms, const fs_append_event *event);

/* When all are added: by term, then by fact. */
void		fs_new_terms_sort(fs_new_terms *terms);
void		fs_new_terms_release(fs_new_terms *terms);

#endif							/* FACTSTR_STORES_LOCAL_NEW_TERMS_H */
