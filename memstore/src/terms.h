/*
 * terms.h
 *		What the inverted index of the memory and the SQLite store knows of a fact.
 *
 * A fact's terms are its event type, and each scalar of its payload together with the path to it:
 * the keys on the way, and that an array is passed, but not at which index.  What a predicate asks
 * for is in a matching payload at the same path, so a fact that matches holds all terms of the
 * predicate.  The reverse does not hold, and need not: the matcher decides.
 *
 * A term is kept as a 64-bit hash.  Two terms with one hash cost a look at a fact that does not
 * match, never a wrong answer.  A SQLite file keeps these numbers, so how they are computed never
 * changes within a schema version.
 */
#ifndef FACTSTR_TERMS_H
#define FACTSTR_TERMS_H

#include <stdint.h>

#include "json_jansson.h"

/* As a SQLite integer it is the same 64 bits, signed. */
typedef uint64_t fs_term;

/* Terms are in SQLite's order, so that its index is filled in one direction. */
static inline bool
fs_term_is_before(fs_term a, fs_term b)
{
	return (int64_t) a < (int64_t) b;
}

/* Terms without repetition, in order.  Begins zeroed, and can be used again and again. */
typedef struct fs_term_list
{
	size_t		count;
	size_t		capacity;
	fs_term    *terms;
} fs_term_list;

fs_term		fs_term_of_event_type(const char *event_type, size_t length);

/*
 * The terms of a payload, or of a predicate, replace what is in the list.  False if there is no
 * memory.
 */
bool		fs_terms_of_value(json_t *value, fs_term_list *list);

/* The same with the event type's: all terms of a fact. */
bool		fs_terms_of_fact(const char *event_type, json_t *payload, fs_term_list *list);
void		fs_term_list_release(fs_term_list *list);

#endif							/* FACTSTR_TERMS_H */
