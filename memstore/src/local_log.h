/*
 * local_log.h
 *		How the memory and the SQLite store find facts: one search, over what each of them keeps.
 *
 * Both keep an inverted index: for each term that a fact holds, the numbers of the facts with that
 * term, in order.  terms.h says what a term is.  A fact that matches a query holds certain terms,
 * so the search goes from one fact that holds them to the next, and lets the shared matcher decide.
 * What it costs follows the context, not the log.
 */
#ifndef FACTSTR_LOCAL_LOG_H
#define FACTSTR_LOCAL_LOG_H

#include "store.h"
#include "terms.h"

/* A stored fact, valid until the next call with the same log. */
typedef struct fs_stored_fact
{
	factstr_fact fact;
	uint64_t	batch_first;	/* the first number of its batch */
} fs_stored_fact;

/*
 * A log as it is at one moment, seen by one thread.  Each store fills one in within its own lock or
 * transaction; the search does not keep it.
 */
typedef struct fs_local_log
{
	void	   *store;			/* passed to the functions */
	uint64_t	head;			/* the newest fact, 0 if there is none */

	/*
	 * The nearest fact with the term at or after (backwards: at or before) a position, in *found; 0
	 * if there is none.  What it finds beyond the head is ignored.
	 */
	int			(*seek) (void *store, fs_term term, uint64_t position, bool backwards,
						 uint64_t *found, factstr_error *error);
	int			(*fetch) (void *store, uint64_t sequence_number, fs_stored_fact *fact,
						  factstr_error *error);

	/* The last number of the batch that begins with this one. */
	int			(*batch_last) (void *store, uint64_t batch_first, uint64_t *batch_last,
							   factstr_error *error);
} fs_local_log;

/* The version of a context, 0 if it is empty. */
int			fs_local_context_version(const fs_local_log *log, const fs_query *query,
									 uint64_t *version, factstr_error *error);

/* The newest fact after a position that matches, 0 if there is none. */
int			fs_local_newest_after(const fs_local_log *log, const fs_query *query, uint64_t after,
								  uint64_t *newest, factstr_error *error);

/*
 * Does the context have the version that an append expects?  FACTSTR_OK, or FACTSTR_CONFLICT with
 * both versions.  Looks at what is newer than the expected version, and at the fact that has it;
 * only a conflict needs more.
 */
int			fs_local_check_context(const fs_local_log *log, const fs_append *append,
								   factstr_error *error);

int			fs_local_read(const fs_local_log *log, const fs_query *query, const fs_range *range,
						  fs_fact_list *facts, factstr_error *error);
int			fs_local_query(const fs_local_log *log, const fs_query *query, fs_fact_list *facts,
						   uint64_t *version, factstr_error *error);

/*
 * The batches with a match after a position.  If the position lies inside a batch that has a match
 * after it, the batch comes whole.
 */
int			fs_local_batches(const fs_local_log *log, const fs_query *query, uint64_t after,
							 size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							 factstr_error *error);

#endif							/* FACTSTR_LOCAL_LOG_H */
