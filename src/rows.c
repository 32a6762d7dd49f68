/*
 * rows.c
 *		Single rows of the extension's tables: found by a key, and changed with their index entries.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "compat_scan.h"
#include "rows.h"

void
fs_row_add_context(void *context)
{
	errcontext("fact " INT64_FORMAT, ((FactContext *) context)->sequence_number);
}

/*
 * The log of a stream's row.  Columns that users added before the update from 0.1.0 may precede that of the log; in
 * a database that still has 0.1.0 there is none, and all streams belong to main.
 */
AttrNumber
fs_row_log_column(TupleDesc streams)
{
	int			column = SPI_fnumber(streams, "log");

	return column > FACTSTR_STREAM_RETRY_AT && SPI_gettypeid(streams, column) == TEXTOID ?
		column : InvalidAttrNumber;
}

bool
fs_row_is_of_log(TupleTableSlot *row, const char *log)
{
	AttrNumber	column = fs_row_log_column(row->tts_tupleDescriptor);
	bool		isnull;
	text	   *value;

	if (column == InvalidAttrNumber)
		return strcmp(log, FACTSTR_MAIN_LOG) == 0;
	value = DatumGetTextPP(slot_getattr(row, column, &isnull));
	return VARSIZE_ANY_EXHDR(value) == strlen(log) && memcmp(VARDATA_ANY(value), log, strlen(log)) == 0;
}

/*
 * Look-up.  The keys are the first columns of an index.  The row, which the snapshot sees, goes into the
 * caller's slot; without one, false is returned.
 */

static bool
find_row(Relation table, Oid index_oid, Snapshot snapshot, ScanKey keys, int key_count, TupleTableSlot *row)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	IndexScanDesc scan = compat_index_beginscan(table, index, snapshot, key_count);
	bool		found;

	index_rescan(scan, keys, key_count, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row);
	index_endscan(scan);
	index_close(index, NoLock);
	return found;
}

/* By a text of collation "C". */
bool
fs_row_find_by_text(Relation table, Oid index, Snapshot snapshot, Datum key, TupleTableSlot *row)
{
	ScanKeyData scan_key;

	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, key);
	return find_row(table, index, snapshot, &scan_key, 1, row);
}

/* By two of them. */
bool
fs_row_find_by_texts(Relation table, Oid index, Snapshot snapshot, Datum key, Datum second_key,
					 TupleTableSlot *row)
{
	ScanKeyData keys[2];

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ, key);
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ, second_key);
	return find_row(table, index, snapshot, keys, 2, row);
}

bool
fs_row_find_by_number(Relation table, Oid index, Snapshot snapshot, int64 key, TupleTableSlot *row)
{
	ScanKeyData scan_key;

	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key));
	return find_row(table, index, snapshot, &scan_key, 1, row);
}

/* By its location, which may contain anything by now, or no longer exist. */
bool
fs_row_fetch(Relation table, ItemPointer place, Snapshot snapshot, TupleTableSlot *row)
{
	return ItemPointerIsValid(place) &&
		ItemPointerGetBlockNumber(place) < RelationGetNumberOfBlocks(table) &&
		table_tuple_fetch_row_version(table, place, snapshot, row);
}

static TM_Result
lock_row(Relation table, Snapshot snapshot, uint8 flags, LockWaitPolicy policy, TupleTableSlot *row)
{
	ItemPointerData place = row->tts_tid;
	TM_FailureData failure;

	return table_tuple_lock(table, &place, snapshot, row, GetCurrentCommandId(false),
							LockTupleNoKeyExclusive, policy, flags, &failure);
}

/*
 * Locks a row that was found against changes until the end of the transaction; with
 * TUPLE_LOCK_FLAG_FIND_LAST_VERSION the newest version of it, which goes into the slot.
 */
TM_Result
fs_row_lock(Relation table, Snapshot snapshot, uint8 flags, TupleTableSlot *row)
{
	return lock_row(table, snapshot, flags, LockWaitBlock, row);
}

/* The same for the newest version; false if that would require waiting, or the row no longer exists. */
bool
fs_row_try_lock(Relation table, Snapshot snapshot, TupleTableSlot *row)
{
	return lock_row(table, snapshot, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, LockWaitSkip, row) == TM_Ok;
}

/* Has this transaction id or a later one written a row of the table, committed or not? */
bool
fs_row_any_since(Relation table, TransactionId oldest)
{
	TupleTableSlot *row = table_slot_create(table, NULL);
	TableScanDesc scan = compat_table_beginscan(table, SnapshotAny);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, NULL);
		TransactionId writer = HeapTupleHeaderGetXmin(tuple->t_data);

		CHECK_FOR_INTERRUPTS();
		found = TransactionIdIsNormal(writer) && !TransactionIdPrecedes(writer, oldest) &&
			!TransactionIdDidAbort(writer);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	return found;
}

/*
 * Replaces a row, or, if one of them is NULL, inserts or deletes it.  Constraints are checked, indexes updated, row
 * triggers fired; statement triggers are not, because there is no statement.  The caller must prevent concurrent
 * changes of the row.  The new tuple receives its location.
 */
void
fs_row_change(Relation table, HeapTuple old_tuple, HeapTuple new_tuple)
{
	TupleTableSlot *old_row = table_slot_create(table, NULL);
	TupleTableSlot *new_row = MakeSingleTupleTableSlot(RelationGetDescr(table),
													   &TTSOpsHeapTuple);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result_relation = makeNode(ResultRelInfo);
	EPQState	epq;

	/* Triggers before the change lock the row as of this command. */
	estate->es_output_cid = GetCurrentCommandId(true);
	InitResultRelInfo(result_relation, table, 0, NULL, 0);
	compat_register_result_relation(estate, result_relation);
	ExecOpenIndices(result_relation, false);
	compat_eval_plan_qual_init(&epq, estate);
	AfterTriggerBeginQuery();

	if (old_tuple != NULL)
		compat_force_store_heap_tuple(old_tuple, old_row);
	if (new_tuple != NULL)
		ExecStoreHeapTuple(new_tuple, new_row, false);
	if (old_tuple == NULL)
		compat_simple_insert(result_relation, estate, new_row);
	else if (new_tuple == NULL)
		compat_simple_delete(result_relation, estate, &epq, old_row);
	else
		compat_simple_update(result_relation, estate, &epq, old_row, new_row);

	if (new_tuple != NULL)
		new_tuple->t_self = new_row->tts_tid;
	AfterTriggerEndQuery(estate);
	EvalPlanQualEnd(&epq);
	ExecCloseIndices(result_relation);
	ExecDropSingleTupleTableSlot(old_row);
	ExecDropSingleTupleTableSlot(new_row);
	/* Triggers use separate slots. */
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
	CommandCounterIncrement();
}

/*
 * The same, as the owner of the table.  A trigger that the owner has created runs with the owner's rights, not
 * those of the session's role, and leaves nothing behind; a worker has no snapshot for it.
 */
void
fs_row_change_as_owner(Relation table, HeapTuple old_row, HeapTuple new_row)
{
	int			settings = NewGUCNestLevel();
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(table->rd_rel->relowner,
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	fs_row_change(table, old_row, new_row);
	PopActiveSnapshot();
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(user, context);
}
