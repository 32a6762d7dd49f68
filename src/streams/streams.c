/*
 * streams/streams.c
 *		Durable streams: their rows, which are changed under the stream's lock only.
 *
 * With one exception: a redaction erases the messages of errors even while others hold the streams.  So a change is
 * made to the newest version of a row, which it locks first.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "definition.h"
#include "errors.h"
#include "rows.h"
#include "streams/error_messages.h"
#include "streams/last_written.h"
#include "streams/lock.h"
#include "streams/streams.h"

/* How many columns a change may set. */
#define CHANGED_COLUMNS (FACTSTR_STREAM_RETRY_AT + 2)

/*
 * A column that 0.1.0 did not have.  In a database that still has 0.1.0 there is none, and nobody who needs one; in
 * one that was updated, columns that somebody had added are before it.
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

/* After how many failures a batch is set aside. */
static AttrNumber
park_after_column(TupleDesc streams)
{
	return later_column(streams, "park_after", INT4OID);
}

/* When a worker's process has begun to deliver. */
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
		stream.is_announced = !slot_attisnull(row, stream.announced_column);
	return stream;
}

/* The row of that name, of which there is but one. */
static bool
find_row(Relation streams, text *name, Snapshot snapshot, TupleTableSlot *row)
{
	Oid			index = fs_store_index_of_streams(streams);

	return fs_last_written_find(streams, name, snapshot, row) ||
		fs_row_find_by_text(streams, index, snapshot, PointerGetDatum(name), row);
}

/* The stream of this name as it is now; its row is NULL if there is none. */
Stream
fs_stream_find(const FactstrStore *store, text *name)
{
	Relation	streams = fs_store_open_streams(store, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Stream		stream = {NULL};

	if (find_row(streams, name, snapshot, row))
		stream = stream_of_row(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	return stream;
}

/* The name of a partition, which is a stream of its own: streams/partitions.c. */
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

/* The stream of this name; if it does not exist, that is an error. */
Stream
fs_stream_get(const FactstrStore *store, text *name)
{
	Stream		stream = fs_stream_find(store, name);

	if (stream.row == NULL)
		refuse_missing(store, name);
	return stream;
}

/*
 * Changes.  They need the stream's lock, so nobody else but a redaction can have changed the row meanwhile.
 */

void
fs_stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor)
{
	Relation	streams = fs_store_open_streams(store, RowExclusiveLock);
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
	fs_row_change(streams, NULL, heap_form_tuple(RelationGetDescr(streams), values, nulls));
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

/* What a worker's process has begun has come to an end, or is to be begun. */
static void
set_announced(StreamChange *change, const Stream *stream, bool is_announced)
{
	if (stream->announced_column == InvalidAttrNumber || stream->is_announced == is_announced)
		return;
	if (is_announced)
		set_column(change, stream->announced_column, TimestampTzGetDatum(GetCurrentTimestamp()));
	else
		set_column_null(change, stream->announced_column);
}

/* If the handler was to be tried again later, it is no longer. */
static void
end_pause(StreamChange *change, const Stream *stream)
{
	set_announced(change, stream, false);
	if (stream->failure_count == 0)
		return;
	set_column(change, FACTSTR_STREAM_FAILURE_COUNT, Int32GetDatum(0));
	set_column_null(change, FACTSTR_STREAM_RETRY_AT);
}

/* The newest version of the stream's row, locked until the end of the transaction. */
static HeapTuple
lock_row(Relation streams, const Stream *stream)
{
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	HeapTuple	newest;

	row->tts_tid = stream->row->t_self;
	if (fs_row_lock(streams, snapshot, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, row) != TM_Ok)
		elog(ERROR, "could not lock the row of durable stream \"%s\"", text_to_cstring(stream->name));
	newest = ExecCopySlotHeapTuple(row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	return newest;
}

/* The consumer that waits for the end of a pause is woken with those that wait for facts. */
static void
apply_change(const FactstrStore *store, const Stream *stream, StreamChange *change)
{
	Relation	streams = fs_store_open_streams(store, RowExclusiveLock);
	HeapTuple	newest = lock_row(streams, stream);
	HeapTuple	changed = heap_modify_tuple_by_cols(newest, RelationGetDescr(streams), change->count,
													change->columns, change->values, change->nulls);

	fs_row_change_as_owner(streams, newest, changed);
	fs_last_written_remember(streams, changed);
	table_close(streams, NoLock);
	fs_wakeup_at_commit(fs_wakeup_of_stream(fs_stream_lock_hash(stream->name)));
	if (stream->retry_at != 0)
		fs_wakeup_at_commit(fs_wakeup_of_facts());
}

static void
set_cursor(StreamChange *change, const Stream *stream, int64 cursor)
{
	set_column(change, FACTSTR_STREAM_CURSOR, Int64GetDatum(cursor));
	set_column(change, FACTSTR_STREAM_CURSOR_MOVED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
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

/* A consumer has got on.  If it does not hold the stream, it has taken it from the holder. */
void
fs_stream_move(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	if (!fs_stream_lock_is_held(store, stream->name))
		set_token(&change, stream, next_token(stream));
	apply_change(store, stream, &change);
}

/* Puts the cursor where it is told; the consumer stays the same. */
void
fs_stream_seek(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	apply_change(store, stream, &change);
}

/* The stream has a new consumer, which does not wait; returns its token. */
int64
fs_stream_hand_over(const FactstrStore *store, const Stream *stream)
{
	StreamChange change = {0};
	int64		token = next_token(stream);

	set_token(&change, stream, token);
	set_column_null(&change, FACTSTR_STREAM_RETRY_AT);
	apply_change(store, stream, &change);
	return token;
}

void
fs_stream_subscribe(const FactstrStore *store, const Stream *stream, const char *handler,
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
fs_stream_unsubscribe(const FactstrStore *store, const Stream *stream)
{
	StreamChange change = {0};

	set_column_null(&change, FACTSTR_STREAM_HANDLER);
	set_column_null(&change, FACTSTR_STREAM_SUBSCRIBER);
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

/* A batch is set aside after so many failures; 0: never. */
void
fs_stream_park_after(const FactstrStore *store, const Stream *stream, int32 failures)
{
	StreamChange change = {0};

	if (failures > 0)
		set_column(&change, stream->park_after_column, Int32GetDatum(failures));
	else
		set_column_null(&change, stream->park_after_column);
	apply_change(store, stream, &change);
}

/* The stream goes on with another query. */
void
fs_stream_set_query(const FactstrStore *store, const Stream *stream, Jsonb *event_query)
{
	StreamChange change = {0};

	set_column(&change, FACTSTR_STREAM_EVENT_QUERY, JsonbPGetDatum(event_query));
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

/* So much of an error's message is kept.  In bytes. */
#define LONGEST_ERROR 1000

static void
set_error(StreamChange *change, text *error)
{
	set_column(change, FACTSTR_STREAM_LAST_ERROR, PointerGetDatum(error));
}

/*
 * The batch after the cursor has failed, and is to be tried again then; 0: nobody says when.  The consumer
 * that failed does not know of redactions by transactions from that one on.
 */
void
fs_stream_fail(const FactstrStore *store, const Stream *stream, const char *error,
			   TimestampTz retry_at, TransactionId oldest_unknown)
{
	StreamChange change = {0};
	StreamChange erasure = {0};
	int			length = pg_mbcliplen(error, (int) strlen(error), LONGEST_ERROR);

	set_announced(&change, stream, false);
	set_column(&change, FACTSTR_STREAM_FAILURE_COUNT, Int32GetDatum(stream->failure_count + 1));
	set_error(&change, cstring_to_text_with_len(error, length));
	set_column(&change, FACTSTR_STREAM_LAST_FAILED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	if (retry_at != 0)
		set_column(&change, FACTSTR_STREAM_RETRY_AT, TimestampTzGetDatum(retry_at));
	else
		set_column_null(&change, FACTSTR_STREAM_RETRY_AT);
	apply_change(store, stream, &change);

	if (fs_stream_errors_redacted_since(store, oldest_unknown))
	{
		Stream		changed = fs_stream_get(store, stream->name);

		set_error(&erasure, fs_stream_error_without_message(error, stream->handler != NULL));
		apply_change(store, &changed, &erasure);
	}
}

/* A worker's process is going to deliver the batch after the cursor. */
void
fs_stream_announce(const FactstrStore *store, const Stream *stream)
{
	StreamChange change = {0};

	set_announced(&change, stream, true);
	if (change.count > 0)
		apply_change(store, stream, &change);
}

/* It delivers no more, and its end will tell nothing of the batch.  A stream that is no more is nothing to tell of. */
void
fs_stream_withdraw(const FactstrStore *store, text *name)
{
	Stream		stream = fs_stream_find(store, name);
	StreamChange change = {0};

	if (stream.row == NULL)
		return;
	set_announced(&change, &stream, false);
	if (change.count > 0)
		apply_change(store, &stream, &change);
}

void
fs_stream_delete(const FactstrStore *store, const Stream *stream)
{
	Relation	streams = fs_store_open_streams(store, RowExclusiveLock);

	fs_row_change(streams, lock_row(streams, stream), NULL);
	table_close(streams, NoLock);
	fs_wakeup_at_commit(fs_wakeup_of_stream(fs_stream_lock_hash(stream->name)));
}
