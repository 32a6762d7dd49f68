/*
 * sql/streams.c
 *		The SQL functions of durable streams: consume and administer them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "commit/durability.h"
#include "commit/wakeup.h"
#include "errors.h"
#include "read/batches.h"
#include "read/facts.h"
#include "sql/batches.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "streams/lock.h"
#include "streams/parking.h"
#include "streams/partitions.h"
#include "streams/streams.h"
#include "streams/taking.h"

PG_FUNCTION_INFO_V1(factstr_stream_next);
PG_FUNCTION_INFO_V1(factstr_stream_ack);
PG_FUNCTION_INFO_V1(factstr_stream_seek);
PG_FUNCTION_INFO_V1(factstr_stream_drop);
PG_FUNCTION_INFO_V1(factstr_stream_take_partition);

/* The stream, reserved until the end of the transaction, to be changed by this function. */
Stream
fs_stream_take(const FactstrStore *store, text *name, bool nowait, const char *function)
{
	fs_call_refuse_read_only(function);
	fs_stream_lock_acquire(store, name, nowait);
	return fs_stream_get(store, name);
}

/*
 * The same for all partitions of a stream, or for one that has none, taken from its handler; NIL without one.  The
 * lock of the shared name is the one for creating and dropping them.
 */
List *
fs_stream_take_all(const FactstrStore *store, text *name, bool nowait, const char *function)
{
	List	   *streams = NIL;
	ListCell   *cell;

	fs_call_refuse_read_only(function);
	fs_stream_take_from_handler(store, name, nowait);
	foreach(cell, fs_partitions_list(store, name))
	{
		Stream	   *stream = palloc(sizeof(Stream));

		fs_stream_take_from_handler(store, lfirst(cell), nowait);
		*stream = fs_stream_find(store, lfirst(cell));
		if (stream->row != NULL)
			streams = lappend(streams, stream);
	}
	return streams;
}

/* The same, but without one there is an error. */
static List *
take_all(const FactstrStore *store, text *name, bool nowait, const char *function)
{
	List	   *streams = fs_stream_take_all(store, name, nowait, function);

	if (streams == NIL)
		(void) fs_stream_get(store, name);
	return streams;
}

/* The same, but a single partition is not accepted: without it, the others would miss facts. */
List *
fs_stream_take_whole(const FactstrStore *store, text *name, bool nowait, const char *function)
{
	List	   *streams = take_all(store, name, nowait, function);
	text	   *whole = fs_partition_whole(store, name);

	if (whole != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name: durable stream \"%s\" is a partition", text_to_cstring(name)),
				 errhint("Partitions stay together: name durable stream \"%s\".", text_to_cstring(whole))));
	return streams;
}

/*
 * Consuming
 */

typedef struct NextState
{
	FactstrStore store;
	Stream		stream;
	Snapshot	snapshot;
	BatchReader *reader;		/* NULL once the reading has ended */
	bool		found_any;
	TupleDesc	descriptor;
} NextState;

static void
end_next(Datum argument)
{
	NextState  *state = (NextState *) DatumGetPointer(argument);

	if (state->reader == NULL)
		return;
	fs_batch_reader_end(state->reader);
	UnregisterSnapshot(state->snapshot);
	state->reader = NULL;
}

/*
 * The snapshot is taken when the stream is reserved: it sees what its last consumer saw, and more.  Only committed
 * facts are delivered: those of this transaction are left for the next one.
 */
static void *
begin_next(FunctionCallInfo fcinfo)
{
	NextState  *state = palloc0(sizeof(NextState));
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int32		max_batches = fs_argument_max_batches(fcinfo, 1);

	fs_call_refuse_read_only("factstr_stream_next()");
	fs_argument_refuse_null(fcinfo, 2, "nowait");
	state->store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	state->descriptor = fs_call_result_descriptor(fcinfo);
	fs_stream_lock_acquire(&state->store, name, PG_GETARG_BOOL(2));
	state->stream = fs_stream_get(&state->store, name);
	state->snapshot = RegisterSnapshot(GetLatestSnapshot());
	state->reader = fs_batch_reader_begin(&state->store, state->stream.query, state->snapshot,
										  state->stream.cursor, fs_durability_newest_committed(&state->store),
										  max_batches);
	return state;
}

/* Facts that do not match need no acknowledgement.  They must be on disk, because a cursor reveals them. */
static void
skip_to_head(NextState *state)
{
	FactPosition head = fs_batch_reader_head(state->reader);

	if (state->found_any || head.sequence_number <= state->stream.cursor)
		return;
	fs_durability_flush_before_answer(head.commit_position);
	fs_stream_move(&state->store, &state->stream, head.sequence_number);
}

/*
 * factstr_stream_next(name, max_batches, nowait): the next committed batches after the cursor, one per call.  Holds
 * the stream until the end of the transaction.
 */
Datum
factstr_stream_next(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	NextState  *state;
	FactBatch	batch;

	call = fs_call_set_begin(fcinfo, begin_next, end_next);
	state = call->user_fctx;
	if (fs_batch_reader_next(state->reader, &batch))
	{
		state->found_any = true;
		SRF_RETURN_NEXT(call, fs_batch_row(state->descriptor, &batch));
	}

	skip_to_head(state);
	fs_call_set_end(fcinfo, end_next);
	SRF_RETURN_DONE(call);
}

static void
refuse_beyond_head(const FactstrStore *store, int64 sequence_number)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactPosition head = fs_fact_head(store, snapshot);

	UnregisterSnapshot(snapshot);
	if (sequence_number <= head.sequence_number)
		return;
	fs_durability_flush_before_answer(head.commit_position);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid sequence_number: " INT64_FORMAT " is beyond the newest fact, " INT64_FORMAT,
					sequence_number, head.sequence_number)));
}

/* Does a batch end with this fact?  If it did not, the cursor would part the batch. */
static bool
ends_batch(const FactstrStore *store, int64 sequence_number)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactHeading next = fs_fact_first_after(store, snapshot, sequence_number,
										   fs_fact_next_number(sequence_number));

	UnregisterSnapshot(snapshot);
	return next.sequence_number == next.batch_first;
}

/*
 * factstr_stream_ack(name, sequence_number): everything up to this number, the last of a batch, is processed.
 * Returns the cursor, which never moves backwards.  A consumer acknowledges only facts that it has received, so the
 * fact is on disk.
 */
Datum
factstr_stream_ack(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int64		sequence_number = fs_argument_position(fcinfo, 1, "sequence_number");
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	Stream		stream = fs_stream_take(&store, name, false, "factstr_stream_ack()");

	if (sequence_number <= stream.cursor)
		PG_RETURN_INT64(stream.cursor);

	refuse_beyond_head(&store, sequence_number);
	if (!ends_batch(&store, sequence_number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sequence_number: no batch ends with fact " INT64_FORMAT,
						sequence_number),
				 errhint("Acknowledge a batch by its last_sequence_number.")));
	fs_stream_move(&store, &stream, sequence_number);
	PG_RETURN_INT64(sequence_number);
}

/*
 * factstr_stream_take_partition(name): takes the free partition that lags most until the end of the transaction.
 * Returns its name, or null if there is none.
 */
Datum
factstr_stream_take_partition(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);
	text	   *partition;

	fs_call_refuse_read_only("factstr_stream_take_partition()");
	partition = fs_partition_take_free(&store, name);
	if (partition == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(partition);
}

/*
 * Administration
 */

/* A cursor reveals the fact at its position, and the caller may have guessed the number. */
static void
flush_fact(const FactstrStore *store, int64 sequence_number)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactHeading fact = fs_fact_first_after(store, snapshot, sequence_number - 1, sequence_number);

	UnregisterSnapshot(snapshot);
	fs_durability_flush_before_answer(fact.commit_position);
}

/* factstr_stream_seek(name, sequence_number[, nowait]): continue after this fact. */
Datum
factstr_stream_seek(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int64		sequence_number = fs_argument_position(fcinfo, 1, "sequence_number");
	bool		nowait = fs_argument_nowait(fcinfo, 2);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	List	   *streams = take_all(&store, name, nowait, "factstr_stream_seek()");
	ListCell   *cell;

	refuse_beyond_head(&store, sequence_number);
	flush_fact(&store, sequence_number);
	foreach(cell, streams)
	{
		fs_stream_seek(&store, lfirst(cell), sequence_number);
		fs_parking_forget_after(&store, ((Stream *) lfirst(cell))->name, sequence_number);
	}
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_INT64(sequence_number);
}

/* factstr_stream_drop(name[, nowait]) */
Datum
factstr_stream_drop(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	bool		nowait = fs_argument_nowait(fcinfo, 1);
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	List	   *streams = fs_stream_take_whole(&store, name, nowait, "factstr_stream_drop()");
	ListCell   *cell;

	foreach(cell, streams)
	{
		fs_stream_delete(&store, lfirst(cell));
		fs_parking_forget_after(&store, ((Stream *) lfirst(cell))->name, 0);
	}
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_VOID();
}
