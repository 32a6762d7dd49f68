/*
 * status_api.c
 *		What the view factstr_status cannot find out by itself.
 */
#include "postgres.h"

#include "access/genam.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "durability.h"
#include "fact_scan.h"
#include "pending_list.h"

PG_FUNCTION_INFO_V1(factstr_position_at);
PG_FUNCTION_INFO_V1(factstr_pending_pages);

/* A fact on the way to the position that is searched. */
typedef struct TimedFact
{
	int64		sequence_number;
	TimestampTz occurred_at;
	XLogRecPtr	commit_position;
} TimedFact;

/*
 * The first fact from this number on.  There is one, since the search stays at or below the head.
 */
static TimedFact
fact_from(const FactstrStore *store, Snapshot snapshot, int64 sequence_number)
{
	FactScan   *scan = fact_scan_begin(store, &factstr_every_fact, snapshot, sequence_number - 1,
									   PG_INT64_MAX, ForwardScanDirection, 1);
	TupleTableSlot *row = fact_scan_next(scan);
	TimedFact	fact = {0};
	bool		isnull;

	if (row != NULL)
	{
		fact.sequence_number = fact_sequence_number(row);
		fact.occurred_at = DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT, &isnull));
		fact.commit_position = factstr_commit_position(row);
	}
	fact_scan_end(scan);
	return fact;
}

/*
 * The newest fact from before a time, by bisection: times rise with the numbers.  Where the clock
 * was set back they do not, and it is one of several facts that could be meant.
 */
static TimedFact
newest_fact_before(const FactstrStore *store, Snapshot snapshot, TimestampTz time)
{
	TimedFact	found = {0};
	int64		upto = fact_head(store, snapshot).sequence_number;

	while (found.sequence_number < upto)
	{
		int64		middle = upto - (upto - found.sequence_number) / 2;
		TimedFact	fact = fact_from(store, snapshot, middle);

		if (fact.sequence_number != 0 && fact.occurred_at < time)
			found = fact;
		else
			upto = middle - 1;
	}
	return found;
}

/*
 * factstr_position_at(occurred_at): where the log stood at a time, for streams and readers that
 * are to begin there.  The fact at the position is on disk: after a crash another one might have
 * its number.
 */
Datum
factstr_position_at(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	Snapshot	snapshot;
	TimedFact	fact;

	argument_refuse_null(fcinfo, 0, "occurred_at");
	store = factstr_store(fcinfo);
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	fact = newest_fact_before(&store, snapshot, PG_GETARG_TIMESTAMPTZ(0));
	UnregisterSnapshot(snapshot);
	factstr_flush_before_answer(fact.commit_position);
	PG_RETURN_INT64(fact.sequence_number);
}

/* factstr_pending_pages(): how long the payload index's pending list is. */
Datum
factstr_pending_pages(PG_FUNCTION_ARGS)
{
	FactstrStore store = factstr_store(fcinfo);
	Relation	by_payload = index_open(store.by_payload, AccessShareLock);
	BlockNumber pages = pending_list_pages(by_payload);

	index_close(by_payload, NoLock);
	PG_RETURN_INT64((int64) pages);
}
