/*
 * stream_api.c
 *		The SQL functions of durable streams.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "batch_reader.h"
#include "batch_rows.h"
#include "durability.h"
#include "errors.h"
#include "fact_scan.h"
#include "set_function.h"
#include "stream_lock.h"
#include "stream_opening.h"
#include "streams.h"
#include "wakeup.h"

PG_FUNCTION_INFO_V1(factstr_stream_open);
PG_FUNCTION_INFO_V1(factstr_stream_next);
PG_FUNCTION_INFO_V1(factstr_stream_ack);
PG_FUNCTION_INFO_V1(factstr_stream_seek);
PG_FUNCTION_INFO_V1(factstr_stream_drop);
PG_FUNCTION_INFO_V1(factstr_stream_hold);
PG_FUNCTION_INFO_V1(factstr_stream_try_hold);
PG_FUNCTION_INFO_V1(factstr_stream_release);
PG_FUNCTION_INFO_V1(factstr_stream_fail);

static void
refuse_beyond_head(const FactstrStore *store, int64 sequence_number)
{
	int64		head = fact_head_now(store);

	if (sequence_number > head)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sequence_number: " INT64_FORMAT " is beyond the newest fact, " INT64_FORMAT,
						sequence_number, head)));
}

/* factstr_stream_open(name, event_query, start): returns the cursor. */
Datum
factstr_stream_open(PG_FUNCTION_ARGS)
{
	FactstrStore store = factstr_store(fcinfo);
	StreamOpening opening = argument_stream_opening(fcinfo, &store, 2);

	PG_RETURN_INT64(stream_open(&store, &opening, "factstr_stream_open()").cursor);
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
	batch_reader_end(state->reader);
	UnregisterSnapshot(state->snapshot);
	state->reader = NULL;
}

/*
 * The snapshot is taken when the stream is ours: it sees what its last consumer saw, and more. Delivery
 * is of committed facts: those of this very transaction are left for the next one.
 */
static void *
begin_next(FunctionCallInfo fcinfo)
{
	NextState  *state = palloc0(sizeof(NextState));
	text	   *name = argument_stream_name(fcinfo, 0);
	int32		max_batches = argument_max_batches(fcinfo, 1);

	factstr_refuse_read_only("factstr_stream_next()");
	argument_refuse_null(fcinfo, 2, "nowait");
	state->store = factstr_store(fcinfo);
	state->descriptor = batch_descriptor(fcinfo);
	stream_lock(&state->store, name, PG_GETARG_BOOL(2));
	state->stream = stream_get(&state->store, name);
	state->snapshot = RegisterSnapshot(GetLatestSnapshot());
	state->reader = batch_reader_begin(&state->store, state->stream.query, state->snapshot,
									   state->stream.cursor, factstr_newest_committed(), max_batches);
	return state;
}

/* Facts that do not match need no acknowledgement. */
static void
skip_to_head(NextState *state)
{
	int64		head = batch_reader_head(state->reader);

	if (!state->found_any && head > state->stream.cursor)
		stream_move(&state->store, &state->stream, head);
}

/*
 * factstr_stream_next(name, max_batches, nowait): the next committed batches after the cursor, one
 * a call.  Holds the stream until the end of the transaction.
 */
Datum
factstr_stream_next(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	NextState  *state;
	FactBatch	batch;

	call = set_function_call(fcinfo, begin_next, end_next);
	state = call->user_fctx;
	if (batch_reader_next(state->reader, &batch))
	{
		state->found_any = true;
		SRF_RETURN_NEXT(call, batch_row(state->descriptor, &batch));
	}

	skip_to_head(state);
	set_function_end(fcinfo, end_next);
	SRF_RETURN_DONE(call);
}

/* The stream, ours until the end of the transaction, to be changed. */
static Stream
lock_and_get(const FactstrStore *store, text *name, bool nowait, const char *function)
{
	factstr_refuse_read_only(function);
	stream_lock(store, name, nowait);
	return stream_get(store, name);
}

/* Does a batch end with this fact?  If it did not, the cursor would part the batch. */
static bool
ends_batch(const FactstrStore *store, int64 sequence_number)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactHeading next = fact_first_after(store, snapshot, sequence_number);

	UnregisterSnapshot(snapshot);
	return next.sequence_number == next.batch_first;
}

/*
 * factstr_stream_ack(name, sequence_number): all up to this number, the last of a batch, is done
 * with.  Returns the cursor, which never moves backwards.
 */
Datum
factstr_stream_ack(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	int64		sequence_number = argument_position(fcinfo, 1, "sequence_number");
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, false, "factstr_stream_ack()");

	if (sequence_number <= stream.cursor)
		PG_RETURN_INT64(stream.cursor);

	refuse_beyond_head(&store, sequence_number);
	if (!ends_batch(&store, sequence_number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sequence_number: no batch ends with fact " INT64_FORMAT,
						sequence_number),
				 errhint("Acknowledge a batch by its last_sequence_number.")));
	stream_move(&store, &stream, sequence_number);
	PG_RETURN_INT64(sequence_number);
}

/*
 * Administration
 */

/* False if the called function does not have it. */
static bool
argument_nowait(FunctionCallInfo fcinfo, int argument)
{
	if (PG_NARGS() <= argument)
		return false;
	argument_refuse_null(fcinfo, argument, "nowait");
	return PG_GETARG_BOOL(argument);
}

/* factstr_stream_seek(name, sequence_number[, nowait]): go on after this fact, wherever the cursor was. */
Datum
factstr_stream_seek(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	int64		sequence_number = argument_position(fcinfo, 1, "sequence_number");
	bool		nowait = argument_nowait(fcinfo, 2);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, nowait, "factstr_stream_seek()");

	refuse_beyond_head(&store, sequence_number);
	stream_seek(&store, &stream, sequence_number);
	wakeup_at_commit(wakeup_of_facts());
	PG_RETURN_INT64(sequence_number);
}

/* factstr_stream_drop(name[, nowait]) */
Datum
factstr_stream_drop(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	bool		nowait = argument_nowait(fcinfo, 1);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, nowait, "factstr_stream_drop()");

	stream_delete(&store, &stream);
	wakeup_at_commit(wakeup_of_facts());
	PG_RETURN_VOID();
}

/*
 * Holding a stream for longer than a transaction
 */

/* Is it the token of the stream's last consumer, or none? */
static bool
continues(FunctionCallInfo fcinfo, int argument, const Stream *stream)
{
	return PG_ARGISNULL(argument) || PG_GETARG_INT64(argument) == stream->token;
}

/* Keeps a locked stream for the session; returns the token of the hold. */
static int64
hold(FunctionCallInfo fcinfo, int argument, const FactstrStore *store, const Stream *stream)
{
	int64		token = stream->token;

	if (PG_ARGISNULL(argument) && !stream_is_held(store, stream->name))
		token = stream_hand_over(store, stream);
	stream_hold(store, stream->name);
	return token;
}

/*
 * factstr_stream_hold(name, nowait, token): the stream is the session's until it releases it or ends.
 * Returns the token of this hold.  With the token of an earlier one, that is continued, unless the
 * stream has had another consumer since.
 */
Datum
factstr_stream_hold(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	bool		nowait = argument_nowait(fcinfo, 1);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, nowait, "factstr_stream_hold()");

	if (!continues(fcinfo, 2, &stream))
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_ACTIVE),
				 errmsg("durable stream \"%s\" has had another consumer since",
						text_to_cstring(name)),
				 errhint("Leave it to that one, or take it over: hold it without a token, and go on after its cursor.")));
	PG_RETURN_INT64(hold(fcinfo, 2, &store, &stream));
}

/* factstr_stream_try_hold(name, token): the same, but null if another consumer has it, or has had it. */
Datum
factstr_stream_try_hold(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream;

	factstr_refuse_read_only("factstr_stream_try_hold()");
	if (!stream_try_lock(&store, name))
		PG_RETURN_NULL();
	stream = stream_get(&store, name);
	if (!continues(fcinfo, 1, &stream))
		PG_RETURN_NULL();
	PG_RETURN_INT64(hold(fcinfo, 1, &store, &stream));
}

/* factstr_stream_release(name): was it held? */
Datum
factstr_stream_release(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	FactstrStore store = factstr_store(fcinfo);

	PG_RETURN_BOOL(stream_release(&store, name));
}

/*
 * factstr_stream_fail(name, error, retry_at): whoever holds the stream has failed with the batch after the
 * cursor.  Returns how often it has, in a row.
 */
Datum
factstr_stream_fail(PG_FUNCTION_ARGS)
{
	text	   *name = argument_stream_name(fcinfo, 0);
	TimestampTz retry_at = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream;

	argument_refuse_null(fcinfo, 1, "error");
	stream = lock_and_get(&store, name, false, "factstr_stream_fail()");
	if (!stream_is_held(&store, name))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("durable stream \"%s\" is not held by this session", text_to_cstring(name)),
				 errhint("Hold it with factstr_stream_hold.")));
	stream_fail(&store, &stream, text_to_cstring(PG_GETARG_TEXT_PP(1)), retry_at);
	PG_RETURN_INT32(stream.failure_count + 1);
}
