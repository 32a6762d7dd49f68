/*
 * query_api.c
 *		factstr_query and factstr_context_version.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "durability.h"
#include "event_records.h"
#include "fact_scan.h"

PG_FUNCTION_INFO_V1(factstr_query);
PG_FUNCTION_INFO_V1(factstr_context_version);

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
	FactScan   *scan = fact_scan_begin(store, query, snapshot, after, head,
									   ForwardScanDirection, FACT_SCAN_ALL);
	TupleTableSlot *row;

	while ((row = fact_scan_next(scan)) != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(row_context);

		event_records_add(records, row);
		newest.sequence_number = fact_sequence_number(row);
		newest.commit_position = factstr_commit_position(row);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row_context);
	}
	fact_scan_end(scan);
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
	fs_event_query *query = argument_event_query(fcinfo, 0, "event_query");
	FactstrStore store = factstr_store(fcinfo);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		head = fact_head(&store, snapshot).sequence_number;
	int64		after = query->has_min_sequence_number ? Max(query->min_sequence_number, 0) : 0;
	EventRecords records;
	FactPosition last_returned;
	FactPosition version;
	TupleDesc	descriptor;
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	event_records_begin(&records);
	last_returned = collect_records(&store, query, snapshot, after, head, &records);

	/* The newest fact returned is the newest of the context; only if none is, it lies below. */
	version = last_returned;
	if (version.sequence_number == 0)
		version = fact_newest_match(&store, query, snapshot, 0, Min(after, head));
	factstr_flush_before_answer(version.commit_position);

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(event_records_end(&records));
	set_version(values, nulls, RESULT_LAST_RETURNED, last_returned.sequence_number);
	set_version(values, nulls, RESULT_CONTEXT_VERSION, version.sequence_number);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/* factstr_context_version(event_query) */
Datum
factstr_context_version(PG_FUNCTION_ARGS)
{
	fs_event_query *query = argument_event_query(fcinfo, 0, "event_query");
	FactstrStore store = factstr_store(fcinfo);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		head = fact_head(&store, snapshot).sequence_number;
	FactPosition version = fact_newest_match(&store, query, snapshot, 0, head);

	if (version.sequence_number == 0)
		PG_RETURN_NULL();
	factstr_flush_before_answer(version.commit_position);
	PG_RETURN_INT64(version.sequence_number);
}
