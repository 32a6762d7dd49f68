/*
 * sql/newest.c
 *		factstr_newest: the newest fact of each of several contexts, and one version for all of them.
 *
 * A decision often needs one fact of each context rather than all facts of one: for example, the last invoice
 * number and the current price.  Each is one short search from the newest end, and the snapshot makes them
 * consistent.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "commit/durability.h"
#include "read/event_records.h"
#include "read/facts.h"
#include "read/scan.h"
#include "rows.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_newest);

enum
{
	RESULT_EVENT_RECORDS,
	RESULT_CONTEXT_VERSION,
	RESULT_COLUMNS
};

/* Adds the newest fact of the context, or null if its query excludes it.  Returns its number. */
static FactPosition
add_newest(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot, int64 head,
		   EventRecords *records)
{
	FactPosition position = {0, InvalidXLogRecPtr};
	FactScan   *scan = fs_scan_begin(store, query, snapshot, 0, head, BackwardScanDirection, 1);
	TupleTableSlot *row = fs_scan_next(scan);

	if (row != NULL)
	{
		position.sequence_number = fs_row_sequence_number(row);
		position.commit_position = fs_durability_commit_position(row);
	}
	if (position.sequence_number > query->after)
		fs_event_records_add(records, row, NULL);
	else
		fs_event_records_add_null(records);
	fs_scan_end(scan);
	return position;
}

static const fs_event_query *
query_at(Jsonb *queries, uint32 index)
{
	JsonbValue *query = getIthJsonbValueFromContainer(&queries->root, index);

	return fs_query_parse(JsonbValueToJsonb(query), psprintf("event_queries[%u]", index));
}

static Jsonb *
argument_queries(FunctionCallInfo fcinfo)
{
	Jsonb	   *queries;

	fs_argument_refuse_null(fcinfo, 0, "event_queries");
	queries = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_ARRAY(queries) || JB_ROOT_IS_SCALAR(queries))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid event_queries: it must be an array of event queries"),
				 errhint("For a single one, write '[{...}]'.")));
	return queries;
}

/* factstr_newest(event_queries): a record or null for each query, and the newest number of all their contexts. */
Datum
factstr_newest(PG_FUNCTION_ARGS)
{
	Jsonb	   *queries = argument_queries(fcinfo);
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_READ);
	Snapshot	snapshot = GetActiveSnapshot();
	int64		head = fs_fact_head(&store, snapshot).sequence_number;
	FactPosition version = {0, InvalidXLogRecPtr};
	EventRecords records;
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};

	fs_event_records_begin(&records);
	for (uint32 i = 0; i < JB_ROOT_COUNT(queries); i++)
	{
		FactPosition newest;

		CHECK_FOR_INTERRUPTS();
		newest = add_newest(&store, query_at(queries, i), snapshot, head, &records);
		if (newest.sequence_number > version.sequence_number)
			version = newest;
	}
	fs_durability_flush_before_answer(version.commit_position);

	values[RESULT_EVENT_RECORDS] = JsonbPGetDatum(fs_event_records_end(&records));
	values[RESULT_CONTEXT_VERSION] = Int64GetDatum(version.sequence_number);
	nulls[RESULT_CONTEXT_VERSION] = version.sequence_number == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(fs_call_result_descriptor(fcinfo), values, nulls)));
}
