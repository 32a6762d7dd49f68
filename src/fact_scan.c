/*
 * fact_scan.c
 *		A walk over the facts that match a query, in log order or backwards.
 *
 * The range is walked in segments, each by the access path that suits it; whatever the path
 * proposes, the matcher decides.
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "access_path.h"
#include "durability.h"
#include "fact_scan.h"

/* Up to this many facts the log is walked: cheaper than any index descent with its fetches. */
#define SHORT_RANGE 256

struct FactScan
{
	FactstrStore store;
	FactRange	rest;			/* what no segment has been opened for yet */
	ScanDirection direction;
	int64		wanted;
	FactSources *sources;		/* of the open segment */
	bool		is_open;
	int64		segment_length;
	int64		found_in_segment;
	MemoryContext context;		/* the scan and its sources */
	MemoryContext row_context;	/* what matching one fact leaves behind */
};

static int64
range_length(const FactRange *range)
{
	return range->upto - range->after;
}

static bool
has_payload_predicates(const fs_event_query *query)
{
	for (size_t i = 0; i < query->filter_count; i++)
	{
		if (query->filters[i].has_payload_predicates)
			return true;
	}
	return false;
}

/*
 * Should the log be walked a little further before the indexes are asked for the rest?  Yes if a
 * few facts are wanted and the walk so far found them dense enough: the expected rest of the walk
 * is then shorter than the list of candidates would be.  Event types need no list.
 */
static bool
keep_walking_the_log(const FactScan *scan)
{
	double		rest = (double) range_length(&scan->rest);
	double		density;
	double		missing;

	if (scan->wanted == FACT_SCAN_ALL || !has_payload_predicates(scan->rest.query))
		return false;
	if (scan->segment_length == 0)
		return true;			/* the first steps are always on the log */
	if (scan->found_in_segment == 0)
		return false;
	density = (double) scan->found_in_segment / (double) scan->segment_length;
	missing = (double) Max(scan->wanted - scan->found_in_segment, 1);
	return missing / density < density * rest;
}

/* Cuts the next segment off the rest, from the end where the walk begins. */
static FactRange
cut_segment(FactScan *scan, int64 length)
{
	FactRange	segment = scan->rest;

	if (ScanDirectionIsForward(scan->direction))
		scan->rest.after = segment.upto = segment.after + length;
	else
		scan->rest.upto = segment.after = segment.upto - length;
	scan->segment_length = length;
	scan->found_in_segment = 0;
	return segment;
}

static void
add_segment_sources(FactScan *scan)
{
	int64		rest = range_length(&scan->rest);
	bool		log_only = rest <= SHORT_RANGE || !access_path_has_indexes(scan->rest.query);
	FactRange	segment;

	if (!log_only && keep_walking_the_log(scan))
	{
		log_only = true;
		rest = Min(rest, Max(SHORT_RANGE, scan->segment_length * 2));
	}
	segment = cut_segment(scan, rest);
	if (log_only || !access_path_add_indexes(scan->sources, &segment))
		access_path_add_log(scan->sources, &segment);
}

/* Opens the next segment; false if nothing is left of the range. */
static bool
open_segment(FactScan *scan)
{
	MemoryContext caller;

	fact_sources_clear(scan->sources);
	scan->is_open = range_length(&scan->rest) > 0;
	if (!scan->is_open)
		return false;

	caller = MemoryContextSwitchTo(scan->context);
	add_segment_sources(scan);
	fact_sources_start(scan->sources);
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * Begins a walk over the facts with after < sequence_number <= upto that match the query and are
 * visible to the snapshot.  upto must not be far beyond the head of the log: the range's length
 * counts as its cost.  wanted is how many facts the caller expects to read, or FACT_SCAN_ALL; it
 * is no limit.  query and snapshot must outlive the scan, which lives in the current memory context.
 */
FactScan *
fact_scan_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				int64 after, int64 upto, ScanDirection direction, int64 wanted)
{
	FactScan   *scan = palloc0(sizeof(FactScan));

	scan->store = *store;
	scan->rest.store = &scan->store;
	scan->rest.query = query;
	scan->rest.events = table_open(store->events, AccessShareLock);
	scan->rest.snapshot = snapshot;
	scan->rest.after = Max(after, 0);
	scan->rest.upto = upto;
	scan->direction = direction;
	scan->wanted = wanted;
	scan->sources = fact_sources_create(scan->rest.events, snapshot, direction);
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
	matches = factstr_row_matches(scan->rest.query, row);
	MemoryContextSwitchTo(caller);
	return matches;
}

/* The row of the next matching fact, valid until the next call, or NULL at the end. */
TupleTableSlot *
fact_scan_next(FactScan *scan)
{
	while (scan->is_open || open_segment(scan))
	{
		TupleTableSlot *row;

		while ((row = fact_sources_next(scan->sources)) != NULL)
		{
			if (row_matches(scan, row))
			{
				scan->found_in_segment++;
				return row;
			}
		}
		scan->is_open = false;
	}
	return NULL;
}

void
fact_scan_end(FactScan *scan)
{
	fact_sources_clear(scan->sources);
	table_close(scan->rest.events, NoLock);
	MemoryContextDelete(scan->row_context);
	pfree(scan->sources);
	pfree(scan);
}

/*
 * Single facts
 */

static FactPosition
first_of_scan(FactScan *scan)
{
	FactPosition position = {0, InvalidXLogRecPtr};
	TupleTableSlot *row = fact_scan_next(scan);

	if (row != NULL)
	{
		position.sequence_number = fact_sequence_number(row);
		position.commit_position = factstr_commit_position(row);
	}
	fact_scan_end(scan);
	return position;
}

static FactPosition
newest_fact_after(const FactstrStore *store, Snapshot snapshot, int64 after)
{
	return first_of_scan(fact_scan_begin(store, &factstr_every_fact, snapshot, after, PG_INT64_MAX,
										 BackwardScanDirection, 1));
}

/*
 * The newest fact of the log.
 *
 * A lower bound spares reading the rest of the index page, so the head found last serves as one.
 * It may be too high for this snapshot, or for a log that was dropped and created again; then
 * nothing is found above it, and the search is repeated without it.
 */
FactPosition
fact_head(const FactstrStore *store, Snapshot snapshot)
{
	static int64 head_found_last = 0;
	FactPosition head = newest_fact_after(store, snapshot, head_found_last - 1);

	if (head.sequence_number == 0 && head_found_last > 0)
		head = newest_fact_after(store, snapshot, 0);
	head_found_last = head.sequence_number;
	return head;
}

/* The number of the newest fact that is committed, or the transaction's own; 0 if there is none. */
int64
fact_head_now(const FactstrStore *store)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		head = fact_head(store, snapshot).sequence_number;

	UnregisterSnapshot(snapshot);
	return head;
}

/* The newest fact with after < sequence_number <= upto that matches. */
FactPosition
fact_newest_match(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				  int64 after, int64 upto)
{
	return first_of_scan(fact_scan_begin(store, query, snapshot, after, upto,
										 BackwardScanDirection, 1));
}

/* The first fact after a position, whatever it says. */
FactHeading
fact_first_after(const FactstrStore *store, Snapshot snapshot, int64 after)
{
	FactScan   *scan = fact_scan_begin(store, &factstr_every_fact, snapshot, after, PG_INT64_MAX,
									   ForwardScanDirection, 1);
	TupleTableSlot *row = fact_scan_next(scan);
	FactHeading heading = {0};
	bool		isnull;

	if (row != NULL)
	{
		heading.sequence_number = fact_sequence_number(row);
		heading.batch_first = fact_batch_first(row);
		heading.occurred_at = DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT, &isnull));
		heading.commit_position = factstr_commit_position(row);
	}
	fact_scan_end(scan);
	return heading;
}
