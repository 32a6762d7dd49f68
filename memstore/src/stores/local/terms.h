/*
 * stores/local/terms.h
 *		The index entries of a fact in the memory and the SQLite store.
 *
 * A fact's terms are its event type, and each scalar of its payload together with the path to it: the keys on the
 * way, and that an array is passed, but not at which index.  A matching payload has every scalar of the predicate
 * at the same path, so a fact that matches has all terms of the predicate.  The reverse does not hold, and need
 * not: the matcher decides.
 *
 * A term is stored as a 64-bit hash.  Two terms with the same hash cost a look at a fact that does not match, but
 * cause no wrong answer.  A SQLite file contains these numbers, so their computation never changes within a
 * schema version.
 */
#ifndef FACTSTR_STORES_LOCAL_TERMS_H
#define FACTSTR_STORES_LOCAL_TERMS_H

#include <stdint.h>

#include "json/binding.h"

/* A SQLite integer has the same 64 bits, signed. */
typedef uint64_t fs_term;

/* Terms are in SQLite's order, so that its index is filled in one direction. */
static inline bool
fs_term_is_before(fs_term a, fs_term b)
{
	return (int64_t) a < (int64_t) b;
}

/* Begins zeroed, and can be used again and again. */
typedef struct fs_term_list
{
	size_t		count;
	size_t		capacity;
	fs_term    *terms;
} fs_term_list;

fs_term		fs_term_of_event_type(fs_text event_type);

/*
 * Replaces the list by the terms of a payload, or of a predicate, in order and without repetition. False if there
 * is no memory.
 */
bool		fs_terms_of_value(fs_json value, fs_term_list *list);

/* Adds all terms of a fact, including that of its type, in order and without repetition, to the end of the list. */
bool		fs_terms_add_fact(fs_term_list *list, fs_text event_type, fs_json payload);

/* Room for more terms behind those that are there.  False if there is no memory. */
bool		fs_term_list_reserve(fs_term_list *list, size_t more);
void		fs_term_list_release(fs_term_list *list);

#endif							/* FACTSTR_STORES_LOCAL_TERMS_H */
