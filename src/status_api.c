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

/*
 * The newest fact from before a time, by bisection: times rise with the numbers.  Where the clock
 * was set back they do not, and it is one of several facts that could be meant.
 */
static FactHeading
newest_fact_before(const FactstrStore *store, Snapshot snapshot, TimestampTz time)
{
	FactHeading found = {0};
	int64		upto = fact_head(store, snapshot).sequence_number;

	while (found.sequence_number < upto)
	{
		int64		middle = upto - (upto - found.sequence_number) / 2;
		FactHeading fact = fact_first_after(store, snapshot, middle - 1);

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
	FactHeading fact;

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
