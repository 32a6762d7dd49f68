/*
 * batches_api.c
 *		factstr_batches: committed batches, filtered, whole.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "durability.h"
#include "event_records.h"
#include "fact_scan.h"

PG_FUNCTION_INFO_V1(factstr_batches);

/* Columns of the result. */
enum
{
	RESULT_FIRST,
	RESULT_LAST,
	RESULT_EVENT_RECORDS,
	RESULT_COLUMNS
};

typedef struct BatchesState
{
	FactstrStore store;
	const fs_event_query *query;
	Snapshot	snapshot;
	FactScan   *matches;		/* the matching facts after the position */
	int64		delivered_upto; /* the last number of the last batch returned */
	int32		remaining;
	TupleDesc	descriptor;
	MemoryContext row_context;
} BatchesState;

static int64
batch_first(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, FACTSTR_BATCH_FIRST, &isnull));
}

/* The first number of the next batch with a match beyond what was delivered, or 0. */
static int64
next_batch(BatchesState *state)
{
	TupleTableSlot *row;

	while ((row = fact_scan_next(state->matches)) != NULL)
	{
		if (fact_sequence_number(row) > state->delivered_upto)
			return batch_first(row);
	}
	return 0;
}

/* Adds a row's record if it matches. */
static void
add_if_match(BatchesState *state, EventRecords *records, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(state->row_context);

	if (factstr_row_matches(state->query, row))
		event_records_add(records, row);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->row_context);
}

/* Reads one batch from its first fact to its last, and returns its row of the result. */
static Datum
read_batch(BatchesState *state, int64 first)
{
	FactScan   *batch = fact_scan_begin(&state->store, &factstr_every_fact, state->snapshot,
										first - 1, PG_INT64_MAX, ForwardScanDirection,
										FACT_SCAN_ALL);
	TupleTableSlot *row;
	EventRecords records;
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	event_records_begin(&records);
	while ((row = fact_scan_next(batch)) != NULL && batch_first(row) == first)
	{
		state->delivered_upto = fact_sequence_number(row);
		add_if_match(state, &records, row);
	}
	fact_scan_end(batch);

	values[RESULT_FIRST] = Int64GetDatum(first);
	values[RESULT_LAST] = Int64GetDatum(state->delivered_upto);
	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(event_records_end(&records));
	return HeapTupleGetDatum(heap_form_tuple(state->descriptor, values, nulls));
}

static int32
argument_max_batches(FunctionCallInfo fcinfo, int argument)
{
	argument_refuse_null(fcinfo, argument, "max_batches");
	if (PG_GETARG_INT32(argument) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid max_batches: it must be at least 1")));
	return PG_GETARG_INT32(argument);
}

static int64
argument_after(FunctionCallInfo fcinfo, int argument)
{
	argument_refuse_null(fcinfo, argument, "after_sequence_number");
	if (PG_GETARG_INT64(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid after_sequence_number: it must not be negative"),
				 errhint("Facts are numbered from 1; pass 0 to begin with the first.")));
	return PG_GETARG_INT64(argument);
}

static void
end_batches(Datum argument)
{
	BatchesState *state = (BatchesState *) DatumGetPointer(argument);

	if (state->matches == NULL)
		return;
	fact_scan_end(state->matches);
	UnregisterSnapshot(state->snapshot);
	state->matches = NULL;
}

static BatchesState *
begin_batches(FunctionCallInfo fcinfo)
{
	BatchesState *state = palloc0(sizeof(BatchesState));
	FactPosition head;

	state->query = argument_event_query(fcinfo, 0, "event_query");
	state->delivered_upto = argument_after(fcinfo, 1);
	state->remaining = argument_max_batches(fcinfo, 2);
	state->store = factstr_store(fcinfo);
	if (get_call_result_type(fcinfo, NULL, &state->descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	state->descriptor = BlessTupleDesc(state->descriptor);
	state->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr record",
											   ALLOCSET_DEFAULT_SIZES);

	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	head = fact_head(&state->store, state->snapshot);
	factstr_flush_before_answer(head.commit_position);
	state->matches = fact_scan_begin(&state->store, state->query, state->snapshot,
									 state->delivered_upto, head.sequence_number,
									 ForwardScanDirection, state->remaining);
	return state;
}

/* factstr_batches(event_query, after_sequence_number, max_batches), one batch a call. */
Datum
factstr_batches(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	BatchesState *state;
	int64		first = 0;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;

		call = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = begin_batches(fcinfo);
		MemoryContextSwitchTo(caller);
		RegisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext, end_batches,
									PointerGetDatum(call->user_fctx));
	}

	call = SRF_PERCALL_SETUP();
	state = call->user_fctx;
	if (state->remaining > 0)
		first = next_batch(state);
	if (first == 0)
	{
		end_batches(PointerGetDatum(state));
		/* The state goes with this call's memory, so nobody may come back to it. */
		UnregisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext, end_batches,
									  PointerGetDatum(state));
		SRF_RETURN_DONE(call);
	}
	state->remaining--;
	SRF_RETURN_NEXT(call, read_batch(state, first));
}
