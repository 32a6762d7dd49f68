/*
 * stores/local/candidates.h
 *		The facts that may match a query, one after the other, by the terms they hold.
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
	uint64_t	end;			/* what stands for "none": a position beyond any other */
	size_t		rejected;		/* candidates in a row that did not match */
	struct fs_source *root;
	fs_arena	arena;
} fs_candidates;

/*
 * Candidates up to a limit, which is included.  log and query must outlive them.  To be released
 * whatever this returns.
 */
int			fs_candidates_begin(fs_candidates *candidates, const fs_local_log *log,
								const fs_query *query, uint64_t limit, bool backwards,
								factstr_error *error);

/*
 * The nearest candidate at or after (backwards: at or before) a position, 0 if there is none.
 * Positions only go forward (backwards: back).
 */
int			fs_candidates_seek(fs_candidates *candidates, uint64_t position, uint64_t *candidate,
							   factstr_error *error);

/* What became of the last candidate, which decides how closely the next ones are looked for. */
static inline void
fs_candidates_verdict(fs_candidates *candidates, bool matched)
{
	candidates->rejected = matched ? 0 : candidates->rejected + 1;
}

void		fs_candidates_release(fs_candidates *candidates);

#endif							/* FACTSTR_STORES_LOCAL_CANDIDATES_H */
