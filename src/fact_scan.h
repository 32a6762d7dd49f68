/*
 * fact_scan.h
 *		A walk over the facts that match a query, in log order or backwards.
 */
#ifndef FACTSTR_FACT_SCAN_H
#define FACTSTR_FACT_SCAN_H

#include "access/sdir.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"

#include "fact_sources.h"
#include "matching.h"
#include "store.h"

typedef struct FactScan FactScan;

/* The number of a fact, 0 for none, and up to where the log must be flushed before it is told. */
typedef struct FactPosition
{
	int64		sequence_number;
	XLogRecPtr	commit_position;
} FactPosition;

/* A fact but for what it says; its number is 0 for none. */
typedef struct FactHeading
{
	int64		sequence_number;
	int64		batch_first;
	TimestampTz occurred_at;
	XLogRecPtr	commit_position;
} FactHeading;

/* For "wanted": the caller will read to the end. */
#define FACT_SCAN_ALL 0

extern FactScan *fact_scan_begin(const FactstrStore *store, const fs_event_query *query,
								 Snapshot snapshot, int64 after, int64 upto,
								 ScanDirection direction, int64 wanted);
extern TupleTableSlot *fact_scan_next(FactScan *scan);
extern void fact_scan_end(FactScan *scan);

extern FactPosition fact_head(const FactstrStore *store, Snapshot snapshot);
extern int64 fact_head_now(const FactstrStore *store);
extern FactPosition fact_newest_match(const FactstrStore *store, const fs_event_query *query,
									  Snapshot snapshot, int64 after, int64 upto);
extern FactHeading fact_first_after(const FactstrStore *store, Snapshot snapshot, int64 after);

#endif							/* FACTSTR_FACT_SCAN_H */
