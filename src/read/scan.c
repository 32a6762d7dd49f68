/*
 * read/scan.c
 *		A walk over the facts that match a query, in log order or backwards.
 *
 * The range is walked in segments, each by the best access path; the matcher decides on the candidates.
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "read/access_path.h"
#include "read/scan.h"

/* Up to this many facts the log is walked: cheaper than any index descent with its fetches. */
#define SHORT_RANGE 256

/*
 * If the caller wants a few facts, the log is walked further as long as that is expected to take less than this
 * part of the candidates that the indexes have to list.
 */
#define STEPS_TO_CANDIDATES 16

struct FactScan
{
	FactstrStore store;
	FactRange	rest;			/* the part for which no segment has been opened yet */
	ScanDirection direction;
	int64		wanted;
	FactMerge  *merge;			/* of the open segment */
	bool		is_open;
	int64		walked;			/* facts of the log in the segments so far */
	int64		found;
	IndexPlan  *plan;			/* NULL until needed */
	MemoryContext context;		/* the scan and its sources */
	MemoryContext row_context;	/* memory of matching one fact */
};

static int64
range_length(const FactRange *range)
{
	return range->up_to - range->after;
}

static bool
has_payload_predicates(const fs_event_query *query)
{
	for (size_t i = 0; i < query->filter_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (query->filters[i].has_payload_predicates)
			return true;
	}
	return false;
}

/* Event types need no list of candidates, so there is nothing to save. */
static bool
looks_for_few(const FactScan *scan)
{
	return scan->wanted != FACT_SCAN_ALL && has_payload_predicates(scan->rest.query);
}

/* Will a few more steps on the log be enough, judging by the walk so far? */
static bool
is_worth_walking(const FactScan *scan)
{
	double		missing = (double) Max(scan->wanted - scan->found, 1);
	double		steps = missing * (double) scan->walked / (double) Max(scan->found, 1);

	return steps < (double) scan->plan->candidates / STEPS_TO_CANDIDATES;
}

/*
 * The distance to walk on the log before the indexes are used for the rest.  All of it, if they have more
 * candidates than facts are left: listing one and looking at its number takes more than half as long as looking at
 * the next fact.
 */
static int64
steps_on_log(FactScan *scan)
{
	int64		rest = range_length(&scan->rest);

	if (rest <= SHORT_RANGE || !fs_access_path_has_indexes(scan->rest.query))
		return rest;
	if (looks_for_few(scan) && scan->walked == 0)
		return SHORT_RANGE;
	if (scan->plan == NULL)
		scan->plan = fs_access_path_plan(&scan->rest);
	if (scan->plan->candidates > rest)
		return rest;
	if (looks_for_few(scan) && is_worth_walking(scan))
		return Min(rest, scan->walked);
	return 0;
}

/* Cuts the next segment off the rest, from the end where the walk begins. */
static FactRange
cut_segment(FactScan *scan, int64 length)
{
	FactRange	segment = scan->rest;

	if (ScanDirectionIsForward(scan->direction))
		scan->rest.after = segment.up_to = segment.after + length;
	else
		scan->rest.up_to = segment.after = segment.up_to - length;
	return segment;
}

static void
add_segment_sources(FactScan *scan)
{
	int64		steps = steps_on_log(scan);
	FactRange	segment = cut_segment(scan, steps > 0 ? steps : range_length(&scan->rest));

	scan->walked += steps;
	if (steps > 0 || !fs_access_path_add_indexes(scan->merge, &segment, scan->plan))
		fs_access_path_add_log(scan->merge, &segment);
}

/* Opens the next segment; false if nothing is left of the range. */
static bool
open_segment(FactScan *scan)
{
	MemoryContext caller;

	fs_merge_clear(scan->merge);
	scan->is_open = range_length(&scan->rest) > 0;
	if (!scan->is_open)
		return false;

	caller = MemoryContextSwitchTo(scan->context);
	add_segment_sources(scan);
	fs_merge_start(scan->merge);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * Begins a walk over the facts with after < sequence_number <= up_to that match the query and are visible to the
 * snapshot.  up_to must not be far beyond the head of the log: the length of the range counts as its cost.  wanted
 * is the number of facts that the caller expects to read, or FACT_SCAN_ALL; it is no limit.  query and snapshot
 * must outlive the scan, which lives in the current memory context.
 */
FactScan *
fs_scan_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
			  int64 after, int64 up_to, ScanDirection direction, int64 wanted)
{
	FactScan   *scan = palloc0(sizeof(FactScan));

	scan->store = *store;
	scan->rest.store = &scan->store;
	scan->rest.query = query;
	scan->rest.events = table_open(store->events, AccessShareLock);
	scan->rest.snapshot = snapshot;
	scan->rest.after = Max(after, 0);
	scan->rest.up_to = up_to;
	scan->direction = direction;
	scan->wanted = wanted;
	scan->merge = fs_merge_create(scan->rest.events, snapshot, direction);
	scan->context = CurrentMemoryContext;
	scan->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr row",
											  ALLOCSET_DEFAULT_SIZES);
	return scan;
}

static bool
row_matches(FactScan *scan, TupleTableSlot *row)
{
	MemoryContext caller;
	bool		matches;

	MemoryContextReset(scan->row_context);
	caller = MemoryContextSwitchTo(scan->row_context);
	matches = fs_query_matches_row(scan->rest.query, row);
	MemoryContextSwitchTo(caller);
	return matches;
}

/* The row of the next matching fact, valid until the next call, or NULL at the end. */
TupleTableSlot *
fs_scan_next(FactScan *scan)
{
	while (scan->is_open || open_segment(scan))
	{
		TupleTableSlot *row;

		while ((row = fs_merge_next(scan->merge)) != NULL)
		{
			if (row_matches(scan, row))
			{
				scan->found++;
				return row;
			}
		}
		scan->is_open = false;
	}
	return NULL;
}

void
fs_scan_end(FactScan *scan)
{
	fs_merge_free(scan->merge);
	table_close(scan->rest.events, NoLock);
	MemoryContextDelete(scan->row_context);
	if (scan->plan != NULL)
		pfree(scan->plan);
	pfree(scan);
}
