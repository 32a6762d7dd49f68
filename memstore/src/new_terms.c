/*
 * new_terms.c
 *		The terms of facts that are about to be added, in the order of the index.
 */
#include <stdlib.h>

#include "new_terms.h"

static bool
fs_new_terms_reserve(fs_new_terms *terms, size_t more)
{
	size_t		capacity = terms->capacity;
	fs_new_term *grown;

	if (more <= capacity - terms->count)
		return true;
	if (more > SIZE_MAX / 4 / sizeof(fs_new_term) - terms->count)
		return false;
	capacity = 2 * (terms->count + more);
	grown = realloc(terms->terms, capacity * sizeof(fs_new_term));
	if (grown == NULL)
		return false;
	terms->terms = grown;
	terms->capacity = capacity;
	return true;
}

bool
fs_new_terms_add(fs_new_terms *terms, const fs_append_event *event)
{
	if (!fs_terms_of_fact(event->event_type, event->payload_document, &terms->of_fact) ||
		!fs_new_terms_reserve(terms, terms->of_fact.count))
		return false;
	for (size_t i = 0; i < terms->of_fact.count; i++)
	{
		terms->terms[terms->count++] = (fs_new_term) {
			.term = terms->of_fact.terms[i],
			.offset = terms->fact_count
		};
	}
	terms->fact_count++;
	return true;
}

static int
fs_compare_new_terms(const void *a, const void *b)
{
	const fs_new_term *left = a;
	const fs_new_term *right = b;

	if (left->term != right->term)
		return fs_term_is_before(left->term, right->term) ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* The terms of one fact are in order already. */
void
fs_new_terms_sort(fs_new_terms *terms)
{
	if (terms->fact_count > 1)
		qsort(terms->terms, terms->count, sizeof(fs_new_term), fs_compare_new_terms);
}

void
fs_new_terms_release(fs_new_terms *terms)
{
	fs_term_list_release(&terms->of_fact);
	free(terms->terms);
	*terms = (fs_new_terms) {0};
}
