/*
 * streams/parking.c
 *		Batches of durable streams that were set aside.
 *
 * A stream can define after how many failures a batch is set aside, so that its consumer can continue: the cursor
 * moves over the batch, and a row keeps its numbers and the error.  Rows are added and removed under the stream's
 * lock.  A batch is either before a consumer or parked: when the cursor moves back before a parked batch, the
 * batch is no longer parked.
 *
 * A redaction erases the errors here, too (error_messages.c).  A batch is parked after a change of the stream's
 * row in the same transaction, and with the error in that row: so either the redaction waits for that row and
 * finds the batch here, or the error has been erased before.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat_scan.h"
#include "definition.h"
#include "rows.h"
#include "streams/parking.h"

/* Has the batch after the cursor failed often enough to be set aside? */
bool
fs_parking_is_due(const Stream *stream)
{
	return stream->park_after > 0 && stream->failure_count >= stream->park_after;
}

/* The stream after its cursor has moved over the batch, with the former number of failures. */
void
fs_parking_add(const FactstrStore *store, const Stream *stream, const FactBatch *batch)
{
	Relation	parked = fs_store_open_parked(store, RowExclusiveLock);
	Stream		moved = fs_stream_get(store, stream->name);
	Datum		values[FACTSTR_PARKED_COLUMNS];
	bool		nulls[FACTSTR_PARKED_COLUMNS] = {false};

	values[FACTSTR_PARKED_LOG - 1] = CStringGetTextDatum(store->log);
	values[FACTSTR_PARKED_STREAM - 1] = PointerGetDatum(stream->name);
	values[FACTSTR_PARKED_FIRST - 1] = Int64GetDatum(batch->first_sequence_number);
	values[FACTSTR_PARKED_LAST - 1] = Int64GetDatum(batch->last_sequence_number);
	values[FACTSTR_PARKED_FAILURE_COUNT - 1] = Int32GetDatum(stream->failure_count);
	values[FACTSTR_PARKED_ERROR - 1] = PointerGetDatum(moved.last_error);
	nulls[FACTSTR_PARKED_ERROR - 1] = moved.last_error == NULL;
	values[FACTSTR_PARKED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	fs_row_change_as_owner(parked, NULL, heap_form_tuple(RelationGetDescr(parked), values, nulls));
	table_close(parked, NoLock);
}

/*
 * Rows of a stream, in the order of the log
 */

typedef struct ParkedScan
{
	Relation	table;
	Relation	index;
	Snapshot	snapshot;
	IndexScanDesc scan;
	TupleTableSlot *row;
} ParkedScan;

/* The rows of batches that begin with this fact or a later one. */
static void
begin_scan(ParkedScan *scan, const FactstrStore *store, text *name, int64 first)
{
	ScanKeyData keys[3];

	ScanKeyEntryInitialize(&keys[0], 0, FACTSTR_PARKED_LOG, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, CStringGetTextDatum(store->log));
	ScanKeyEntryInitialize(&keys[1], 0, FACTSTR_PARKED_STREAM, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, PointerGetDatum(name));
	ScanKeyInit(&keys[2], FACTSTR_PARKED_FIRST, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
	scan->table = fs_store_open_parked(store, RowExclusiveLock);
	scan->index = index_open(fs_store_index_of_parked(scan->table), AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan->row = table_slot_create(scan->table, NULL);
	scan->scan = compat_index_beginscan(scan->table, scan->index, scan->snapshot, lengthof(keys));
	index_rescan(scan->scan, keys, lengthof(keys), NULL, 0);
}

static bool
next_row(ParkedScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->row);
}

static void
end_scan(ParkedScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->row);
	UnregisterSnapshot(scan->snapshot);
	index_close(scan->index, NoLock);
	table_close(scan->table, NoLock);
}

static int64
number_of(TupleTableSlot *row, int column)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, column, &isnull));
}

/* A redaction may have changed the row since, but nothing can have removed it. */
static void
remove_row(ParkedScan *scan)
{
	if (fs_row_lock(scan->table, scan->snapshot, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, scan->row) == TM_Ok)
		fs_row_change_as_owner(scan->table, ExecCopySlotHeapTuple(scan->row), NULL);
}

/* Removes the batch that begins with this fact, and returns its last one; false if there is none. */
bool
fs_parking_take(const FactstrStore *store, text *name, int64 first, int64 *last)
{
	ParkedScan	scan;
	bool		found;

	begin_scan(&scan, store, name, first);
	found = next_row(&scan) && number_of(scan.row, FACTSTR_PARKED_FIRST) == first;
	if (found)
	{
		*last = number_of(scan.row, FACTSTR_PARKED_LAST);
		remove_row(&scan);
	}
	end_scan(&scan);
	return found;
}

/* Has the stream any? */
bool
fs_parking_exists(const FactstrStore *store, text *name)
{
	ParkedScan	scan;
	bool		found;

	begin_scan(&scan, store, name, 0);
	found = next_row(&scan);
	end_scan(&scan);
	return found;
}

/* The cursor of the stream moves there: batches that end after it come again, or never if the stream is dropped. */
void
fs_parking_forget_after(const FactstrStore *store, text *name, int64 sequence_number)
{
	ParkedScan	scan;

	if (!OidIsValid(store->parked))
		return;
	begin_scan(&scan, store, name, 0);
	while (next_row(&scan))
	{
		if (number_of(scan.row, FACTSTR_PARKED_LAST) > sequence_number)
			remove_row(&scan);
	}
	end_scan(&scan);
}
