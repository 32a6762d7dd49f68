/*
 * records.h
 *		Makes records of the package from structs of the library.
 *
 * The record of a fact decodes its members on first use, because the json module takes most of the time of a replay,
 * and many programs use few payloads.  Until then its texts stay on a page that it shares with facts that were read
 * together.  Pages are small, so that one record keeps little memory alive.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "native.h"

typedef struct text_page text_page;

/* A copy of a fact of the library, on a page. */
typedef struct kept_fact
{
	uint64_t	sequence_number;
	int64_t		occurred_at;
	text_page  *page;
	const char *event_type;
	const char *payload;
	const char *metadata;		/* or NULL */
} kept_fact;

/*
 * Copies a fact to *page, or to a new page that replaces it.  The copy has a reference to its page.  This does not need
 * the GIL if no record refers to *page.  Returns false without memory.
 */
extern bool keep_fact(text_page **page, const factstr_fact *fact, kept_fact *kept);

/* Releases a reference; does nothing with NULL. */
extern void release_page(text_page *page);

/* Takes over the reference of the copy.  read: the function that reads JSON. */
extern PyObject *fact_record(module_state *state, PyObject *read, const kept_fact *fact);

extern PyObject *facts_tuple(module_state *state, PyObject *read, const factstr_fact *facts, size_t count);
extern PyObject *batch_record(module_state *state, PyObject *read, const factstr_batch *batch, PyObject *transaction);
extern PyObject *batch_records(module_state *state, PyObject *read, const factstr_batch_list *list);

/* Makes a record and takes over its members; NULL if one of them is NULL. */
extern PyObject *new_record(const record_class *class, PyObject *const *members);

extern PyObject *number_or_none(uint64_t number);

extern int	use_class(record_class *record, PyObject *class);
extern int	add_fact_type(PyObject *module);

#endif							/* RECORDS_H */
