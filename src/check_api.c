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

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "candidates.h"
#include "compat.h"
#include "fact_scan.h"
#include "redaction.h"
#include "set_function.h"

PG_FUNCTION_INFO_V1(factstr_check);

/* A clock may be off, but not by more than this. */
#define TOLERATED_FUTURE (USECS_PER_HOUR)

/* Milliseconds between two reports of progress, and facts between two looks at the clock. */
#define PROGRESS_INTERVAL 10000
#define FACTS_BETWEEN_LOOKS 1024

/* The checks, in the order of the result. */
typedef enum CheckId
{
	CHECK_NUMBERS,
	CHECK_BATCHES,
	CHECK_TIMES,
	CHECK_VALUES,
	CHECK_KEYS,
	CHECK_TABLE,
	CHECK_EVENT_TYPES,
	CHECK_PAYLOADS,
	CHECK_STREAMS,
	CHECK_REDACTIONS,
	CHECKS
} CheckId;

static const char *const check_names[CHECKS] = {
	"numbers", "batches", "times", "values", "idempotency keys", "table", "event type index",
	"payload index", "streams", "redactions"
};

/* What a check has found wrong: how often, and the first time in words. */
typedef struct Finding
{
	int64		count;
	char	   *first;
	char	   *summary;		/* what to say if nothing is wrong */
} Finding;

typedef struct Check
{
	FactstrStore store;
	Snapshot	snapshot;
	Relation	events;
	int64		head;
	TimestampTz now;
	Finding		findings[CHECKS];
	int			next_result;
	TupleDesc	descriptor;
	MemoryContext context;		/* what lasts to the end */
	MemoryContext row_context;	/* what one row leaves behind */
	TimestampTz reported_at;
	const char *what;			/* is being checked, for progress and errors */
	int64		where;			/* the fact, or how many rows */

	/* The walk over the log: the fact before, and counts. */
	int64		facts;
	int64		batches;
	int64		keys;
	int64		previous_number;
	int64		previous_batch;
	TimestampTz previous_time;
	int64		steps_back;
	int64		sample_step;	/* one in so many facts is asked of the payload index; 0: none */
	int64		sample_rest;	/* which one: another time, others */
	int64		sampled;
} Check;

static void found(Check *check, CheckId id, const char *format,...) pg_attribute_printf(3, 4);

static void
found(Check *check, CheckId id, const char *format,...)
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

static void
begin_part(Check *check, const char *what)
{
	check->what = what;
	check->where = 0;
}

/* To be called for each row. */
static void
go_on(Check *check, int64 where)
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

/*
 * The log, fact by fact
 */

static void
check_number(Check *check, int64 number)
{
	if (number != check->previous_number + 1)
		found(check, CHECK_NUMBERS, "fact " INT64_FORMAT " follows fact " INT64_FORMAT, number,
			  check->previous_number);
}

/* A fact begins a batch or goes on with that of the fact before, at the same time. */
static void
check_batch(Check *check, int64 number, int64 batch, TimestampTz time)
{
	if (batch == number)
	{
		check->batches++;
		if (time < check->previous_time)
			check->steps_back++;
	}
	else if (batch != check->previous_batch || number < batch)
		found(check, CHECK_BATCHES, "fact " INT64_FORMAT " is of batch " INT64_FORMAT
			  ", the fact before it of batch " INT64_FORMAT, number, batch, check->previous_batch);
	else if (time != check->previous_time)
		found(check, CHECK_TIMES, "fact " INT64_FORMAT " has another time than its batch", number);
}

static void
check_time(Check *check, int64 number, TimestampTz time)
{
	if (TIMESTAMP_NOT_FINITE(time))
		found(check, CHECK_TIMES, "fact " INT64_FORMAT " has no finite time", number);
	else if (time > check->now + TOLERATED_FUTURE)
		found(check, CHECK_TIMES, "fact " INT64_FORMAT " is of the future: %s", number,
			  timestamptz_to_str(time));
}

/* Large values are kept apart: reading them shows whether they are all there. */
static Jsonb *
check_values(Check *check, int64 number, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull);

	if (VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0)
		found(check, CHECK_VALUES, "fact " INT64_FORMAT " has an empty event_type", number);
	value = slot_getattr(row, FACTSTR_METADATA, &isnull);
	if (!isnull && !JB_ROOT_IS_OBJECT(DatumGetJsonbP(value)))
		found(check, CHECK_VALUES, "the metadata of fact " INT64_FORMAT " is no object", number);
	return DatumGetJsonbP(slot_getattr(row, FACTSTR_PAYLOAD, &isnull));
}

/* The number that the index of keys has for a key, 0 if none. */
static int64
number_of_key(Check *check, Datum idempotency_key)
{
	Relation	index = index_open(check->store.by_idempotency_key, AccessShareLock);
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	ScanKeyData key;
	IndexScanDesc scan;
	int64		number = 0;

	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, idempotency_key);
	scan = factstr_index_beginscan(check->events, index, check->snapshot, 1);
	index_rescan(scan, &key, 1, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, row))
		number = fact_sequence_number(row);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	return number;
}

static void
check_key(Check *check, int64 number, int64 batch, TupleTableSlot *row)
{
	bool		isnull;
	Datum		key = slot_getattr(row, FACTSTR_IDEMPOTENCY_KEY, &isnull);

	if (isnull)
		return;
	check->keys++;
	if (batch != number)
		found(check, CHECK_KEYS, "fact " INT64_FORMAT " has a key and is not the first of its batch",
			  number);
	if (number_of_key(check, key) != number)
		found(check, CHECK_KEYS, "the index of keys does not lead to fact " INT64_FORMAT, number);
}

/* Does the payload index propose the fact for its own payload?  One without scalars it cannot. */
static void
check_payload(Check *check, int64 number, Jsonb *payload, TupleTableSlot *row)
{
	CandidateBitmap *bitmap;
	ScanKeyData key;

	if (!factstr_predicate_is_indexable(fs_json_of_jsonb(payload)))
		return;
	check->sampled++;
	ScanKeyInit(&key, 1, JsonbContainsStrategyNumber, F_JSONB_CONTAINS, JsonbPGetDatum(payload));
	bitmap = candidate_bitmap_create(check->events, check->snapshot);
	(void) candidate_bitmap_find(bitmap, check->store.by_payload, &key, 1);
	candidate_bitmap_accept(bitmap);
	if (!candidate_bitmap_proposes(bitmap, number, &row->tts_tid))
		found(check, CHECK_PAYLOADS, "the index does not find fact " INT64_FORMAT " by its payload",
			  number);
	candidate_bitmap_free(bitmap);
}

static void
check_fact(Check *check, TupleTableSlot *row)
{
	int64		number = fact_sequence_number(row);
	int64		batch = fact_batch_first(row);
	bool		isnull;
	TimestampTz time = DatumGetTimestampTz(slot_getattr(row, FACTSTR_OCCURRED_AT, &isnull));
	Jsonb	   *payload;

	check->facts++;
	check_number(check, number);
	check_batch(check, number, batch, time);
	check_time(check, number, time);
	payload = check_values(check, number, row);
	check_key(check, number, batch, row);
	if (check->sample_step > 0 && number % check->sample_step == check->sample_rest)
		check_payload(check, number, payload, row);

	check->previous_number = number;
	check->previous_batch = batch;
	check->previous_time = time;
}

static void
check_log(Check *check)
{
	FactScan   *scan = fact_scan_begin(&check->store, &factstr_every_fact, check->snapshot, 0,
									   PG_INT64_MAX, ForwardScanDirection, FACT_SCAN_ALL);
	TupleTableSlot *row;

	begin_part(check, "the log");
	while ((row = fact_scan_next(scan)) != NULL)
	{
		MemoryContext caller;

		go_on(check, fact_sequence_number(row));
		caller = MemoryContextSwitchTo(check->row_context);
		check_fact(check, row);
		MemoryContextSwitchTo(caller);
	}
	fact_scan_end(scan);
}

/*
 * What the walk cannot see
 */

static void
check_table(Check *check)
{
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	TableScanDesc scan = table_beginscan(check->events, check->snapshot, 0, NULL);
	int64		rows = 0;

	begin_part(check, "the table");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
		go_on(check, ++rows);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	if (rows != check->facts)
		found(check, CHECK_TABLE, "the table has " INT64_FORMAT " rows, the primary key leads to "
			  INT64_FORMAT, rows, check->facts);
}

/* An event type that outlives its row. */
static void
keep_event_type(StringInfo kept, text *event_type)
{
	resetStringInfo(kept);
	appendBinaryStringInfo(kept, VARDATA_ANY(event_type), VARSIZE_ANY_EXHDR(event_type));
}

static int
compare_event_type(StringInfo kept, text *event_type)
{
	int			length = VARSIZE_ANY_EXHDR(event_type);
	int			order = memcmp(kept->data, VARDATA_ANY(event_type), Min(kept->len, length));

	return order != 0 ? order : kept->len - length;
}

/* The whole index in its order: as many facts as the log has, each where it belongs. */
static void
check_event_types(Check *check)
{
	Relation	index = index_open(check->store.by_event_type, AccessShareLock);
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	IndexScanDesc scan = factstr_index_beginscan(check->events, index, check->snapshot, 0);
	StringInfo	previous_type = makeStringInfo();
	int64		previous_number = 0;
	int64		facts = 0;

	begin_part(check, "the index of event types");
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		MemoryContext caller;
		bool		isnull;
		text	   *event_type;
		int64		number = fact_sequence_number(row);
		int			order;

		go_on(check, ++facts);
		caller = MemoryContextSwitchTo(check->row_context);
		event_type = DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull));
		order = facts == 1 ? -1 : compare_event_type(previous_type, event_type);
		if (order > 0 || (order == 0 && previous_number >= number))
			found(check, CHECK_EVENT_TYPES, "fact " INT64_FORMAT " is in the wrong place", number);
		keep_event_type(previous_type, event_type);
		previous_number = number;
		MemoryContextSwitchTo(caller);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	if (facts != check->facts)
		found(check, CHECK_EVENT_TYPES, "it leads to " INT64_FORMAT " facts, the primary key to "
			  INT64_FORMAT, facts, check->facts);
}

/* The batch of the first fact after a position, and the number of that fact; 0 if there is none. */
static int64
batch_after(Check *check, int64 position, int64 *number)
{
	FactScan   *scan = fact_scan_begin(&check->store, &factstr_every_fact, check->snapshot, position,
									   PG_INT64_MAX, ForwardScanDirection, 1);
	TupleTableSlot *row = fact_scan_next(scan);
	int64		batch = 0;

	*number = 0;
	if (row != NULL)
	{
		batch = fact_batch_first(row);
		*number = fact_sequence_number(row);
	}
	fact_scan_end(scan);
	return batch;
}

/* A cursor inside a batch is where factstr_stream_seek may put it: the batch comes again, whole. */
static void
check_streams(Check *check)
{
	Relation	streams = table_open(check->store.streams, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	TableScanDesc scan = table_beginscan(streams, check->snapshot, 0, NULL);
	int64		count = 0;
	int64		inside = 0;

	begin_part(check, "streams");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		cursor = DatumGetInt64(slot_getattr(row, FACTSTR_STREAM_CURSOR, &isnull));
		int64		next;

		go_on(check, ++count);
		if (cursor < 0 || cursor > check->head)
			found(check, CHECK_STREAMS, "the cursor of \"%s\" is at " INT64_FORMAT
				  ", the newest fact is " INT64_FORMAT,
				  TextDatumGetCString(slot_getattr(row, FACTSTR_STREAM_NAME, &isnull)), cursor,
				  check->head);
		else if (batch_after(check, cursor, &next) <= cursor && next != 0)
			inside++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	check->findings[CHECK_STREAMS].summary = inside == 0 ?
		psprintf(INT64_FORMAT " streams", count) :
		psprintf(INT64_FORMAT " streams, " INT64_FORMAT " with a cursor inside a batch", count, inside);
}

static void
check_redactions(Check *check)
{
	Relation	redactions = table_open(check->store.redactions, AccessShareLock);
	TupleTableSlot *row = table_slot_create(redactions, NULL);
	TableScanDesc scan = table_beginscan(redactions, check->snapshot, 0, NULL);
	int64		count = 0;

	begin_part(check, "redactions");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		number = DatumGetInt64(slot_getattr(row, FACTSTR_REDACTION_SEQUENCE_NUMBER,
														&isnull));
		int64		fact;

		go_on(check, ++count);
		(void) batch_after(check, number - 1, &fact);
		if (fact != number)
			found(check, CHECK_REDACTIONS, "there is no fact " INT64_FORMAT, number);
		if (!fact_is_redacted(&check->store, check->snapshot, number))
			found(check, CHECK_REDACTIONS, "their index does not find that of fact " INT64_FORMAT,
				  number);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	check->findings[CHECK_REDACTIONS].summary = psprintf(INT64_FORMAT " redactions", count);
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
