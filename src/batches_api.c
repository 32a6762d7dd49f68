/*
 * batches_api.c
 *		factstr_batches and factstr_export: committed batches by position.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "batch_reader.h"
#include "batch_rows.h"
#include "set_function.h"

PG_FUNCTION_INFO_V1(factstr_batches);
PG_FUNCTION_INFO_V1(factstr_export);

typedef struct BatchesState
{
	BatchReader *reader;		/* NULL once the reading has ended */
	Snapshot	snapshot;
	TupleDesc	descriptor;
} BatchesState;

/* Called when the query has read enough, or all. */
static void
end_batches(Datum argument)
{
	BatchesState *state = (BatchesState *) DatumGetPointer(argument);

	if (state->reader == NULL)
		return;
	batch_reader_end(state->reader);
	UnregisterSnapshot(state->snapshot);
	state->reader = NULL;
}

/* The arguments after_sequence_number and max_batches, the first of them at its place. */
static BatchesState *
begin(FunctionCallInfo fcinfo, const fs_event_query *query, int position_argument)
{
	BatchesState *state = palloc0(sizeof(BatchesState));
	int64		after = argument_position(fcinfo, position_argument, "after_sequence_number");
	int32		max_batches = argument_max_batches(fcinfo, position_argument + 1);
	FactstrStore store = factstr_store(fcinfo);

	state->descriptor = batch_descriptor(fcinfo);
	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	state->reader = batch_reader_begin(&store, query, state->snapshot, after, PG_INT64_MAX,
									   max_batches);
	return state;
}

static void *
begin_batches(FunctionCallInfo fcinfo)
{
	return begin(fcinfo, argument_event_query(fcinfo, 0, "event_query"), 1);
}

static void *
begin_export(FunctionCallInfo fcinfo)
{
	return begin(fcinfo, &factstr_every_fact, 0);
}

static Datum
next_batch(FunctionCallInfo fcinfo, SetFunctionBegin begin_call)
{
	FuncCallContext *call;
	BatchesState *state;
	FactBatch	batch;

	call = set_function_call(fcinfo, begin_call, end_batches);
	state = call->user_fctx;
	if (batch_reader_next(state->reader, &batch))
		SRF_RETURN_NEXT(call, batch_row(state->descriptor, &batch));

	set_function_end(fcinfo, end_batches);
	SRF_RETURN_DONE(call);
}

/* factstr_batches(event_query, after_sequence_number, max_batches), one batch a call. */
Datum
factstr_batches(PG_FUNCTION_ARGS)
{
	return next_batch(fcinfo, begin_batches);
}

/* factstr_export(after_sequence_number, max_batches), one batch a call. */
Datum
factstr_export(PG_FUNCTION_ARGS)
{
	return next_batch(fcinfo, begin_export);
}
