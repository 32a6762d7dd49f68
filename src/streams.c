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
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "streams.h"

/*
 * The view factstr_stream_status computes the same numbers.  Two names with one hash would wait for
 * each other, and nothing worse.
 */
static LOCKTAG
stream_lock_tag(const FactstrStore *store, text *name)
{
	uint64		hash = DatumGetUInt64(DirectFunctionCall2Coll(hashtextextended, C_COLLATION_OID,
															  PointerGetDatum(name),
															  Int64GetDatum(0)));
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, store->streams, (uint32) hash,
					   (uint16) ((hash >> 32) & 0x7FFF));
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
stream_of_row(HeapTuple row, TupleDesc columns)
{
	Stream		stream;
	bool		isnull;

	stream.row = row;
	stream.cursor = DatumGetInt64(heap_getattr(row, FACTSTR_STREAM_CURSOR, columns, &isnull));
	stream.query = factstr_parse_event_query(DatumGetJsonbP(heap_getattr(row, FACTSTR_STREAM_EVENT_QUERY,
																		 columns, &isnull)),
											 "event_query");
	return stream;
}

/* The stream of this name as it is now; its row is NULL if there is none. */
Stream
stream_find(const FactstrStore *store, text *name)
{
	Relation	streams = table_open(store->streams, AccessShareLock);
	Relation	index = index_open(store->streams_by_name, AccessShareLock);
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
		stream = stream_of_row(ExecCopySlotHeapTuple(row), RelationGetDescr(streams));

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

/* The rest of this file needs the stream's lock. */

void
stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);
	Datum		values[FACTSTR_STREAMS_COLUMNS] = {0};
	bool		nulls[FACTSTR_STREAMS_COLUMNS] = {false};

	values[FACTSTR_STREAM_NAME - 1] = PointerGetDatum(name);
	values[FACTSTR_STREAM_EVENT_QUERY - 1] = JsonbPGetDatum(event_query);
	values[FACTSTR_STREAM_CURSOR - 1] = Int64GetDatum(cursor);
	nulls[FACTSTR_STREAM_LAST_SUCCESS_AT - 1] = true;
	CatalogTupleInsert(streams, heap_form_tuple(RelationGetDescr(streams), values, nulls));
	table_close(streams, NoLock);
	CommandCounterIncrement();
}

/* Puts the cursor where it is told. */
void
stream_move(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);
	Datum		values[FACTSTR_STREAMS_COLUMNS] = {0};
	bool		nulls[FACTSTR_STREAMS_COLUMNS] = {false};
	bool		replaced[FACTSTR_STREAMS_COLUMNS] = {false};
	HeapTuple	row;

	values[FACTSTR_STREAM_CURSOR - 1] = Int64GetDatum(cursor);
	replaced[FACTSTR_STREAM_CURSOR - 1] = true;
	values[FACTSTR_STREAM_LAST_SUCCESS_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	replaced[FACTSTR_STREAM_LAST_SUCCESS_AT - 1] = true;
	row = heap_modify_tuple(stream->row, RelationGetDescr(streams), values, nulls, replaced);
	CatalogTupleUpdate(streams, &stream->row->t_self, row);
	table_close(streams, NoLock);
	CommandCounterIncrement();
}

void
stream_delete(const FactstrStore *store, const Stream *stream)
{
	Relation	streams = table_open(store->streams, RowExclusiveLock);

	CatalogTupleDelete(streams, &stream->row->t_self);
	table_close(streams, NoLock);
	CommandCounterIncrement();
}
