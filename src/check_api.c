/*
 * check_api.c
 *		factstr_check: is the log what it has to be, and do its indexes know all of it?
 *
 * All is seen by one snapshot, with the memory of one fact.  The log is walked by its numbers;
 * then the table and the index of event types are read to their ends, which shows what the walk
 * cannot: rows that no number leads to, and facts that an index does not have.  The payload index
 * cannot be read in order.  It is asked for facts by their own payloads, for each of them or for a
 * sample.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "check.h"
#include "fact_scan.h"
#include "set_function.h"

PG_FUNCTION_INFO_V1(factstr_check);

/* Milliseconds between two reports of progress, and facts between two looks at the clock. */
#define PROGRESS_INTERVAL 10000
#define FACTS_BETWEEN_LOOKS 1024

static const char *const check_names[CHECKS] = {
	"numbers", "batches", "times", "values", "idempotency keys", "table", "event type index",
	"payload index", "streams", "redactions"
};

void
check_found(Check *check, CheckId id, const char *format,...)
{
	Finding    *finding = &check->findings[id];
	MemoryContext caller;
	StringInfoData words;

	if (finding->count++ > 0)
		return;
	caller = MemoryContextSwitchTo(check->context);
	initStringInfo(&words);
	for (;;)
	{
		va_list		arguments;
		int			needed;

		va_start(arguments, format);
		needed = appendStringInfoVA(&words, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&words, needed);
	}
	finding->first = words.data;
	MemoryContextSwitchTo(caller);
}

void
check_begin_part(Check *check, const char *what)
{
	check->what = what;
	check->where = 0;
}

/* To be called for each row. */
void
check_go_on(Check *check, int64 where)
{
	CHECK_FOR_INTERRUPTS();
	check->where = where;
	MemoryContextReset(check->row_context);
	if (where % FACTS_BETWEEN_LOOKS == 0)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (!TimestampDifferenceExceeds(check->reported_at, now, PROGRESS_INTERVAL))
			return;
		check->reported_at = now;
		ereport(NOTICE,
				(errmsg("factstr_check: %s: " INT64_FORMAT " of " INT64_FORMAT " facts",
						check->what, where, check->head)));
	}
}

static void
error_context(void *argument)
{
	Check	   *check = argument;

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

	error_context_stack = &callback;
	check_log(check);
	check_table(check);
	check_event_types(check);
	check_streams(check);
	check_redactions(check);
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

	check->context = CurrentMemoryContext;
	check->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr check",
											   ALLOCSET_DEFAULT_SIZES);
	if (get_call_result_type(fcinfo, NULL, &check->descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	check->descriptor = BlessTupleDesc(check->descriptor);
	check->store = factstr_store(fcinfo);
	check->now = check->reported_at = GetCurrentTimestamp();
	check->snapshot = RegisterSnapshot(GetActiveSnapshot());
	check->events = table_open(check->store.events, AccessShareLock);
	check->head = fact_head(&check->store, check->snapshot).sequence_number;
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
	FuncCallContext *call = set_function_call(fcinfo, begin_check, end_check);
	Check	   *check = call->user_fctx;

	if (check->next_result < CHECKS)
		SRF_RETURN_NEXT(call, result_row(check, check->next_result++));
	set_function_end(fcinfo, end_check);
	SRF_RETURN_DONE(call);
}
