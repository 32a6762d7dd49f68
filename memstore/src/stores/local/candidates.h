/*
 * stores/local/candidates.h
 *		The facts that may match a query, one after the other, found by their terms.
 *
 * Every fact that matches is a candidate; most candidates match, and the matcher decides.
 */
#ifndef FACTSTR_STORES_LOCAL_CANDIDATES_H
#define FACTSTR_STORES_LOCAL_CANDIDATES_H

#include "base/arena.h"
#include "stores/local/log.h"

typedef struct fs_candidates
{
	const fs_local_log *log;
	bool		backwards;
	uint64_t	limit;			/* the last position to be looked at */
	uint64_t	end;			/* represents "none": a position beyond any other */
	size_t		rejected;		/* candidates in a row that did not match */
	struct fs_source *root;
	fs_arena	arena;
} fs_candidates;

/*
 * Candidates up to and including a limit.  log and query must outlive them.  The caller releases them, even after
 * an error.
 */
int			fs_candidates_begin(fs_candidates *candidates, const fs_local_log *log,
								const fs_query *query, uint64_t limit, bool backwards,
								factstr_error *error);

/*
 * The nearest candidate at or after (backwards: at or before) a position, 0 if there is none. Positions only
 * increase (backwards: decrease).
 */
int			fs_candidates_seek(fs_candidates *candidates, uint64_t position, uint64_t *candidate,
							   factstr_error *error);

/* The result for the last candidate, which decides how closely the next ones are searched. */
static inline void
fs_candidates_verdict(fs_candidates *candidates, bool matched)
{
	candidates->rejected = matched ? 0 : candidates->rejected + 1;
}

void		fs_candidates_release(fs_candidates *candidates);

#endif							/* FACTSTR_STORES_LOCAL_CANDIDATES_H */
