/*
 * streams/stream_changes.c
 *		Changes of durable streams' rows, only under the stream's lock.
 *
 * So no other session can change a row meanwhile, with one exception: a redaction erases the messages of errors even
 * while others hold the streams.  A change applies to the newest version of a row, which it locks first.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "commit/wakeup.h"
#include "definition.h"
#include "rows.h"
#include "streams/error_messages.h"
#include "streams/last_written.h"
#include "streams/lock.h"
#include "streams/streams.h"

/* How many columns a change may set. */
#define CHANGED_COLUMNS (FACTSTR_STREAM_RETRY_AT + 2)

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

/* The announced delivery is over, or the next one is announced. */
static void
set_announced(StreamChange *change, const Stream *stream, bool is_announced)
{
	if (stream->announced_column == InvalidAttrNumber)
		return;
	if (is_announced && !stream->is_announced)
		set_column(change, stream->announced_column, TimestampTzGetDatum(GetCurrentTimestamp()));
	else if (!is_announced && stream->has_announcement)
		set_column_null(change, stream->announced_column);
}

/*
 * An announcement from a dump is not of this server's processes.  Once the row changes, that can no longer be seen.
 */
static void
forget_foreign_announcement(StreamChange *change, const Stream *stream)
{
	if (!stream->has_announcement || stream->is_announced)
		return;
	for (int i = 0; i < change->count; i++)
	{
		if (change->columns[i] == stream->announced_column)
			return;
	}
	set_column_null(change, stream->announced_column);
}

/* A pause before the handler's next attempt ends. */
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

/* Locks the stream's row, if there is one; false if that would require waiting, perhaps for a redaction. */
bool
fs_stream_try_row(const FactstrStore *store, text *name)
{
	Stream		stream = fs_stream_find(store, name);
	Relation	streams;
	TupleTableSlot *row;
	Snapshot	snapshot;
	bool		is_locked;

	if (stream.row == NULL)
		return true;
	streams = fs_store_open_streams(store, RowExclusiveLock);
	row = table_slot_create(streams, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	row->tts_tid = stream.row->t_self;
	is_locked = fs_row_try_lock(streams, snapshot, row);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	return is_locked;
}

/* A consumer that waits for the end of a pause is woken together with those that wait for facts. */
static void
apply_change(const FactstrStore *store, const Stream *stream, StreamChange *change)
{
	Relation	streams = fs_store_open_streams(store, RowExclusiveLock);
	HeapTuple	newest = lock_row(streams, stream);
	HeapTuple	changed;

	forget_foreign_announcement(change, stream);
	changed = heap_modify_tuple_by_cols(newest, RelationGetDescr(streams), change->count,
										change->columns, change->values, change->nulls);
	fs_row_change_as_owner(streams, newest, changed);
	fs_last_written_remember(streams, store->log, changed);
	table_close(streams, NoLock);
	fs_wakeup_at_commit(fs_wakeup_of_stream(fs_stream_lock_hash(store->log, stream->name)));
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
 * Never used before, not even by a dropped stream with this name: each transaction that takes a stream has a higher
 * id. A restored database has lower ids than its dump, hence the maximum.
 */
static int64
next_token(const Stream *stream)
{
	return Max(stream->token + 1, (int64) U64FromFullTransactionId(GetTopFullTransactionId()));
}

/* A consumer has made progress.  If it does not hold the stream, it has taken it from the holder. */
void
fs_stream_move(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	if (!fs_stream_lock_is_held(store, stream->name))
		set_token(&change, stream, next_token(stream));
	apply_change(store, stream, &change);
}

/* Moves the cursor to any position; the consumer stays the same. */
void
fs_stream_seek(const FactstrStore *store, const Stream *stream, int64 cursor)
{
	StreamChange change = {0};

	set_cursor(&change, stream, cursor);
	apply_change(store, stream, &change);
}

/* Gives the stream a new consumer, which does not wait; returns its token. */
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

/* The stream continues with another query. */
void
fs_stream_set_query(const FactstrStore *store, const Stream *stream, Jsonb *event_query)
{
	StreamChange change = {0};

	set_column(&change, FACTSTR_STREAM_EVENT_QUERY, JsonbPGetDatum(event_query));
	end_pause(&change, stream);
	apply_change(store, stream, &change);
}

/* The maximum length of an error's message.  In bytes. */
#define LONGEST_ERROR 1000

static void
set_error(StreamChange *change, text *error)
{
	set_column(change, FACTSTR_STREAM_LAST_ERROR, PointerGetDatum(error));
}

/*
 * The cursor moves over facts that do not match, up to the batch that begins with this fact.  Failures are always
 * those of the batch directly behind the cursor: if that no longer matches, they no longer count (delivery.c).
 */
static void
move_up_to(StreamChange *change, const Stream *stream, int64 first)
{
	if (first > stream->cursor + 1)
		set_column(change, FACTSTR_STREAM_CURSOR, Int64GetDatum(first - 1));
}

/*
 * The batch that begins with this fact, 0: the one after the cursor, has failed, and is tried again at this time; 0:
 * unknown.  The failed consumer does not know of redactions by transactions from this one on.
 */
void
fs_stream_fail(const FactstrStore *store, const Stream *stream, int64 first, const char *error,
			   TimestampTz retry_at, TransactionId oldest_unknown)
{
	StreamChange change = {0};
	StreamChange erasure = {0};
	int			length = pg_mbcliplen(error, (int) strlen(error), LONGEST_ERROR);

	set_announced(&change, stream, false);
	move_up_to(&change, stream, first);
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

/* A worker's process is about to deliver the batch that begins with this fact. */
void
fs_stream_announce(const FactstrStore *store, const Stream *stream, int64 first)
{
	StreamChange change = {0};

	set_announced(&change, stream, true);
	move_up_to(&change, stream, first);
	if (change.count > 0)
		apply_change(store, stream, &change);
}

/* It no longer delivers, and its end will say nothing about the batch.  A dropped stream needs no record. */
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
	fs_wakeup_at_commit(fs_wakeup_of_stream(fs_stream_lock_hash(store->log, stream->name)));
}
