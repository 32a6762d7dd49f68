/*
 * stream_api.c
 *		The SQL functions of durable streams.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "batch_reader.h"
#include "batch_rows.h"
#include "durability.h"
#include "errors.h"
#include "fact_scan.h"
#include "set_function.h"
#include "streams.h"

PG_FUNCTION_INFO_V1(factstr_stream_open);
PG_FUNCTION_INFO_V1(factstr_stream_next);
PG_FUNCTION_INFO_V1(factstr_stream_ack);
PG_FUNCTION_INFO_V1(factstr_stream_seek);
PG_FUNCTION_INFO_V1(factstr_stream_drop);

/* The name is the key of an index.  In bytes. */
#define MAX_NAME_BYTES 2000

static text *
argument_name(FunctionCallInfo fcinfo, int argument)
{
	text	   *name;

	argument_refuse_null(fcinfo, argument, "name");
	name = PG_GETARG_TEXT_PP(argument);
	if (VARSIZE_ANY_EXHDR(name) == 0 || VARSIZE_ANY_EXHDR(name) > MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name: it must have 1 to %d bytes", MAX_NAME_BYTES)));
	return name;
}

static int64
argument_position(FunctionCallInfo fcinfo, int argument)
{
	argument_refuse_null(fcinfo, argument, "sequence_number");
	if (PG_GETARG_INT64(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sequence_number: it must not be negative"),
				 errhint("Facts are numbered from 1; 0 is the position before the first.")));
	return PG_GETARG_INT64(argument);
}

static int64
current_head(const FactstrStore *store)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		head = fact_head(store, snapshot).sequence_number;

	UnregisterSnapshot(snapshot);
	return head;
}

static void
refuse_beyond_head(const FactstrStore *store, int64 sequence_number)
{
	int64		head = current_head(store);

	if (sequence_number > head)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sequence_number: " INT64_FORMAT " is beyond the newest fact, " INT64_FORMAT,
						sequence_number, head)));
}

/*
 * Opening
 */

/* The query of a durable stream bounds no rows: its cursor does. */
static fs_event_query *
argument_stream_query(FunctionCallInfo fcinfo, int argument)
{
	fs_event_query *query = argument_event_query(fcinfo, argument, "event_query");

	if (query->has_min_sequence_number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid event_query: a durable stream has no min_sequence_number"),
				 errdetail("JSON path: $.min_sequence_number"),
				 errhint("Where the stream begins is its cursor: see factstr_stream_open and factstr_stream_seek.")));
	return query;
}

/* Where a new stream begins: before the first fact, or after the newest. */
static int64
argument_start(FunctionCallInfo fcinfo, int argument, const FactstrStore *store)
{
	char	   *start;

	argument_refuse_null(fcinfo, argument, "start");
	start = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strcmp(start, "first") == 0)
		return 0;
	if (strcmp(start, "now") == 0)
		return current_head(store);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid start: it must be \"first\" or \"now\"")));
	return 0;
}

/*
 * factstr_stream_open(name, event_query, start): makes the stream, or finds it with the same query,
 * and returns its cursor.
 */
Datum
factstr_stream_open(PG_FUNCTION_ARGS)
{
	text	   *name = argument_name(fcinfo, 0);
	fs_event_query *query = argument_stream_query(fcinfo, 1);
	FactstrStore store = factstr_store(fcinfo);
	int64		start = argument_start(fcinfo, 2, &store);
	Stream		stream = stream_find(&store, name);

	if (stream.row == NULL)
	{
		factstr_refuse_read_only("factstr_stream_open()");
		stream_lock(&store, name, false);
		stream = stream_find(&store, name);
	}
	if (stream.row == NULL)
	{
		stream_insert(&store, name, PG_GETARG_JSONB_P(1), start);
		PG_RETURN_INT64(start);
	}
	if (!factstr_queries_equal(stream.query, query))
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_QUERY_DIFFERS),
				 errmsg("durable stream \"%s\" has a different query", text_to_cstring(name)),
				 errhint("Open it with its own query, or choose another name, or drop the stream first.")));
	PG_RETURN_INT64(stream.cursor);
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

/* Delivery is of committed facts: those of this very transaction are left for the next one. */
static int64
newest_committed(void)
{
	int64		first_own_fact = factstr_first_own_fact();

	return first_own_fact == 0 ? PG_INT64_MAX : first_own_fact - 1;
}

/* The snapshot is taken when the stream is ours: it sees what its last consumer saw, and more. */
static void *
begin_next(FunctionCallInfo fcinfo)
{
	NextState  *state = palloc0(sizeof(NextState));
	text	   *name = argument_name(fcinfo, 0);
	int32		max_batches = argument_max_batches(fcinfo, 1);

	factstr_refuse_read_only("factstr_stream_next()");
	argument_refuse_null(fcinfo, 2, "nowait");
	state->store = factstr_store(fcinfo);
	state->descriptor = batch_descriptor(fcinfo);
	stream_lock(&state->store, name, PG_GETARG_BOOL(2));
	state->stream = stream_get(&state->store, name);
	state->snapshot = RegisterSnapshot(GetLatestSnapshot());
	state->reader = batch_reader_begin(&state->store, state->stream.query, state->snapshot,
									   state->stream.cursor, newest_committed(), max_batches);
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
lock_and_get(const FactstrStore *store, text *name, const char *function)
{
	factstr_refuse_read_only(function);
	stream_lock(store, name, false);
	return stream_get(store, name);
}

/* Does a batch end with this fact?  If it did not, the cursor would part the batch. */
static bool
ends_batch(const FactstrStore *store, int64 sequence_number)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactScan   *scan = fact_scan_begin(store, &factstr_every_fact, snapshot, sequence_number,
									   PG_INT64_MAX, ForwardScanDirection, 1);
	TupleTableSlot *next = fact_scan_next(scan);
	bool		result = next == NULL || fact_batch_first(next) == fact_sequence_number(next);

	fact_scan_end(scan);
	UnregisterSnapshot(snapshot);
	return result;
}

/*
 * factstr_stream_ack(name, sequence_number): all up to this number, the last of a batch, is done
 * with.  Returns the cursor, which never moves backwards.
 */
Datum
factstr_stream_ack(PG_FUNCTION_ARGS)
{
	text	   *name = argument_name(fcinfo, 0);
	int64		sequence_number = argument_position(fcinfo, 1);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, "factstr_stream_ack()");

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

/* factstr_stream_seek(name, sequence_number): go on after this fact, wherever the cursor was. */
Datum
factstr_stream_seek(PG_FUNCTION_ARGS)
{
	text	   *name = argument_name(fcinfo, 0);
	int64		sequence_number = argument_position(fcinfo, 1);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, "factstr_stream_seek()");

	refuse_beyond_head(&store, sequence_number);
	stream_move(&store, &stream, sequence_number);
	PG_RETURN_INT64(sequence_number);
}

/* factstr_stream_drop(name) */
Datum
factstr_stream_drop(PG_FUNCTION_ARGS)
{
	text	   *name = argument_name(fcinfo, 0);
	FactstrStore store = factstr_store(fcinfo);
	Stream		stream = lock_and_get(&store, name, "factstr_stream_drop()");

	stream_delete(&store, &stream);
	PG_RETURN_VOID();
}
