/*
 * batches_api.c
 *		factstr_batches: committed batches by position.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "batch_reader.h"
#include "batch_rows.h"
#include "set_function.h"

PG_FUNCTION_INFO_V1(factstr_batches);

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

static void *
begin_batches(FunctionCallInfo fcinfo)
{
	BatchesState *state = palloc0(sizeof(BatchesState));
	fs_event_query *query = argument_event_query(fcinfo, 0, "event_query");
	int64		after = argument_position(fcinfo, 1, "after_sequence_number");
	int32		max_batches = argument_max_batches(fcinfo, 2);
	FactstrStore store = factstr_store(fcinfo);

	state->descriptor = batch_descriptor(fcinfo);
	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	state->reader = batch_reader_begin(&store, query, state->snapshot, after, PG_INT64_MAX,
									   max_batches);
	return state;
}

/* factstr_batches(event_query, after_sequence_number, max_batches), one batch a call. */
Datum
factstr_batches(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	BatchesState *state;
	FactBatch	batch;

	call = set_function_call(fcinfo, begin_batches, end_batches);
	state = call->user_fctx;
	if (batch_reader_next(state->reader, &batch))
		SRF_RETURN_NEXT(call, batch_row(state->descriptor, &batch));

	set_function_end(fcinfo, end_batches);
	SRF_RETURN_DONE(call);
}
