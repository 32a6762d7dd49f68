/*
 * streams/streams.c
 *		Durable streams: their rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "definition.h"
#include "errors.h"
#include "rows.h"
#include "streams/last_written.h"
#include "streams/lock.h"
#include "streams/streams.h"

/*
 * A column that 0.1.0 did not have.  It is missing in a database that still has 0.1.0, which does not need it;
 * after an update, columns that users have added precede it.
 */
static AttrNumber
later_column(TupleDesc streams, const char *name, Oid type)
{
	int			column = SPI_fnumber(streams, name);

	return column > FACTSTR_STREAM_RETRY_AT && SPI_gettypeid(streams, column) == type ?
		column : InvalidAttrNumber;
}

static AttrNumber
token_column(TupleDesc streams)
{
	return later_column(streams, "token", INT8OID);
}

/* The number of failures after which a batch is set aside. */
static AttrNumber
park_after_column(TupleDesc streams)
{
	return later_column(streams, "park_after", INT4OID);
}

/*
 * When a worker's process announced a delivery.  A row that has not changed since its insertion comes from a dump.
 */
static AttrNumber
announced_column(TupleDesc streams)
{
	return later_column(streams, "announced_at", TIMESTAMPTZOID);
}

static Stream
stream_of_row(TupleTableSlot *row)
{
	Stream		stream = {0};
	bool		isnull;
	Datum		value = slot_getattr(row, FACTSTR_STREAM_EVENT_QUERY, &isnull);

	stream.row = ExecCopySlotHeapTuple(row);
	stream.query_document = DatumGetJsonbPCopy(value);
	stream.query = fs_query_parse(stream.query_document, "event_query");
	stream.name = DatumGetTextPCopy(slot_getattr(row, FACTSTR_STREAM_NAME, &isnull));
	stream.cursor = DatumGetInt64(slot_getattr(row, FACTSTR_STREAM_CURSOR, &isnull));
	stream.failure_count = DatumGetInt32(slot_getattr(row, FACTSTR_STREAM_FAILURE_COUNT, &isnull));
	value = slot_getattr(row, FACTSTR_STREAM_HANDLER, &isnull);
	stream.handler = isnull ? NULL : TextDatumGetCString(value);
	value = slot_getattr(row, FACTSTR_STREAM_SUBSCRIBER, &isnull);
	stream.subscriber = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
	value = slot_getattr(row, FACTSTR_STREAM_LAST_FAILED_AT, &isnull);
	stream.last_failed_at = isnull ? 0 : DatumGetTimestampTz(value);
	value = slot_getattr(row, FACTSTR_STREAM_RETRY_AT, &isnull);
	stream.retry_at = isnull ? 0 : DatumGetTimestampTz(value);
	value = slot_getattr(row, FACTSTR_STREAM_LAST_ERROR, &isnull);
	stream.last_error = isnull ? NULL : DatumGetTextPCopy(value);
	stream.token_column = token_column(row->tts_tupleDescriptor);
	if (stream.token_column != InvalidAttrNumber)
		stream.token = DatumGetInt64(slot_getattr(row, stream.token_column, &isnull));
	stream.park_after_column = park_after_column(row->tts_tupleDescriptor);
	if (stream.park_after_column != InvalidAttrNumber)
		stream.park_after = DatumGetInt32(slot_getattr(row, stream.park_after_column, &isnull));
	stream.announced_column = announced_column(row->tts_tupleDescriptor);
	if (stream.announced_column != InvalidAttrNumber)
		stream.has_announcement = !slot_attisnull(row, stream.announced_column);
	stream.is_announced = stream.has_announcement && (stream.row->t_data->t_infomask & HEAP_UPDATED) != 0;
	return stream;
}

/* The only row with this name. */
static bool
find_row(Relation streams, const char *log, text *name, Snapshot snapshot, TupleTableSlot *row)
{
	Oid			index = fs_store_index_of_streams(streams);
	bool		has_logs = fs_row_log_column(RelationGetDescr(streams)) != InvalidAttrNumber;

	if (fs_last_written_find(streams, log, name, snapshot, row) && fs_row_is_of_log(row, log))
		return true;
	if (!has_logs)
		return fs_row_find_by_text(streams, index, snapshot, PointerGetDatum(name), row);
	return fs_row_find_by_texts(streams, index, snapshot, PointerGetDatum(name),
								PointerGetDatum(cstring_to_text(log)), row);
}

/* The current stream with this name; its row is NULL if there is none. */
Stream
fs_stream_find(const FactstrStore *store, text *name)
{
	Relation	streams = fs_store_open_streams(store, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Stream		stream = {NULL};

	if (find_row(streams, store->log, name, snapshot, row))
		stream = stream_of_row(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	return stream;
}

/* The name of a partition, which is itself a stream: streams/partitions.c. */
text *
fs_stream_partition_name(text *stream, int number)
{
	return cstring_to_text(psprintf("%s#%d", text_to_cstring(stream), number));
}

static void
refuse_missing(const FactstrStore *store, text *name)
{
	text	   *partition = fs_stream_partition_name(name, 0);
	Stream		first = fs_stream_find(store, partition);

	if (first.row != NULL && first.query->partition.count > 0)
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_NO_SUCH_STREAM),
				 errmsg("durable stream \"%s\" has partitions", text_to_cstring(name)),
				 errhint("Name one of them, such as \"%s\"; factstr_stream_take_partition finds a free one.",
						 text_to_cstring(partition))));
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_NO_SUCH_STREAM),
			 errmsg("durable stream \"%s\" does not exist", text_to_cstring(name)),
			 errhint("Open it with factstr_stream_open.")));
}

/* The stream with this name; if it does not exist, that is an error. */
Stream
fs_stream_get(const FactstrStore *store, text *name)
{
	Stream		stream = fs_stream_find(store, name);

	if (stream.row == NULL)
		refuse_missing(store, name);
	return stream;
}

/* A new one, at this cursor. */
void
fs_stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor)
{
	Relation	streams = fs_store_open_streams(store, RowExclusiveLock);
	AttrNumber	tokens = token_column(RelationGetDescr(streams));
	AttrNumber	log = fs_row_log_column(RelationGetDescr(streams));
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
	if (tokens != InvalidAttrNumber)
	{
		values[tokens - 1] = Int64GetDatum(0);
		nulls[tokens - 1] = false;
	}
	if (log != InvalidAttrNumber)
	{
		values[log - 1] = CStringGetTextDatum(store->log);
		nulls[log - 1] = false;
	}
	fs_row_change(streams, NULL, heap_form_tuple(RelationGetDescr(streams), values, nulls));
	table_close(streams, NoLock);
}
