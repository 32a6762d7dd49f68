/*
 * sql/read.c
 *		The SQL functions that read by an event query: factstr_query, factstr_context_version, factstr_read;
 *		and factstr_matches, the matcher alone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "commit/durability.h"
#include "read/event_records.h"
#include "read/facts.h"
#include "read/scan.h"
#include "rows.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_query);
PG_FUNCTION_INFO_V1(factstr_context_version);
PG_FUNCTION_INFO_V1(factstr_read);
PG_FUNCTION_INFO_V1(factstr_matches);

/*
 * As one JSON document
 */

/* Columns of factstr_query. */
enum
{
	RESULT_EVENT_RECORDS,
	RESULT_LAST_RETURNED,
	RESULT_CONTEXT_VERSION,
	RESULT_COLUMNS
};

/* Adds all matching facts of the range to the records; returns the newest of them. */
static FactPosition
collect_records(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				int64 after, int64 head, EventRecords *records)
{
	FactPosition newest = {0, InvalidXLogRecPtr};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr record",
													  ALLOCSET_DEFAULT_SIZES);
	FactScan   *scan = fs_scan_begin(store, query, snapshot, after, head,
									 ForwardScanDirection, FACT_SCAN_ALL);
	TupleTableSlot *row;

	while ((row = fs_scan_next(scan)) != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(row_context);

		fs_event_records_add(records, row, NULL);
		newest.sequence_number = fs_row_sequence_number(row);
		newest.commit_position = fs_durability_commit_position(row);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row_context);
	}
	fs_scan_end(scan);
	MemoryContextDelete(row_context);
	return newest;
}

static void
set_version(Datum *values, bool *nulls, int column, int64 version)
{
	values[column] = Int64GetDatum(version);
	nulls[column] = version == 0;
}

/* factstr_query(event_query): rows, the last one's number, and the version of the whole context. */
Datum
factstr_query(PG_FUNCTION_ARGS)
{
	fs_event_query *query = fs_argument_event_query(fcinfo, 0, "event_query");
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_READ);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		head = fs_fact_head(&store, snapshot).sequence_number;
	int64		after = query->after;
	EventRecords records;
	FactPosition last_returned;
	FactPosition version;
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	fs_event_records_begin(&records);
	last_returned = collect_records(&store, query, snapshot, after, head, &records);

	/* The newest fact returned is the newest of the context; only if none is, it lies below. */
	version = last_returned;
	if (version.sequence_number == 0)
		version = fs_fact_newest_match(&store, query, snapshot, 0, Min(after, head));
	fs_durability_flush_before_answer(version.commit_position);

	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(fs_event_records_end(&records));
	set_version(values, nulls, RESULT_LAST_RETURNED, last_returned.sequence_number);
	set_version(values, nulls, RESULT_CONTEXT_VERSION, version.sequence_number);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(fs_call_result_descriptor(fcinfo), values, nulls)));
}

/* factstr_context_version(event_query) */
Datum
factstr_context_version(PG_FUNCTION_ARGS)
{
	fs_event_query *query = fs_argument_event_query(fcinfo, 0, "event_query");
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_READ);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		head = fs_fact_head(&store, snapshot).sequence_number;
	FactPosition version = fs_fact_newest_match(&store, query, snapshot, 0, head);

	if (version.sequence_number == 0)
		PG_RETURN_NULL();
	fs_durability_flush_before_answer(version.commit_position);
	PG_RETURN_INT64(version.sequence_number);
}

/*
 * As rows
 */

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
	TimestampTz since;
	TimestampTz until;
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

/* Functions of earlier versions do not have the last arguments, which counts as null. */
static bool
argument_is_absent(FunctionCallInfo fcinfo, int argument)
{
	return PG_NARGS() <= argument || PG_ARGISNULL(argument);
}

/* A time that limits the result; no limit if it is null. */
static TimestampTz
argument_bound(FunctionCallInfo fcinfo, int argument, TimestampTz none)
{
	return argument_is_absent(fcinfo, argument) ? none : PG_GETARG_TIMESTAMPTZ(argument);
}

/* The last fact to return; the newest if it is null. */
static int64
argument_up_to(FunctionCallInfo fcinfo, int argument)
{
	if (argument_is_absent(fcinfo, argument))
		return PG_INT64_MAX;
	return fs_argument_position(fcinfo, argument, "up_to_sequence_number");
}

/* Called when the query has read enough, or all. */
static void
end_read(Datum argument)
{
	ReadState  *state = (ReadState *) DatumGetPointer(argument);

	if (state->scan == NULL)
		return;
	fs_scan_end(state->scan);
	UnregisterSnapshot(state->snapshot);
	state->scan = NULL;
}

/* The position in the log of a time, none being before or after all of it. */
static int64
position_of_time(const FactstrStore *store, Snapshot snapshot, TimestampTz time, int64 head)
{
	if (TIMESTAMP_IS_NOBEGIN(time))
		return 0;
	if (TIMESTAMP_IS_NOEND(time))
		return head;
	return fs_fact_newest_before(store, snapshot, time).sequence_number;
}

static void *
begin_read(FunctionCallInfo fcinfo)
{
	ReadState  *state = palloc0(sizeof(ReadState));
	fs_event_query *query = fs_argument_event_query(fcinfo, 0, "event_query");
	bool		backwards;
	int64		after = query->after;
	int64		up_to;
	int64		head;
	FactstrStore store = fs_store_of_call(fcinfo, 6, RIGHT_TO_READ);

	state->remaining = argument_max_count(fcinfo, 1);
	fs_argument_refuse_null(fcinfo, 2, "backwards");
	backwards = PG_GETARG_BOOL(2);
	state->since = argument_bound(fcinfo, 3, DT_NOBEGIN);
	state->until = argument_bound(fcinfo, 4, DT_NOEND);
	up_to = argument_up_to(fcinfo, 5);
	state->descriptor = fs_call_result_descriptor(fcinfo);

	state->snapshot = RegisterSnapshot(GetActiveSnapshot());
	head = fs_fact_head_to_tell(&store, state->snapshot);
	after = Max(after, position_of_time(&store, state->snapshot, state->since, head));
	up_to = Min(up_to, position_of_time(&store, state->snapshot, state->until, head));
	state->scan = fs_scan_begin(&store, query, state->snapshot, after, up_to,
								backwards ? BackwardScanDirection : ForwardScanDirection,
								state->remaining == PG_INT64_MAX ? FACT_SCAN_ALL : state->remaining);
	return state;
}

/* The next fact within the requested times.  Between their positions, others exist only where times step back. */
static TupleTableSlot *
next_within_times(ReadState *state)
{
	TupleTableSlot *row;

	while ((row = fs_scan_next(state->scan)) != NULL)
	{
		bool		isnull;
		TimestampTz occurred_at = DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT, &isnull));

		if (occurred_at >= state->since && (occurred_at < state->until || TIMESTAMP_IS_NOEND(state->until)))
			break;
	}
	return row;
}

static Datum
returned_row(ReadState *state, TupleTableSlot *row)
{
	Datum		values[lengthof(returned_columns)];
	bool		nulls[lengthof(returned_columns)];
	FactContext context;
	Datum		result;

	fs_row_begin_values(&context, row);
	for (int i = 0; i < lengthof(returned_columns); i++)
		values[i] = slot_getattr(row, returned_columns[i], &nulls[i]);
	result = HeapTupleGetDatum(heap_form_tuple(state->descriptor, values, nulls));
	fs_row_end_values(&context);
	return result;
}

/* factstr_read(event_query, max_count, backwards[, since, until, up_to_sequence_number]), one fact a call. */
Datum
factstr_read(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ReadState  *state;
	TupleTableSlot *row = NULL;

	call = fs_call_set_begin(fcinfo, begin_read, end_read);
	state = call->user_fctx;
	if (state->remaining > 0)
		row = next_within_times(state);
	if (row == NULL)
	{
		fs_call_set_end(fcinfo, end_read);
		SRF_RETURN_DONE(call);
	}
	state->remaining--;
	SRF_RETURN_NEXT(call, returned_row(state, row));
}

/* factstr_matches(event_query, event_type, payload): the matcher, for tests, views and triggers. */
Datum
factstr_matches(PG_FUNCTION_ARGS)
{
	fs_event_query *query = fs_query_parse(PG_GETARG_JSONB_P(0), "event_query");

	PG_RETURN_BOOL(fs_query_matches(query, PG_GETARG_TEXT_PP(1), PG_GETARG_JSONB_P(2)));
}
