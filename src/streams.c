/*
 * streams.c
 *		Durable streams: their rows, which are changed under the stream's lock only.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "errors.h"
#include "row_change.h"
#include "row_lookup.h"
#include "stream_lock.h"
#include "streams.h"
#include "wakeup.h"

/* How many columns a change may set. */
#define CHANGED_COLUMNS (FACTSTR_STREAM_RETRY_AT + 1)

/*
 * The column of tokens.  In a database that still has 0.1.0 there is none, and nobody who needs one; in one
 * that was updated, columns that somebody had added are before it.
 */
static AttrNumber
token_column(TupleDesc streams)
{
	int			column = SPI_fnumber(streams, "token");

	return column > FACTSTR_STREAM_RETRY_AT && SPI_gettypeid(streams, column) == INT8OID ?
		column : InvalidAttrNumber;
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
	stream.token_column = token_column(row->tts_tupleDescriptor);
	if (stream.token_column != InvalidAttrNumber)
		stream.token = DatumGetInt64(slot_getattr(row, stream.token_column, &isnull));
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
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Stream		stream = {NULL};

	if (find_row_by_text(streams, index_of_names(streams), snapshot, PointerGetDatum(name), row))
		stream = stream_of_row(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
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
	AttrNumber	tokens = token_column(RelationGetDescr(streams));
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
	change_row(streams, NULL, heap_form_tuple(RelationGetDescr(streams), values, nulls));
	table_close(streams, NoLock);
}

/* New values for some columns of a stream. */
typedef struct StreamChange
{
	int			count;
	int			columns[CHANGED_COLUMNS];
	Datum		values[CHANGED_COLUMNS];
	bool		nulls[CHANGED_COLUMNS];
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

static void
set_token(StreamChange *change, const Stream *stream, int64 token)
{
	if (stream->token_column != InvalidAttrNumber)
		set_column(change, stream->token_column, Int64GetDatum(token));
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

static void
set_cursor(StreamChange *change, const Stream *stream, int64 cursor)
{
	set_column(change, FACTSTR_STREAM_CURSOR, Int64GetDatum(cursor));
	set_column(change, FACTSTR_STREAM_LAST_SUCCESS_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	end_pause(change, stream);
}

/*
 * Never used before, not even by a stream of this name that was dropped meanwhile: each transaction that
 * takes a stream has a higher id.  A restored database has lower ones than its dump's, hence the maximum.
 */
static int64
next_token(const Stream *stream)
{
	return Max(stream->token + 1, (int64) U64FromFullTransactionId(GetTopFullTransactionId()));
}

/* A consumer has got on.  If it does not hold the stream, it has taken it from whoever did. */
void
stream_move(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	if (!stream_is_held(store, stream->name))
		set_token(&change, stream, next_token(stream));
	apply_change(store, stream, &change);
}

/* Puts the cursor where it is told; the consumer stays the same. */
void
stream_seek(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	apply_change(store, stream, &change);
}

/* The stream has a new consumer, which does not wait; returns its token. */
int64
stream_hand_over(const FactstrStore *store, const Stream *stream)
{
	StreamChange change = {0};
	int64		token = next_token(stream);

	set_token(&change, stream, token);
	set_column_null(&change, FACTSTR_STREAM_RETRY_AT);
	apply_change(store, stream, &change);
	return token;
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

/* An error may quote a payload; so much of it is kept.  In bytes. */
#define LONGEST_ERROR 1000

/* The batch after the cursor has failed, and is to be tried again then; 0: nobody says when. */
void
stream_fail(const FactstrStore *store, const Stream *stream, const char *error,
			TimestampTz retry_at)
{
	StreamChange change = {0};
	int			length = pg_mbcliplen(error, (int) strlen(error), LONGEST_ERROR);

	set_column(&change, FACTSTR_STREAM_FAILURE_COUNT, Int32GetDatum(stream->failure_count + 1));
	set_column(&change, FACTSTR_STREAM_LAST_ERROR,
			   PointerGetDatum(cstring_to_text_with_len(error, length)));
	set_column(&change, FACTSTR_STREAM_LAST_FAILED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	if (retry_at != 0)
		set_column(&change, FACTSTR_STREAM_RETRY_AT, TimestampTzGetDatum(retry_at));
	else
		set_column_null(&change, FACTSTR_STREAM_RETRY_AT);
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
