/*
 * stores/local/log.h
 *		A log that can be searched, as the memory and the SQLite store provide it.
 */
#ifndef FACTSTR_STORES_LOCAL_LOG_H
#define FACTSTR_STORES_LOCAL_LOG_H

#include "stores/local/terms.h"
#include "stores/store.h"

/* A stored fact, valid until the next call with the same log. */
typedef struct fs_stored_fact
{
	factstr_fact fact;
	uint64_t	batch_first;	/* the first number of its batch */
} fs_stored_fact;

/*
 * A snapshot of a log, used by one thread.  Each store fills it within its own lock or transaction; the search does
 * not keep it.
 */
typedef struct fs_local_log
{
	void	   *store;			/* passed to the functions */
	uint64_t	head;			/* the newest fact, 0 if there is none */

	/*
	 * The nearest fact with the term at or after (backwards: at or before) a position, in *found; 0 if there is
	 * none.  Results beyond the head are ignored.
	 */
	int			(*seek) (void *store, fs_term term, uint64_t position, bool backwards,
						 uint64_t *found, factstr_error *error);
	int			(*fetch) (void *store, uint64_t sequence_number, fs_stored_fact *fact,
						  factstr_error *error);

	/* The last number of the batch that begins with this one. */
	int			(*batch_last) (void *store, uint64_t batch_first, uint64_t *batch_last,
							   factstr_error *error);
} fs_local_log;

#endif							/* FACTSTR_STORES_LOCAL_LOG_H */
