/*
 * sql/append.c
 *		The SQL functions that append: arguments in, a row or an error out.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "append/append.h"
#include "append/at_commit.h"
#include "append/conflict.h"
#include "append/idempotency.h"
#include "append/import.h"
#include "commit/log_head.h"
#include "commit/pre_commit.h"
#include "compat.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_append);
PG_FUNCTION_INFO_V1(factstr_append_event);
PG_FUNCTION_INFO_V1(factstr_append_if);
PG_FUNCTION_INFO_V1(factstr_try_append_if);
PG_FUNCTION_INFO_V1(factstr_append_unless);
PG_FUNCTION_INFO_V1(factstr_try_append_unless);
PG_FUNCTION_INFO_V1(factstr_import);
PG_FUNCTION_INFO_V1(factstr_last_append);

/* Columns of the result; functions that raise conflicts as errors return the first three. */
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

static NewFacts
events_argument(FunctionCallInfo fcinfo)
{
	fs_argument_refuse_null(fcinfo, 0, "events");
	return fs_new_facts_of_document(PG_GETARG_JSONB_P(0));
}

static NewFacts
event_arguments(FunctionCallInfo fcinfo)
{
	fs_argument_refuse_null(fcinfo, 0, "event_type");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid payload: it must not be null"),
				 errhint("The JSON value null is 'null'::jsonb.")));
	return fs_new_facts_of_event(PG_GETARG_TEXT_PP(0), PG_GETARG_JSONB_P(1),
								 PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
}

static AppendRequest
append_request(FunctionCallInfo fcinfo, NewFacts facts, int key_argument, int log_argument)
{
	AppendRequest request = {0};

	request.facts = facts;
	if (!PG_ARGISNULL(key_argument))
	{
		text	   *key = PG_GETARG_TEXT_PP(key_argument);

		fs_idempotency_check_key(key);
		request.facts.idempotency_key = PointerGetDatum(key);
	}
	request.store = fs_store_of_call(fcinfo, log_argument, RIGHT_TO_APPEND);
	return request;
}

/*
 * factstr_append_if, factstr_append_unless and their variants have these arguments in the same places, except the
 * log.
 */
static AppendRequest
conditional_request(FunctionCallInfo fcinfo, AppendCondition condition, int log_argument)
{
	AppendRequest request = append_request(fcinfo, events_argument(fcinfo), 3, log_argument);

	request.condition = condition;
	request.context_query = fs_argument_event_query(fcinfo, 1, "context_query");
	if (condition == APPEND_UNLESS_NEWER)
		request.context_number = fs_argument_position(fcinfo, 2, "after_sequence_number");
	else if (!PG_ARGISNULL(2))
		request.context_number = PG_GETARG_INT64(2);
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
	compat_finish_descriptor(descriptor);
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
	bool		wrote_nothing = outcome->first_sequence_number == 0;

	values[RESULT_FIRST] = Int64GetDatum(outcome->first_sequence_number);
	values[RESULT_LAST] = Int64GetDatum(outcome->last_sequence_number);
	values[RESULT_COUNT] = Int64GetDatum(wrote_nothing ? 0 :
										 outcome->last_sequence_number -
										 outcome->first_sequence_number + 1);
	values[RESULT_CONFLICT] = BoolGetDatum(outcome->conflict);
	values[RESULT_ACTUAL] = Int64GetDatum(outcome->actual_context_version);
	nulls[RESULT_FIRST] = nulls[RESULT_LAST] = wrote_nothing;
	nulls[RESULT_ACTUAL] = outcome->actual_context_version == 0;
	return HeapTupleGetDatum(heap_form_tuple(kept_result_descriptor(columns), values, nulls));
}

/* 0.1.0's functions do not have the argument. */
static bool
is_at_commit(FunctionCallInfo fcinfo, int argument)
{
	if (PG_NARGS() <= argument)
		return false;
	fs_argument_refuse_null(fcinfo, argument, "at_commit");
	return PG_GETARG_BOOL(argument);
}

/*
 * Deferred work outlives the call, so its request is made in the transaction's memory, from copies of the arguments
 * whose bits are set.
 */
static void
keep_arguments(FunctionCallInfo fcinfo, uint32 arguments)
{
	MemoryContextSwitchTo(fs_pre_commit_memory());
	for (int i = 0; arguments >> i != 0; i++)
	{
		if ((arguments >> i & 1) != 0 && !PG_ARGISNULL(i))
			fcinfo->args[i].value = PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(i)));
	}
}

static Datum
null_row(void)
{
	Datum		values[RESULT_COLUMNS_WITHOUT_CONFLICT] = {0};
	bool		nulls[RESULT_COLUMNS_WITHOUT_CONFLICT] = {true, true, true};

	return HeapTupleGetDatum(heap_form_tuple(kept_result_descriptor(RESULT_COLUMNS_WITHOUT_CONFLICT),
											 values, nulls));
}

/* An append whose conflict is an error, now or at commit. */
static Datum
append_now_or_at_commit(AppendRequest *request, bool at_commit)
{
	AppendOutcome outcome;

	if (!at_commit)
		outcome = fs_append_facts(request);
	else if (!fs_append_at_commit(request, &outcome))
		return null_row();
	if (outcome.conflict)
		fs_append_raise_conflict(request, &outcome);
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}

/* factstr_append(events, idempotency_key, at_commit, log) */
Datum
factstr_append(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		at_commit;
	AppendRequest request;

	fs_call_refuse_read_only("factstr_append()");
	at_commit = is_at_commit(fcinfo, 2);
	if (at_commit)
		keep_arguments(fcinfo, 1 << 0 | 1 << 1);
	request = append_request(fcinfo, events_argument(fcinfo), 1, 3);
	MemoryContextSwitchTo(caller);
	return append_now_or_at_commit(&request, at_commit);
}

/* factstr_append_event(event_type, payload, metadata, idempotency_key, at_commit, log) */
Datum
factstr_append_event(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		at_commit;
	AppendRequest request;
	AppendOutcome outcome;

	fs_call_refuse_read_only("factstr_append_event()");
	at_commit = is_at_commit(fcinfo, 4);
	if (at_commit)
		keep_arguments(fcinfo, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3);
	request = append_request(fcinfo, event_arguments(fcinfo), 3, 5);
	MemoryContextSwitchTo(caller);
	if (!at_commit)
		outcome = fs_append_facts(&request);
	else if (!fs_append_at_commit(&request, &outcome))
		PG_RETURN_NULL();
	PG_RETURN_INT64(outcome.first_sequence_number);
}

static Datum
append_on_condition(FunctionCallInfo fcinfo, AppendCondition condition, const char *function)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		at_commit;
	AppendRequest request;

	fs_call_refuse_read_only(function);
	at_commit = is_at_commit(fcinfo, 4);
	if (at_commit)
		keep_arguments(fcinfo, 1 << 0 | 1 << 1 | 1 << 3);
	request = conditional_request(fcinfo, condition, 5);
	MemoryContextSwitchTo(caller);
	return append_now_or_at_commit(&request, at_commit);
}

static Datum
try_append_on_condition(FunctionCallInfo fcinfo, AppendCondition condition, const char *function)
{
	AppendRequest request;
	AppendOutcome outcome;

	fs_call_refuse_read_only(function);
	request = conditional_request(fcinfo, condition, 4);
	outcome = fs_append_facts(&request);
	return result_row(&outcome, RESULT_COLUMNS);
}

/* factstr_append_if(events, context_query, expected_context_version, idempotency_key, at_commit, log) */
Datum
factstr_append_if(PG_FUNCTION_ARGS)
{
	return append_on_condition(fcinfo, APPEND_IF_VERSION, "factstr_append_if()");
}

/* factstr_try_append_if(events, context_query, expected_context_version, idempotency_key, log) */
Datum
factstr_try_append_if(PG_FUNCTION_ARGS)
{
	return try_append_on_condition(fcinfo, APPEND_IF_VERSION, "factstr_try_append_if()");
}

/* factstr_append_unless(events, context_query, after_sequence_number, idempotency_key, at_commit, log) */
Datum
factstr_append_unless(PG_FUNCTION_ARGS)
{
	return append_on_condition(fcinfo, APPEND_UNLESS_NEWER, "factstr_append_unless()");
}

/* factstr_try_append_unless(events, context_query, after_sequence_number, idempotency_key, log) */
Datum
factstr_try_append_unless(PG_FUNCTION_ARGS)
{
	return try_append_on_condition(fcinfo, APPEND_UNLESS_NEWER, "factstr_try_append_unless()");
}

/* factstr_import(batches, log) */
Datum
factstr_import(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	ImportedBatch *batches;
	AppendOutcome outcome;
	int			count;

	fs_call_refuse_read_only("factstr_import()");
	fs_argument_refuse_null(fcinfo, 0, "batches");
	batches = fs_import_parse(PG_GETARG_JSONB_P(0), &count);
	store = fs_store_of_call(fcinfo, 1, RIGHT_TO_ADMINISTER);
	outcome = fs_import_append(&store, batches, count);
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}

/*
 * factstr_last_append(log)
 *
 * Its row is in the log, and shows the beginning of the batch, unless the log was dropped and restored meanwhile.
 * The commit may not have waited for the disk, but a returned number is on disk.
 */
Datum
factstr_last_append(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo, 0, RIGHT_TO_APPEND);
	int64		last = fs_log_head_of_last_commit(&store);
	FactHeading heading = {0};
	AppendOutcome outcome = {0};

	if (last > 0)
		heading = fs_fact_first_after(&store, GetActiveSnapshot(), last - 1, last);
	if (heading.sequence_number == 0)
		return null_row();
	fs_durability_flush_before_answer(heading.commit_position);
	outcome.first_sequence_number = heading.batch_first;
	outcome.last_sequence_number = last;
	return result_row(&outcome, RESULT_COLUMNS_WITHOUT_CONFLICT);
}
