/*
 * check/log.c
 *		Checks of the log, fact by fact: numbers, batches, times, values, keys.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "check/log.h"
#include "check/payloads.h"
#include "encoding.h"
#include "read/scan.h"
#include "rows.h"

/* A clock may be off, but not by more than this. */
#define TOLERATED_FUTURE (USECS_PER_HOUR)

static void
check_number(Check *check, int64 number)
{
	if (number != check->previous_number + 1)
		fs_check_found(check, CHECK_NUMBERS, "fact " INT64_FORMAT " follows fact " INT64_FORMAT, number,
					   check->previous_number);
}

/* A fact begins a batch or continues that of the previous fact, at the same time. */
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
		fs_check_found(check, CHECK_BATCHES, "fact " INT64_FORMAT " is of batch " INT64_FORMAT
					   ", the fact before it of batch " INT64_FORMAT, number, batch, check->previous_batch);
	else if (time != check->previous_time)
		fs_check_found(check, CHECK_TIMES, "fact " INT64_FORMAT " has another time than its batch", number);
}

static void
check_time(Check *check, int64 number, TimestampTz time)
{
	if (TIMESTAMP_NOT_FINITE(time))
		fs_check_found(check, CHECK_TIMES, "fact " INT64_FORMAT " has no finite time", number);
	else if (time > check->now + TOLERATED_FUTURE)
		fs_check_found(check, CHECK_TIMES, "fact " INT64_FORMAT " is of the future: %s", number,
					   timestamptz_to_str(time));
}

static void
check_text(Check *check, int64 number, const char *what, text *value)
{
	if (!fs_encoding_is_valid_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)))
		fs_check_found(check, CHECK_VALUES, "the %s of fact " INT64_FORMAT " is not valid in encoding UTF8",
					   what, number);
}

static void
check_json(Check *check, int64 number, const char *what, Jsonb *value)
{
	if (!fs_encoding_is_valid_json(value))
		fs_check_found(check, CHECK_VALUES, "the %s of fact " INT64_FORMAT " is not valid in encoding UTF8",
					   what, number);
}

/* Large values are stored separately: reading them shows whether they are complete. */
static Jsonb *
check_values(Check *check, int64 number, TupleTableSlot *row)
{
	bool		isnull;
	Datum		value = slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull);
	Jsonb	   *payload;

	if (VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0)
		fs_check_found(check, CHECK_VALUES, "fact " INT64_FORMAT " has an empty event_type", number);
	check_text(check, number, "event_type", DatumGetTextPP(value));
	value = slot_getattr(row, FACTSTR_METADATA, &isnull);
	if (!isnull && !JB_ROOT_IS_OBJECT(DatumGetJsonbP(value)))
		fs_check_found(check, CHECK_VALUES, "the metadata of fact " INT64_FORMAT " is no object", number);
	if (!isnull)
		check_json(check, number, "metadata", DatumGetJsonbP(value));
	payload = DatumGetJsonbP(slot_getattr(row, FACTSTR_PAYLOAD, &isnull));
	check_json(check, number, "payload", payload);
	return payload;
}

/* The number that the index of keys has for a key, 0 if none. */
static int64
number_of_key(Check *check, Datum idempotency_key)
{
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	int64		number = 0;

	if (fs_row_find_by_text(check->events, check->store.by_idempotency_key, check->snapshot,
							idempotency_key, row))
		number = fs_row_sequence_number(row);
	ExecDropSingleTupleTableSlot(row);
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
	check_text(check, number, "idempotency_key", DatumGetTextPP(key));
	if (batch != number)
		fs_check_found(check, CHECK_KEYS, "fact " INT64_FORMAT " has a key and is not the first of its batch",
					   number);
	if (number_of_key(check, key) != number)
		fs_check_found(check, CHECK_KEYS, "the index of keys does not lead to fact " INT64_FORMAT, number);
}

static void
check_fact(Check *check, TupleTableSlot *row)
{
	int64		number = fs_row_sequence_number(row);
	int64		batch = fs_row_batch_first(row);
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
		fs_check_payloads_add(check, number, &row->tts_tid, payload);

	check->previous_number = number;
	check->previous_batch = batch;
	check->previous_time = time;
}

/* Fact by fact, in the order of their numbers. */
void
fs_check_log(Check *check)
{
	FactScan   *scan;
	TupleTableSlot *row;

	fs_check_begin_part(check, "the log", check->head);
	scan = fs_scan_begin(&check->store, &fs_query_every_fact, check->snapshot, 0, PG_INT64_MAX,
						 ForwardScanDirection, FACT_SCAN_ALL);
	while ((row = fs_scan_next(scan)) != NULL)
	{
		MemoryContext caller;

		fs_check_next(check, fs_row_sequence_number(row));
		caller = MemoryContextSwitchTo(check->row_context);
		check_fact(check, row);
		MemoryContextSwitchTo(caller);
	}
	fs_scan_end(scan);
}
