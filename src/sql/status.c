/*
 * sql/status.c
 *		What the views factstr_status and factstr_stream_status cannot find out by themselves.
 */
#include "postgres.h"

#include "access/genam.h"
#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "append/pending_list.h"
#include "commit/durability.h"
#include "read/facts.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_flushed);
PG_FUNCTION_INFO_V1(factstr_position_at);
PG_FUNCTION_INFO_V1(factstr_pending_pages);

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

	fs_argument_refuse_null(fcinfo, 0, "occurred_at");
	store = fs_store_of_call(fcinfo);
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	fact = fs_fact_newest_before(&store, snapshot, PG_GETARG_TIMESTAMPTZ(0));
	UnregisterSnapshot(snapshot);
	fs_durability_flush_before_answer(fact.commit_position);
	PG_RETURN_INT64(fact.sequence_number);
}

/*
 * factstr_flushed(sequence_number): the same number, when whatever the statement sees of the log is on disk. For
 * the views, which find numbers in the table: so their readers need no right to ask for the head, and learn
 * nothing here.
 */
Datum
factstr_flushed(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo);

	fs_argument_refuse_null(fcinfo, 0, "sequence_number");
	(void) fs_fact_head_to_tell(&store, GetActiveSnapshot());
	PG_RETURN_INT64(PG_GETARG_INT64(0));
}

/* factstr_pending_pages(): how long the payload index's pending list is. */
Datum
factstr_pending_pages(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo);
	Relation	by_payload = index_open(store.by_payload, AccessShareLock);
	BlockNumber pages = fs_pending_list_pages(by_payload);

	index_close(by_payload, NoLock);
	PG_RETURN_INT64((int64) pages);
}
