/*
 * stores/local/new_terms.c
 *		The terms of facts that are about to be added, in the order of the index.
 *
 * Those of a fact are created after those of the facts before, in their final memory: a payload may have so many
 * that a second list of them would be as large as everything else.  For the same reason, the terms of a single
 * fact have no offsets.
 */
#include "stores/local/new_terms.h"
#include "stores/local/sort.h"
#include "stores/local/terms.h"

/* Each of the terms from this one on, which stand side by side, gets the offset behind it. */
static bool
fs_add_offsets(fs_term_list *list, size_t first, uint64_t offset)
{
	size_t		count = list->count - first;

	if (!fs_term_list_reserve(list, count))
		return false;
	for (size_t i = count; i > 0; i--)
	{
		list->terms[first + 2 * i - 2] = list->terms[first + i - 1];
		list->terms[first + 2 * i - 1] = offset;
	}
	list->count += count;
	return true;
}

bool
fs_new_terms_add(fs_new_terms *terms, const fs_append_event *event)
{
	fs_term_list *list = &terms->words;
	size_t		first;

	if (terms->fact_count == 1 && !fs_add_offsets(list, 0, 0))
		return false;
	first = list->count;
	if (!fs_terms_add_fact(list, event->event_type, event->payload_document) ||
		(terms->fact_count > 0 && !fs_add_offsets(list, first, terms->fact_count)))
		return false;
	terms->fact_count++;
	terms->count = fs_new_terms_have_offsets(terms) ? list->count / 2 : list->count;
	return true;
}

/* The terms of one fact are in order already. */
void
fs_new_terms_sort(fs_new_terms *terms)
{
	if (fs_new_terms_have_offsets(terms))
		fs_sort_words(terms->words.terms, terms->count, 2);
}

void
fs_new_terms_release(fs_new_terms *terms)
{
	fs_term_list_release(&terms->words);
	*terms = (fs_new_terms) {0};
}
