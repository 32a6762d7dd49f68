/*
 * records.h
 *		Records of the package, made of the structs of the library.
 *
 * A fact's record reads its members when they are asked for: most of the time that a replay takes in Python is
 * that of the json module, and many programs look at few payloads.  Until then its texts lie on a page, which facts
 * that were read together share.  A page is small, so that one record keeps little memory alive.
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
 * Copies a fact to *page, or to a new page, which replaces it.  The copy has a reference to its page.  Does not need
 * the GIL if no record refers to *page.  False: no memory.
 */
extern bool keep_fact(text_page **page, const factstr_fact *fact, kept_fact *kept);

/* NULL is harmless. */
extern void release_page(text_page *page);

/* Takes over the reference of the copy.  read: the function that reads JSON. */
extern PyObject *fact_record(module_state *state, PyObject *read, const kept_fact *fact);

extern PyObject *facts_tuple(module_state *state, PyObject *read, const factstr_fact *facts, size_t count);
extern PyObject *batch_record(module_state *state, PyObject *read, const factstr_batch *batch, PyObject *transaction);
extern PyObject *batch_records(module_state *state, PyObject *read, const factstr_batch_list *list);

/* Makes a record of its members, which are taken over; NULL if one of them is NULL. */
extern PyObject *new_record(const record_class *class, PyObject *const *members);

extern PyObject *number_or_none(uint64_t number);

extern int	use_class(record_class *record, PyObject *class);
extern int	add_fact_type(PyObject *module);

#endif							/* RECORDS_H */
