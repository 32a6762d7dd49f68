/*
 * read/access_path.h
 *		Chooses the indexes that find the facts of a query.
 */
#ifndef FACTSTR_READ_ACCESS_PATH_H
#define FACTSTR_READ_ACCESS_PATH_H

#include "read/matching.h"
#include "read/merge.h"
#include "store.h"

/* A question to the log: which facts match the query, with after < sequence_number <= up_to? */
typedef struct FactRange
{
	const FactstrStore *store;
	const fs_event_query *query;
	Relation	events;
	Snapshot	snapshot;
	int64		after;
	int64		up_to;
} FactRange;

/* How the indexes find the facts of a query. */
typedef struct IndexPlan
{
	int64		candidates;		/* the approximate number that the payload index lists for the
								 * whole log */
	bool		by_payload[FLEXIBLE_ARRAY_MEMBER];	/* for each filter; else by its event types */
} IndexPlan;

extern void fs_access_path_add_log(FactMerge *merge, const FactRange *range);
extern IndexPlan *fs_access_path_plan(const FactRange *range);
extern bool fs_access_path_add_indexes(FactMerge *merge, const FactRange *range, const IndexPlan *plan);
extern bool fs_access_path_has_indexes(const fs_event_query *query);

#endif							/* FACTSTR_READ_ACCESS_PATH_H */
