/*
 * streams/error_messages.c
 *		Messages of streams' errors, which a redaction erases.
 *
 * A message may quote the content of a fact, and does not tell which one.  So a redaction erases the
 * messages of all streams of the log and of their parked batches, and a failure that is recorded after it, for a
 * batch that was read before it, leaves none.  Each of the two writes first and then looks for the other,
 * committed or not, so at least one of them sees the other.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat_scan.h"
#include "definition.h"
#include "rows.h"
#include "streams/error_messages.h"

/* The replacement of an erased message. */
#define ERASED_MESSAGE "message erased by a redaction"

/* Keeps the SQLSTATE before the message of a handler's error.  A client's error may begin with anything. */
text *
fs_stream_error_without_message(const char *error, bool is_of_handler)
{
	bool		has_state = is_of_handler &&
	strspn(error, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && strncmp(error + 5, ": ", 2) == 0;

	return cstring_to_text(psprintf("%.*s%s", has_state ? 7 : 0, error, ERASED_MESSAGE));
}

/* The error of a stream's row without its message; NULL if there is nothing to erase. */
static text *
erased_error(TupleTableSlot *row)
{
	bool		is_null;
	bool		has_no_handler;
	Datum		error = slot_getattr(row, FACTSTR_STREAM_LAST_ERROR, &is_null);
	text	   *erased;

	if (is_null)
		return NULL;
	(void) slot_getattr(row, FACTSTR_STREAM_HANDLER, &has_no_handler);
	erased = fs_stream_error_without_message(TextDatumGetCString(error), !has_no_handler);
	return DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, PointerGetDatum(erased),
												error)) ? NULL : erased;
}

/* The row that was found may have been changed or deleted since. */
static void
erase_error(Relation streams, Snapshot snapshot, TupleTableSlot *row)
{
	int			column = FACTSTR_STREAM_LAST_ERROR;
	bool		is_null = false;
	HeapTuple	newest;
	Datum		erased;

	if (fs_row_lock(streams, snapshot, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, row) != TM_Ok ||
		(erased = PointerGetDatum(erased_error(row))) == (Datum) 0)
		return;
	newest = ExecCopySlotHeapTuple(row);
	fs_row_change(streams, newest, heap_modify_tuple_by_cols(newest, RelationGetDescr(streams), 1, &column,
															 &erased, &is_null));
}

/*
 * Erases the messages.  If another transaction is writing a row with a message, waits for it instead, and returns
 * false.
 */
static bool
erase_errors(Relation streams, const char *log)
{
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Relation	index = index_open(fs_definition_require_index(INDEX_OF_ERRORS, FACTSTR_MAIN_LOG, streams),
								   AccessShareLock);
	SnapshotData dirty;
	IndexScanDesc scan;
	TransactionId writer = InvalidTransactionId;

	InitDirtySnapshot(dirty);
	scan = compat_index_beginscan(streams, index, &dirty, 0);
	index_rescan(scan, NULL, 0, NULL, 0);
	while (!TransactionIdIsValid(writer) && index_getnext_slot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		if (!fs_row_is_of_log(row, log) || erased_error(row) == NULL)
			continue;
		writer = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
		if (!TransactionIdIsValid(writer))
			erase_error(streams, snapshot, row);
	}
	index_endscan(scan);
	index_close(index, NoLock);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	if (TransactionIdIsValid(writer))
		XactLockTableWait(writer, streams, NULL, XLTW_None);
	return !TransactionIdIsValid(writer);
}

/* The same of a parked batch. */
static void
erase_parked_error(Relation parked, Snapshot snapshot, TupleTableSlot *row)
{
	int			column = FACTSTR_PARKED_ERROR;
	bool		isnull;
	Datum		error;
	HeapTuple	newest;

	if (fs_row_lock(parked, snapshot, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, row) != TM_Ok)
		return;
	error = slot_getattr(row, column, &isnull);
	if (isnull)
		return;
	error = PointerGetDatum(fs_stream_error_without_message(TextDatumGetCString(error), true));
	newest = ExecCopySlotHeapTuple(row);
	fs_row_change(parked, newest, heap_modify_tuple_by_cols(newest, RelationGetDescr(parked), 1, &column,
															&error, &isnull));
}

static bool
has_parked_message(const char *log, TupleTableSlot *row)
{
	bool		isnull;
	char	   *log_of_row = TextDatumGetCString(slot_getattr(row, FACTSTR_PARKED_LOG, &isnull));
	Datum		error = slot_getattr(row, FACTSTR_PARKED_ERROR, &isnull);
	char	   *text_of_error = isnull ? NULL : TextDatumGetCString(error);

	return !isnull && strcmp(log_of_row, log) == 0 &&
		strcmp(text_to_cstring(fs_stream_error_without_message(text_of_error, true)), text_of_error) != 0;
}

/* Once the messages of the streams are erased, no batch can be parked with an old one. */
static void
erase_parked_errors(const FactstrStore *store)
{
	Relation	parked;
	TupleTableSlot *row;
	Snapshot	snapshot;
	TableScanDesc scan;

	if (!OidIsValid(store->parked))
		return;
	parked = fs_store_open_parked(store, RowExclusiveLock);
	row = table_slot_create(parked, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = compat_table_beginscan(parked, snapshot);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		if (has_parked_message(store->log, row))
			erase_parked_error(parked, snapshot, row);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(parked, NoLock);
}

/*
 * Called after a redaction has been recorded.  Once for a statement of many redactions: a consumer that fails later
 * sees the first of them.
 */
void
fs_stream_errors_erase(const FactstrStore *store)
{
	static FullTransactionId transaction;
	static SubTransactionId subtransaction;
	static TimestampTz statement;
	static Oid	events;
	Relation	streams;

	if (FullTransactionIdEquals(transaction, GetTopFullTransactionId()) &&
		subtransaction == GetCurrentSubTransactionId() &&
		statement == GetCurrentStatementStartTimestamp() && events == store->events)
		return;
	streams = fs_store_open_streams(store, RowExclusiveLock);
	while (!erase_errors(streams, store->log))
		continue;
	table_close(streams, NoLock);
	erase_parked_errors(store);
	transaction = GetTopFullTransactionId();
	subtransaction = GetCurrentSubTransactionId();
	statement = GetCurrentStatementStartTimestamp();
	events = store->events;
}

/* Has this transaction id or a later one redacted anything, or is it doing so? */
bool
fs_stream_errors_redacted_since(const FactstrStore *store, TransactionId oldest)
{
	Relation	redactions;
	bool		found;

	if (!OidIsValid(store->redactions))
		return false;
	redactions = fs_store_open_redactions(store, AccessShareLock);
	found = fs_row_any_since(redactions, oldest);
	table_close(redactions, NoLock);
	return found;
}
