/*
 * read_api.c
 *		factstr_read: facts as rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "durability.h"
#include "fact_scan.h"
#include "set_function.h"

PG_FUNCTION_INFO_V1(factstr_read);

/* The table's columns that are returned, in the order of the result. */
static const AttrNumber returned_columns[] = {
	FACTSTR_SEQUENCE_NUMBER, FACTSTR_OCCURRED_AT, FACTSTR_EVENT_TYPE, FACTSTR_PAYLOAD,
	FACTSTR_METADATA
};

typedef struct ReadState
{
	FactScan   *scan;
	Snapshot	snapshot;
	int64		remaining;
	TupleDesc	descriptor;
} ReadState;

/* How many facts to return at most; all of them for null. */
static int64
argument_max_count(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return PG_INT64_MAX;
	if (PG_GETARG_INT64(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid max_count: it must not be negative"),
				 errhint("Pass null for no limit.")));
	return PG_GETARG_INT64(argument);
}

/* The last fact to return; the newest if the argument is null or the called function does not have it. */
static int64
argument_up_to(FunctionCallInfo fcinfo, int argument)
{
	if (PG_NARGS() <= argument || PG_ARGISNULL(argument))
		return PG_INT64_MAX;
	return argument_position(fcinfo, argument, "up_to_sequence_number");
}

/* Called when the query has read enough, or all. */
static void
end_read(Datum argument)
{
	ReadState  *state = (ReadState *) DatumGetPointer(argument);

	if (state->scan == NULL)
		return;
	fact_scan_end(state->scan);
	UnregisterSnapshot(state->snapshot);
	state->scan = NULL;
}

static void *
begin_read(FunctionCallInfo fcinfo)
{
	ReadState  *state = palloc0(sizeof(ReadState));
	fs_event_query *query = argument_event_query(fcinfo, 0, "event_query");
	bool		backwards;
	int64		up_to;
	FactstrStore store = factstr_store(fcinfo);
	FactPosition head;

	state->remaining = argument_max_count(fcinfo, 1);
	argument_refuse_null(fcinfo, 2, "backwards");
	backwards = PG_GETARG_BOOL(2);
	if (get_call_result_type(fcinfo, NULL, &state->descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	state->descriptor = BlessTupleDesc(state->descriptor);
	up_to = argument_up_to(fcinfo, 3);

	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	head = fact_head(&store, state->snapshot);
	factstr_flush_before_answer(head.commit_position);
	state->scan = fact_scan_begin(&store, query, state->snapshot,
								  query->has_min_sequence_number ? query->min_sequence_number : 0,
								  Min(up_to, head.sequence_number),
								  backwards ? BackwardScanDirection : ForwardScanDirection,
								  state->remaining == PG_INT64_MAX ? FACT_SCAN_ALL : state->remaining);
	return state;
}

static Datum
returned_row(ReadState *state, TupleTableSlot *row)
{
	Datum		values[lengthof(returned_columns)];
	bool		nulls[lengthof(returned_columns)];

	for (int i = 0; i < lengthof(returned_columns); i++)
		values[i] = slot_getattr(row, returned_columns[i], &nulls[i]);
	return HeapTupleGetDatum(heap_form_tuple(state->descriptor, values, nulls));
}

/* factstr_read(event_query, max_count, backwards[, up_to_sequence_number]), one fact a call. */
Datum
factstr_read(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ReadState  *state;
	TupleTableSlot *row = NULL;

	call = set_function_call(fcinfo, begin_read, end_read);
	state = call->user_fctx;
	if (state->remaining > 0)
		row = fact_scan_next(state->scan);
	if (row == NULL)
	{
		set_function_end(fcinfo, end_read);
		SRF_RETURN_DONE(call);
	}
	state->remaining--;
	SRF_RETURN_NEXT(call, returned_row(state, row));
}
