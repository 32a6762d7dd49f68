/*
 * stores/local/search.h
 *		The search of the memory and the SQLite store: one search, over the data of each of them.
 *
 * Both have an inverted index: for each term of a fact, the ordered numbers of the facts with that term; terms.h
 * defines terms.  A fact that matches a query has certain terms, so the search goes from one fact that has them
 * to the next, and the shared matcher decides.  Its cost depends on the context, not on the log.
 */
#ifndef FACTSTR_STORES_LOCAL_SEARCH_H
#define FACTSTR_STORES_LOCAL_SEARCH_H

#include "stores/local/log.h"

/* The version of a context, 0 if it is empty. */
int			fs_local_context_version(const fs_local_log *log, const fs_query *query,
									 uint64_t *version, factstr_error *error);

/* The newest fact after a position that matches, 0 if there is none. */
int			fs_local_newest_after(const fs_local_log *log, const fs_query *query, uint64_t after,
								  uint64_t *newest, factstr_error *error);

/*
 * Does the context fulfil the condition of an append?  FACTSTR_OK, or FACTSTR_CONFLICT with its version;
 * FACTSTR_MALFORMED for a position beyond the end of the log.  Looks at facts that are newer than the number in the
 * condition, and at the fact with that number; only a conflict needs more.
 */
int			fs_local_check_context(const fs_local_log *log, const fs_append *append,
								   factstr_error *error);

/* The same, if the context was as expected when the log had an earlier head. */
int			fs_local_check_since(const fs_local_log *log, const fs_append *append, uint64_t head,
								 factstr_error *error);

int			fs_local_read(const fs_local_log *log, const fs_query *query, const fs_range *range,
						  fs_fact_list *facts, factstr_error *error);
int			fs_local_query(const fs_local_log *log, const fs_query *query, fs_fact_list *facts,
						   uint64_t *version, factstr_error *error);

int			fs_local_newest(const fs_local_log *log, const fs_query *queries, size_t count,
							fs_fact_list *facts, uint64_t *version, factstr_error *error);

/*
 * The batches with a match after a position.  If the position is inside a batch with a match after it, the batch is
 * complete.
 */
int			fs_local_batches(const fs_local_log *log, const fs_query *query, uint64_t after,
							 size_t max_batches, fs_batch_list *batches, uint64_t *searched,
							 factstr_error *error);

#endif							/* FACTSTR_STORES_LOCAL_SEARCH_H */
