/*
 * access_path.h
 *		Where to look for the facts of a query.
 */
#ifndef FACTSTR_ACCESS_PATH_H
#define FACTSTR_ACCESS_PATH_H

#include "fact_sources.h"
#include "matching.h"
#include "store.h"

/* A question to the log: what matches the query, with after < sequence_number <= upto? */
typedef struct FactRange
{
	const FactstrStore *store;
	const fs_event_query *query;
	Relation	events;
	Snapshot	snapshot;
	int64		after;
	int64		upto;
} FactRange;

extern void access_path_add_log(FactSources *sources, const FactRange *range);
extern bool access_path_add_indexes(FactSources *sources, const FactRange *range);
extern bool access_path_has_indexes(const fs_event_query *query);

#endif							/* FACTSTR_ACCESS_PATH_H */
