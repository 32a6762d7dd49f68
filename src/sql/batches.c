/*
 * sql/batches.c
 *		factstr_batches and factstr_export: committed batches by position.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/snapmgr.h"

#include "read/batches.h"
#include "sql/batches.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_batches);
PG_FUNCTION_INFO_V1(factstr_export);

/* Columns of the result; only an export has the last one. */
enum
{
	RESULT_FIRST,
	RESULT_LAST,
	RESULT_EVENT_RECORDS,
	RESULT_IDEMPOTENCY_KEY,
	RESULT_COLUMNS
};

typedef struct BatchesState
{
	BatchReader *reader;		/* NULL once the reading has ended */
	Snapshot	snapshot;
	TupleDesc	descriptor;
} BatchesState;

Datum
fs_batch_row(TupleDesc descriptor, const FactBatch *batch)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	values[RESULT_FIRST] = Int64GetDatum(batch->first_sequence_number);
	values[RESULT_LAST] = Int64GetDatum(batch->last_sequence_number);
	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(batch->event_records);
	values[RESULT_IDEMPOTENCY_KEY] = PointerGetDatum(batch->idempotency_key);
	nulls[RESULT_IDEMPOTENCY_KEY] = batch->idempotency_key == NULL;
	return HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls));
}

/* Called when the query has read enough, or all. */
static void
end_batches(Datum argument)
{
	BatchesState *state = (BatchesState *) DatumGetPointer(argument);

	if (state->reader == NULL)
		return;
	fs_batch_reader_end(state->reader);
	UnregisterSnapshot(state->snapshot);
	state->reader = NULL;
}

/* The arguments after_sequence_number and max_batches, the first of them at its place. */
static BatchesState *
begin(FunctionCallInfo fcinfo, const fs_event_query *query, int position_argument)
{
	BatchesState *state = palloc0(sizeof(BatchesState));
	int64		after = fs_argument_position(fcinfo, position_argument, "after_sequence_number");
	int32		max_batches = fs_argument_max_batches(fcinfo, position_argument + 1);
	FactstrStore store = fs_store_of_call(fcinfo, position_argument + 2, RIGHT_TO_READ);

	state->descriptor = fs_call_result_descriptor(fcinfo);
	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	state->reader = fs_batch_reader_begin(&store, query, state->snapshot, after, PG_INT64_MAX,
										  max_batches);
	return state;
}

static void *
begin_batches(FunctionCallInfo fcinfo)
{
	return begin(fcinfo, fs_argument_event_query(fcinfo, 0, "event_query"), 1);
}

static void *
begin_export(FunctionCallInfo fcinfo)
{
	BatchesState *state = begin(fcinfo, &fs_query_every_fact, 0);

	fs_batch_reader_add_redactions(state->reader);
	return state;
}

static Datum
next_batch(FunctionCallInfo fcinfo, SetFunctionBegin begin_call)
{
	FuncCallContext *call;
	BatchesState *state;
	FactBatch	batch;

	call = fs_call_set_begin(fcinfo, begin_call, end_batches);
	state = call->user_fctx;
	if (fs_batch_reader_next(state->reader, &batch))
		SRF_RETURN_NEXT(call, fs_batch_row(state->descriptor, &batch));

	fs_call_set_end(fcinfo, end_batches);
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
