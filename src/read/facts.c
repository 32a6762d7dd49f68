/*
 * read/facts.c
 *		Single facts: the newest of the log, the newest that matches, the newest before a time, the first
 *		after a position.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "commit/durability.h"
#include "commit/log_head.h"
#include "compat_scan.h"
#include "read/facts.h"
#include "read/scan.h"
#include "rows.h"

static FactPosition
position_of_row(TupleTableSlot *row)
{
	FactPosition position = {fs_row_sequence_number(row), fs_durability_commit_position(row)};

	return position;
}

/*
 * The newest fact with after < sequence_number <= up_to, without a query.  Appends and reads need it often, so
 * it takes one descent into the primary key.
 */
static FactPosition
newest_fact(const FactstrStore *store, Snapshot snapshot, int64 after, int64 up_to)
{
	FactPosition position = {0, InvalidXLogRecPtr};
	Relation	events = table_open(store->events, AccessShareLock);
	Relation	index = index_open(store->by_sequence_number, AccessShareLock);
	TupleTableSlot *row = table_slot_create(events, NULL);
	IndexScanDesc scan = compat_index_beginscan(events, index, snapshot, 2);
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(after));
	ScanKeyInit(&keys[1], 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(up_to));
	index_rescan(scan, keys, 2, NULL, 0);
	if (index_getnext_slot(scan, BackwardScanDirection, row))
		position = position_of_row(row);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	table_close(events, NoLock);
	return position;
}

/* The newest fact that the snapshot sees, read from the table alone: for checks, which trust no note. */
FactPosition
fs_fact_head_of_table(const FactstrStore *store, Snapshot snapshot)
{
	return newest_fact(store, snapshot, 0, PG_INT64_MAX);
}

/* The distance below the expected head within which a slightly older snapshot is searched. */
#define LOOK_BACK 16

/*
 * The newest fact of the log that the snapshot sees.
 *
 * The rows after it were rolled back, and should not be visited.  So the search begins with the fact after the
 * expected head.  If that fact exists, others have appended meanwhile, and the search begins at the end; if nothing
 * is there, the snapshot is older, or the log was dropped and created again.  A lower bound avoids reading the rest
 * of the index page.
 */
FactPosition
fs_fact_head(const FactstrStore *store, Snapshot snapshot)
{
	int64		expected = fs_log_head_expected(store);
	int64		low = Max(expected - LOOK_BACK, 0);
	FactPosition head;

	if (expected == 0)
	{
		head = fs_fact_head_of_table(store, snapshot);
		fs_log_head_seen(store, head.sequence_number);
		return head;
	}
	head = newest_fact(store, snapshot, low, fs_fact_next_number(expected));
	if (head.sequence_number > expected)
		return newest_fact(store, snapshot, expected, PG_INT64_MAX);
	if (head.sequence_number == 0 && low > 0)
		return newest_fact(store, snapshot, 0, low);
	return head;
}

/*
 * The same, for a caller that passes the number to others: only the number, once no crash can undo the fact any
 * more and reuse the number.  This applies to every number that comes without its commit position.
 */
int64
fs_fact_head_to_tell(const FactstrStore *store, Snapshot snapshot)
{
	FactPosition head = fs_fact_head(store, snapshot);

	fs_durability_flush_before_answer(head.commit_position);
	return head.sequence_number;
}

/* The same for the newest fact that is committed, or the transaction's own. */
int64
fs_fact_head_now_to_tell(const FactstrStore *store)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		head = fs_fact_head_to_tell(store, snapshot);

	UnregisterSnapshot(snapshot);
	return head;
}

/* The newest fact with after < sequence_number <= up_to that matches. */
FactPosition
fs_fact_newest_match(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
					 int64 after, int64 up_to)
{
	FactPosition position = {0, InvalidXLogRecPtr};
	FactScan   *scan = fs_scan_begin(store, query, snapshot, after, up_to, BackwardScanDirection, 1);
	TupleTableSlot *row = fs_scan_next(scan);

	if (row != NULL)
		position = position_of_row(row);
	fs_scan_end(scan);
	return position;
}

/*
 * The first fact with after < sequence_number <= up_to, without a query.  Without the upper limit, the search would
 * visit all rolled-back rows after the newest fact.
 */
FactHeading
fs_fact_first_after(const FactstrStore *store, Snapshot snapshot, int64 after, int64 up_to)
{
	FactScan   *scan = fs_scan_begin(store, &fs_query_every_fact, snapshot, after, up_to,
									 ForwardScanDirection, 1);
	TupleTableSlot *row = fs_scan_next(scan);
	FactHeading heading = {0};
	bool		isnull;

	if (row != NULL)
	{
		heading.sequence_number = fs_row_sequence_number(row);
		heading.batch_first = fs_row_batch_first(row);
		heading.occurred_at = DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT, &isnull));
		heading.commit_position = fs_durability_commit_position(row);
	}
	fs_scan_end(scan);
	return heading;
}

/*
 * The newest fact before a time, by bisection: times increase with the numbers.  Where the clock was set back, or
 * history was imported, they do not, and the result is one of several possible facts.  The newest fact of the log comes
 * first: it is the result for most logs, which are quiet.
 */
FactHeading
fs_fact_newest_before(const FactstrStore *store, Snapshot snapshot, TimestampTz time)
{
	FactHeading found = {0};
	int64		up_to = fs_fact_head(store, snapshot).sequence_number;
	int64		middle = up_to;

	while (found.sequence_number < up_to)
	{
		FactHeading fact = fs_fact_first_after(store, snapshot, middle - 1, up_to);

		if (fact.sequence_number != 0 && fact.occurred_at < time)
			found = fact;
		else
			up_to = middle - 1;
		middle = up_to - (up_to - found.sequence_number) / 2;
	}
	return found;
}
