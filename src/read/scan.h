/*
 * read/scan.h
 *		A walk over the facts that match a query, in log order or backwards.
 */
#ifndef FACTSTR_READ_SCAN_H
#define FACTSTR_READ_SCAN_H

#include "access/sdir.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"

#include "read/matching.h"
#include "store.h"

typedef struct FactScan FactScan;

/* For "wanted": the caller reads to the end. */
#define FACT_SCAN_ALL 0

extern FactScan *fs_scan_begin(const FactstrStore *store, const fs_event_query *query,
							   Snapshot snapshot, int64 after, int64 up_to,
							   ScanDirection direction, int64 wanted);
extern TupleTableSlot *fs_scan_next(FactScan *scan);
extern void fs_scan_end(FactScan *scan);

#endif							/* FACTSTR_READ_SCAN_H */
