/*
 * check/tables.c
 *		Checks beyond the walk over the log: rows without a valid number, facts that are missing in the
 *		index of event types, cursors and redactions of missing facts.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "check/tables.h"
#include "compat_scan.h"
#include "read/facts.h"
#include "read/redactions.h"
#include "rows.h"

void
fs_check_table(Check *check)
{
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	TableScanDesc scan = compat_table_beginscan(check->events, check->snapshot);

	fs_check_begin_part(check, "the table", check->head);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
		fs_check_next(check, 0);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	if (check->done != check->facts)
		fs_check_found(check, CHECK_TABLE, "the table has " INT64_FORMAT " rows, the primary key leads to "
					   INT64_FORMAT, check->done, check->facts);
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
void
fs_check_event_types(Check *check)
{
	Relation	index = index_open(check->store.by_event_type, AccessShareLock);
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	IndexScanDesc scan = compat_index_beginscan(check->events, index, check->snapshot, 0);
	StringInfo	previous_type = makeStringInfo();
	int64		previous_number = 0;

	fs_check_begin_part(check, "the index of event types", check->head);
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		MemoryContext caller;
		bool		isnull;
		text	   *event_type;
		int64		number = fs_row_sequence_number(row);
		int			order;

		fs_check_next(check, number);
		caller = MemoryContextSwitchTo(check->row_context);
		event_type = DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull));
		order = check->done == 1 ? -1 : compare_event_type(previous_type, event_type);
		if (order > 0 || (order == 0 && previous_number >= number))
			fs_check_found(check, CHECK_EVENT_TYPES, "fact " INT64_FORMAT " is in the wrong place", number);
		keep_event_type(previous_type, event_type);
		previous_number = number;
		MemoryContextSwitchTo(caller);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	if (check->done != check->facts)
		fs_check_found(check, CHECK_EVENT_TYPES, "it leads to " INT64_FORMAT " facts, the primary key to "
					   INT64_FORMAT, check->done, check->facts);
}

static bool
is_inside_batch(Check *check, int64 position)
{
	FactHeading next = fs_fact_first_after(&check->store, check->snapshot, position,
										   fs_fact_next_number(position));

	return next.sequence_number != 0 && next.batch_first <= position;
}

/* A cursor inside a batch can come from factstr_stream_seek: the batch comes again, complete. */
void
fs_check_streams(Check *check)
{
	Relation	streams = fs_store_open_streams(&check->store, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	TableScanDesc scan = compat_table_beginscan(streams, check->snapshot);
	int64		inside = 0;

	fs_check_begin_part(check, "streams", 0);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		cursor = DatumGetInt64(slot_getattr(row, FACTSTR_STREAM_CURSOR, &isnull));

		if (!fs_row_is_of_log(row, check->store.log))
			continue;
		fs_check_next(check, 0);
		if (cursor < 0 || cursor > check->head)
			fs_check_found(check, CHECK_STREAMS, "the cursor of \"%s\" is at " INT64_FORMAT
						   ", the newest fact is " INT64_FORMAT,
						   TextDatumGetCString(slot_getattr(row, FACTSTR_STREAM_NAME, &isnull)), cursor,
						   check->head);
		else if (is_inside_batch(check, cursor))
			inside++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	check->findings[CHECK_STREAMS].summary = inside == 0 ?
		psprintf(INT64_FORMAT " streams", check->done) :
		psprintf(INT64_FORMAT " streams, " INT64_FORMAT " with a cursor inside a batch", check->done, inside);
}

void
fs_check_redactions(Check *check)
{
	Relation	redactions = fs_store_open_redactions(&check->store, AccessShareLock);
	TupleTableSlot *row = table_slot_create(redactions, NULL);
	TableScanDesc scan = compat_table_beginscan(redactions, check->snapshot);

	fs_check_begin_part(check, "redactions", 0);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		number = DatumGetInt64(slot_getattr(row, FACTSTR_REDACTION_SEQUENCE_NUMBER,
														&isnull));

		fs_check_next(check, number);
		if (fs_fact_first_after(&check->store, check->snapshot, number - 1, number).sequence_number == 0)
			fs_check_found(check, CHECK_REDACTIONS, "there is no fact " INT64_FORMAT, number);
		if (!fs_redaction_exists(&check->store, check->snapshot, number))
			fs_check_found(check, CHECK_REDACTIONS, "their index does not find that of fact " INT64_FORMAT,
						   number);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	check->findings[CHECK_REDACTIONS].summary = psprintf(INT64_FORMAT " redactions", check->done);
}
