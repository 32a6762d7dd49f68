/*
 * streams.c
 *		Durable streams: their rows, and the lock of the one consumer.
 *
 * A stream belongs to the transaction that holds its lock, which ends with the transaction: a
 * consumer that died does not block its successor.  It is an object lock whose class is the table
 * of streams, numbered by a hash of the name, so that any change to a row is made under its lock;
 * rows are read with a snapshot taken after it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "row_change.h"
#include "streams.h"
#include "wakeup.h"

/*
 * What stands for the name where there is no room for it: 47 bits, as many as a lock has.  The view
 * factstr_stream_status computes the same.
 */
uint64
stream_hash(text *name)
{
	uint64		hash = DatumGetUInt64(DirectFunctionCall2Coll(hashtextextended, C_COLLATION_OID,
															  PointerGetDatum(name),
															  Int64GetDatum(0)));

	return hash & UINT64CONST(0x7FFFFFFFFFFF);
}

/* Two names with one hash would take turns, or find each other active. */
static LOCKTAG
stream_lock_tag(const FactstrStore *store, text *name)
{
	uint64		hash = stream_hash(name);
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, store->streams, (uint32) hash, (uint16) (hash >> 32));
	return tag;
}

/* Takes the stream until the end of the transaction; with nowait raises "already active" instead. */
void
stream_lock(const FactstrStore *store, text *name, bool nowait)
{
	LOCKTAG		tag = stream_lock_tag(store, name);

	if (LockAcquire(&tag, ExclusiveLock, false, nowait) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_ACTIVE),
				 errmsg("durable stream \"%s\" is already active", text_to_cstring(name)),
				 errhint("The view factstr_stream_status shows its consumer; without nowait the call waits for it.")));
}

static Stream
stream_of_row(TupleTableSlot *row)
{
	Stream		stream = {0};
	bool		isnull;
	Datum		value = slot_getattr(row, FACTSTR_STREAM_EVENT_QUERY, &isnull);

	stream.row = ExecCopySlotHeapTuple(row);
	stream.query = factstr_parse_event_query(DatumGetJsonbPCopy(value), "event_query");
	stream.name = DatumGetTextPCopy(slot_getattr(row, FACTSTR_STREAM_NAME, &isnull));
	stream.cursor = DatumGetInt64(slot_getattr(row, FACTSTR_STREAM_CURSOR, &isnull));
	stream.failure_count = DatumGetInt32(slot_getattr(row, FACTSTR_STREAM_FAILURE_COUNT, &isnull));
	value = slot_getattr(row, FACTSTR_STREAM_HANDLER, &isnull);
	stream.handler = isnull ? NULL : TextDatumGetCString(value);
	value = slot_getattr(row, FACTSTR_STREAM_SUBSCRIBER, &isnull);
	stream.subscriber = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	value = slot_getattr(row, FACTSTR_STREAM_RETRY_AT, &isnull);
	stream.retry_at = isnull ? 0 : DatumGetTimestampTz(value);
	return stream;
}

static Oid
index_of_names(Relation streams)
{
	Oid			index = factstr_primary_key(streams);

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of extension factstr has no usable primary key",
						RelationGetRelationName(streams)),
				 errhint("Add it again: PRIMARY KEY (name).")));
	return index;
}

/* The stream of this name as it is now; its row is NULL if there is none. */
Stream
stream_find(const FactstrStore *store, text *name)
{
	Relation	streams = table_open(store->streams, AccessShareLock);
	Relation	index = index_open(index_of_names(streams), AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Stream		stream = {NULL};
	ScanKeyData key;
	IndexScanDesc scan;

	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, PointerGetDatum(name));
	scan = factstr_index_beginscan(streams, index, snapshot, 1);
	index_rescan(scan, &key, 1, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, row))
		stream = stream_of_row(row);

	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	table_close(streams, NoLock);
	return stream;
}

/* The same, but a stream that does not exist is an error. */
Stream
stream_get(const FactstrStore *store, text *name)
{
	Stream		stream = stream_find(store, name);

	if (stream.row == NULL)
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_NO_SUCH_STREAM),
				 errmsg("durable stream \"%s\" does not exist", text_to_cstring(name)),
				 errhint("Open it with factstr_stream_open.")));
	return stream;
}

/* The names of all streams with a handler. */
List *
stream_list_subscribed(const FactstrStore *store)
{
	Relation	streams = table_open(store->streams, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(streams, snapshot, 0, NULL);
	List	   *names = NIL;
	bool		isnull;

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		Datum		name = slot_getattr(row, FACTSTR_STREAM_NAME, &isnull);

		(void) slot_getattr(row, FACTSTR_STREAM_HANDLER, &isnull);
		if (!isnull)
			names = lappend(names, DatumGetTextPCopy(name));
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	return names;
}

/*
 * Changes.  They need the stream's lock, so nobody else can have changed the row meanwhile.
 */

void
stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);
	int			columns = RelationGetNumberOfAttributes(streams);
	Datum	   *values = palloc0(columns * sizeof(Datum));
	bool	   *nulls = palloc(columns * sizeof(bool));

	memset(nulls, true, columns * sizeof(bool));
	values[FACTSTR_STREAM_NAME - 1] = PointerGetDatum(name);
	nulls[FACTSTR_STREAM_NAME - 1] = false;
	values[FACTSTR_STREAM_EVENT_QUERY - 1] = JsonbPGetDatum(event_query);
	nulls[FACTSTR_STREAM_EVENT_QUERY - 1] = false;
	values[FACTSTR_STREAM_CURSOR - 1] = Int64GetDatum(cursor);
	nulls[FACTSTR_STREAM_CURSOR - 1] = false;
	values[FACTSTR_STREAM_FAILURE_COUNT - 1] = Int32GetDatum(0);
	nulls[FACTSTR_STREAM_FAILURE_COUNT - 1] = false;
	change_row(streams, NULL, heap_form_tuple(RelationGetDescr(streams), values, nulls));
	table_close(streams, NoLock);
}

/* New values for some columns of a stream. */
typedef struct StreamChange
{
	int			count;
	int			columns[FACTSTR_STREAM_RETRY_AT];
	Datum		values[FACTSTR_STREAM_RETRY_AT];
	bool		nulls[FACTSTR_STREAM_RETRY_AT];
} StreamChange;

static void
set_column(StreamChange *change, int column, Datum value)
{
	change->columns[change->count] = column;
	change->values[change->count] = value;
	change->nulls[change->count++] = false;
}

static void
set_column_null(StreamChange *change, int column)
{
	set_column(change, column, (Datum) 0);
	change->nulls[change->count - 1] = true;
}

/* If the handler was to be tried again later, it is no longer. */
static void
end_pause(StreamChange *change, const Stream *stream)
{
	if (stream->failure_count == 0)
		return;
	set_column(change, FACTSTR_STREAM_FAILURE_COUNT, Int32GetDatum(0));
	set_column_null(change, FACTSTR_STREAM_RETRY_AT);
}

static void
apply_change(const FactstrStore *store, const Stream *stream, StreamChange *change)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);

	change_row(streams, stream->row,
			   heap_modify_tuple_by_cols(stream->row, RelationGetDescr(streams), change->count,
										 change->columns, change->values, change->nulls));
	table_close(streams, NoLock);
	wakeup_at_commit(wakeup_of_stream(stream_hash(stream->name)));
}

/* Puts the cursor where it is told. */
void
stream_move(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_column(&change, FACTSTR_STREAM_CURSOR, Int64GetDatum(cursor));
	set_column(&change, FACTSTR_STREAM_LAST_SUCCESS_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

void
stream_subscribe(const FactstrStore *store, const Stream *stream, const char *handler,
				 const char *subscriber)
{
	StreamChange change = {0};
	NameData	role;

	namestrcpy(&role, subscriber);
	set_column(&change, FACTSTR_STREAM_HANDLER, CStringGetTextDatum(handler));
	set_column(&change, FACTSTR_STREAM_SUBSCRIBER, NameGetDatum(&role));
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

void
stream_unsubscribe(const FactstrStore *store, const Stream *stream)
{
	StreamChange change = {0};

	set_column_null(&change, FACTSTR_STREAM_HANDLER);
	set_column_null(&change, FACTSTR_STREAM_SUBSCRIBER);
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

/* The handler has failed, and is to be tried again then. */
void
stream_fail(const FactstrStore *store, const Stream *stream, const char *error,
			TimestampTz retry_at)
{
	StreamChange change = {0};

	set_column(&change, FACTSTR_STREAM_FAILURE_COUNT, Int32GetDatum(stream->failure_count + 1));
	set_column(&change, FACTSTR_STREAM_LAST_ERROR, CStringGetTextDatum(error));
	set_column(&change, FACTSTR_STREAM_LAST_FAILED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	set_column(&change, FACTSTR_STREAM_RETRY_AT, TimestampTzGetDatum(retry_at));
	apply_change(store, stream, &change);
}

void
stream_delete(const FactstrStore *store, const Stream *stream)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);

	change_row(streams, stream->row, NULL);
	table_close(streams, NoLock);
	wakeup_at_commit(wakeup_of_stream(stream_hash(stream->name)));
}
