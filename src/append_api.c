/*
 * append_api.c
 *		The SQL functions that append: arguments in, a row or an error out.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "append.h"
#include "arguments.h"
#include "errors.h"
#include "idempotency.h"

PG_FUNCTION_INFO_V1(factstr_append);
PG_FUNCTION_INFO_V1(factstr_append_if);
PG_FUNCTION_INFO_V1(factstr_try_append_if);
PG_FUNCTION_INFO_V1(factstr_import);

/* Columns of the result; factstr_append and factstr_append_if return the first three. */
enum
{
	RESULT_FIRST,
	RESULT_LAST,
	RESULT_COUNT,
	RESULT_CONFLICT,
	RESULT_ACTUAL,
	RESULT_COLUMNS
};
#define RESULT_COLUMNS_WITHOUT_CONFLICT RESULT_CONFLICT

static AppendRequest
append_request(FunctionCallInfo fcinfo, int key_argument)
{
	AppendRequest request = {0};
	FactstrNewEvents events;
	text	   *key = NULL;

	argument_refuse_null(fcinfo, 0, "events");
	events = factstr_parse_new_events(PG_GETARG_JSONB_P(0));
	if (!PG_ARGISNULL(key_argument))
	{
		key = PG_GETARG_TEXT_PP(key_argument);
		idempotency_check_key(key);
	}
	request.facts = new_facts_build(&events, key);
	request.store = factstr_store(fcinfo);
	return request;
}

static AppendRequest
append_if_request(FunctionCallInfo fcinfo)
{
	AppendRequest request = append_request(fcinfo, 3);

	request.context_query = argument_event_query(fcinfo, 1, "context_query");
	request.expects_empty_context = PG_ARGISNULL(2);
	if (!request.expects_empty_context)
		request.expected_context_version = PG_GETARG_INT64(2);
	return request;
}

static TupleDesc
result_descriptor(int columns)
{
	TupleDesc	descriptor = CreateTemplateTupleDesc(columns);

	TupleDescInitEntry(descriptor, RESULT_FIRST + 1, "first_sequence_number", INT8OID, -1, 0);
	TupleDescInitEntry(descriptor, RESULT_LAST + 1, "last_sequence_number", INT8OID, -1, 0);
	TupleDescInitEntry(descriptor, RESULT_COUNT + 1, "committed_count", INT8OID, -1, 0);
	if (columns > RESULT_CONFLICT)
	{
		TupleDescInitEntry(descriptor, RESULT_CONFLICT + 1, "conflict", BOOLOID, -1, 0);
		TupleDescInitEntry(descriptor, RESULT_ACTUAL + 1, "actual_context_version", INT8OID, -1, 0);
	}
	return BlessTupleDesc(descriptor);
}

/* Looking the columns up in the catalog would cost each append more than checking its events. */
static TupleDesc
kept_result_descriptor(int columns)
{
	static TupleDesc kept[RESULT_COLUMNS + 1];

	if (kept[columns] == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		kept[columns] = result_descriptor(columns);
		MemoryContextSwitchTo(caller);
	}
	return kept[columns];
}

static Datum
result_row(const AppendOutcome *outcome, int columns)
{
	Datum		values[RESULT_COLUMNS] = {0};
	bool		nulls[RESULT_COLUMNS] = {false};

	values[RESULT_FIRST] = Int64GetDatum(outcome->first_sequence_number);
	values[RESULT_LAST] = Int64GetDatum(outcome->last_sequence_number);
	values[RESULT_COUNT] = Int64GetDatum(outcome->conflict ? 0 :
										 outcome->last_sequence_number -
										 outcome->first_sequence_number + 1);
	values[RESULT_CONFLICT] = BoolGetDatum(outcome->conflict);
	values[RESULT_ACTUAL] = Int64GetDatum(outcome->actual_context_version);
	nulls[RESULT_FIRST] = nulls[RESULT_LAST] = outcome->conflict;
	nulls[RESULT_ACTUAL] = outcome->actual_context_version == 0;
	return HeapTupleGetDatum(heap_form_tuple(kept_result_descriptor(columns), values, nulls));
}

static char *
version_as_json(bool is_empty, int64 version)
{
	return is_empty ? pstrdup("null") : psprintf(INT64_FORMAT, version);
}

static void
raise_conflict(const AppendRequest *request, const AppendOutcome *outcome)
{
	bool		impossible = (!request->expects_empty_context &&
							  request->expected_context_version <= 0);

	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_APPEND_CONFLICT),
			 errmsg("conditional append conflict"),
			 errdetail("{\"expected_context_version\": %s, \"actual_context_version\": %s}",
					   version_as_json(request->expects_empty_context,
									   request->expected_context_version),
					   version_as_json(outcome->actual_context_version == 0,
									   outcome->actual_context_version)),
			 impossible ?
			 errhint("Facts are numbered from 1; pass null to expect an empty context.") :
			 errhint("Query the context again, decide again, and append with its current version.")));
}

/* factstr_append(events, idempotency_key) */
Datum
factstr_append(PG_FUNCTION_ARGS)
{
	AppendRequest request;
	AppendOutcome outcome;

	factstr_refuse_read_only("factstr_append()");
	request = append_request(fcinfo, 1);
	outcome = append_facts(&request);
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}

/* factstr_append_if(events, context_query, expected_context_version, idempotency_key) */
Datum
factstr_append_if(PG_FUNCTION_ARGS)
{
	AppendRequest request;
	AppendOutcome outcome;

	factstr_refuse_read_only("factstr_append_if()");
	request = append_if_request(fcinfo);
	outcome = append_facts(&request);
	if (outcome.conflict)
		raise_conflict(&request, &outcome);
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}

/* factstr_try_append_if(events, context_query, expected_context_version, idempotency_key) */
Datum
factstr_try_append_if(PG_FUNCTION_ARGS)
{
	AppendRequest request;
	AppendOutcome outcome;

	factstr_refuse_read_only("factstr_try_append_if()");
	request = append_if_request(fcinfo);
	outcome = append_facts(&request);
	return result_row(&outcome, RESULT_COLUMNS);
}

/* factstr_import(batches) */
Datum
factstr_import(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	ImportedBatch *batches;
	AppendOutcome outcome;
	int			count;

	factstr_refuse_read_only("factstr_import()");
	argument_refuse_null(fcinfo, 0, "batches");
	batches = imported_batches_parse(PG_GETARG_JSONB_P(0), &count);
	store = factstr_store(fcinfo);
	outcome = append_imported(&store, batches, count);
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}
