/*
 * sql/check.c
 *		factstr_check: is the log correct, and do its indexes contain all of it?
 *
 * It uses one snapshot, and the memory of one fact, of a sort and of a bitmap.  The log is walked by its numbers.  The
 * payload index cannot be read in order: it is searched for facts by their own payloads, for each of them or for a
 * sample.  Then the table and the index of event types are read to their ends, which finds problems that the walk
 * cannot: rows without a valid number, and facts that are missing in an index.  The protection of facts is checked
 * last, in the catalogs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "check/guard.h"
#include "check/log.h"
#include "check/payloads.h"
#include "check/tables.h"
#include "commit/durability.h"
#include "read/facts.h"
#include "sql/call.h"

PG_FUNCTION_INFO_V1(factstr_check);

static const char *const check_names[CHECKS] = {
	"numbers", "batches", "times", "values", "idempotency keys", "table", "event type index",
	"payload index", "streams", "redactions", "guard"
};

static void
error_context(void *argument)
{
	Check	   *check = argument;

	if (check->where == 0)
		errcontext("factstr_check: %s", check->what);
	else
		errcontext("factstr_check: %s, fact " INT64_FORMAT, check->what, check->where);
}

static void
summarize(Check *check)
{
	Finding    *findings = check->findings;

	findings[CHECK_NUMBERS].summary = check->facts == 0 ? pstrdup("no facts") :
		psprintf("1 to " INT64_FORMAT ", without gaps", check->facts);
	findings[CHECK_BATCHES].summary = psprintf(INT64_FORMAT " batches", check->batches);
	findings[CHECK_TIMES].summary = check->steps_back == 0 ? pstrdup("never falling") :
		psprintf("steps back, as of a clock that is set: " INT64_FORMAT, check->steps_back);
	findings[CHECK_VALUES].summary = psprintf(INT64_FORMAT " facts read", check->facts);
	findings[CHECK_KEYS].summary = psprintf(INT64_FORMAT " keys", check->keys);
	findings[CHECK_TABLE].summary = psprintf(INT64_FORMAT " rows", check->facts);
	findings[CHECK_EVENT_TYPES].summary = psprintf(INT64_FORMAT " facts", check->facts);
	findings[CHECK_PAYLOADS].summary = psprintf(INT64_FORMAT " facts looked up", check->sampled);
}

static void
run_checks(Check *check)
{
	ErrorContextCallback callback = {error_context_stack, error_context, check};

	fs_check_payloads_begin(check);
	error_context_stack = &callback;
	fs_check_log(check);
	fs_check_payloads(check);
	fs_check_table(check);
	fs_check_event_types(check);
	fs_check_streams(check);
	fs_check_redactions(check);
	fs_check_guard(check);
	error_context_stack = callback.previous;
	summarize(check);
}

/*
 * Result
 */

/* So that about as many facts as asked for are looked up, spread over the log. */
static int64
argument_sample_step(FunctionCallInfo fcinfo, int argument, int64 head)
{
	if (PG_ARGISNULL(argument))
		return 1;
	if (PG_GETARG_INT32(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sample: it must not be negative"),
				 errhint("Pass null for every fact.")));
	return PG_GETARG_INT32(argument) == 0 ? 0 : Max(head / PG_GETARG_INT32(argument), 1);
}

static void *
begin_check(FunctionCallInfo fcinfo)
{
	Check	   *check = palloc0(sizeof(Check));
	FactPosition head;

	check->context = CurrentMemoryContext;
	check->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr check",
											   ALLOCSET_DEFAULT_SIZES);
	check->descriptor = fs_call_result_descriptor(fcinfo);
	check->store = fs_store_of_call(fcinfo, 1, RIGHT_TO_ADMINISTER);
	check->now = GetCurrentTimestamp();
	check->snapshot = RegisterSnapshot(GetActiveSnapshot());
	check->events = table_open(check->store.events, AccessShareLock);
	head = fs_fact_head_of_table(&check->store, check->snapshot);
	fs_durability_flush_before_answer(head.commit_position);
	check->head = head.sequence_number;
	check->sample_step = argument_sample_step(fcinfo, 0, check->head);
	check->sample_rest = check->sample_step > 0 ? check->now % check->sample_step : 0;
	run_checks(check);
	table_close(check->events, NoLock);
	UnregisterSnapshot(check->snapshot);
	return check;
}

/* All is done at the first call. */
static void
end_check(Datum argument)
{
}

static Datum
result_row(Check *check, CheckId id)
{
	Finding    *finding = &check->findings[id];
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = CStringGetTextDatum(check_names[id]);
	values[1] = BoolGetDatum(finding->count == 0);
	values[2] = CStringGetTextDatum(finding->count == 0 ? finding->summary :
									finding->count == 1 ? finding->first :
									psprintf("%s, and " INT64_FORMAT " more", finding->first,
											 finding->count - 1));
	return HeapTupleGetDatum(heap_form_tuple(check->descriptor, values, nulls));
}

/* factstr_check(sample): a row for each check. */
Datum
factstr_check(PG_FUNCTION_ARGS)
{
	FuncCallContext *call = fs_call_set_begin(fcinfo, begin_check, end_check);
	Check	   *check = call->user_fctx;

	if (check->next_result < CHECKS)
		SRF_RETURN_NEXT(call, result_row(check, check->next_result++));
	fs_call_set_end(fcinfo, end_check);
	SRF_RETURN_DONE(call);
}
