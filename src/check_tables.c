/*
 * check_tables.c
 *		Checks of what a walk over the log cannot see: rows that no number leads to, facts that the index
 *		of event types does not have, cursors and redactions of facts that are not there.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "check.h"
#include "compat.h"
#include "fact_scan.h"
#include "redaction.h"

void
check_table(Check *check)
{
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	TableScanDesc scan = table_beginscan(check->events, check->snapshot, 0, NULL);
	int64		rows = 0;

	check_begin_part(check, "the table");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
		check_go_on(check, ++rows);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	if (rows != check->facts)
		check_found(check, CHECK_TABLE, "the table has " INT64_FORMAT " rows, the primary key leads to "
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
void
check_event_types(Check *check)
{
	Relation	index = index_open(check->store.by_event_type, AccessShareLock);
	TupleTableSlot *row = table_slot_create(check->events, NULL);
	IndexScanDesc scan = factstr_index_beginscan(check->events, index, check->snapshot, 0);
	StringInfo	previous_type = makeStringInfo();
	int64		previous_number = 0;
	int64		facts = 0;

	check_begin_part(check, "the index of event types");
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		MemoryContext caller;
		bool		isnull;
		text	   *event_type;
		int64		number = fact_sequence_number(row);
		int			order;

		check_go_on(check, ++facts);
		caller = MemoryContextSwitchTo(check->row_context);
		event_type = DatumGetTextPP(slot_getattr(row, FACTSTR_EVENT_TYPE, &isnull));
		order = facts == 1 ? -1 : compare_event_type(previous_type, event_type);
		if (order > 0 || (order == 0 && previous_number >= number))
			check_found(check, CHECK_EVENT_TYPES, "fact " INT64_FORMAT " is in the wrong place", number);
		keep_event_type(previous_type, event_type);
		previous_number = number;
		MemoryContextSwitchTo(caller);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
	if (facts != check->facts)
		check_found(check, CHECK_EVENT_TYPES, "it leads to " INT64_FORMAT " facts, the primary key to "
					INT64_FORMAT, facts, check->facts);
}

static bool
is_inside_batch(Check *check, int64 position)
{
	FactHeading next = fact_first_after(&check->store, check->snapshot, position);

	return next.sequence_number != 0 && next.batch_first <= position;
}

/* A cursor inside a batch is where factstr_stream_seek may put it: the batch comes again, whole. */
void
check_streams(Check *check)
{
	Relation	streams = table_open(check->store.streams, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	TableScanDesc scan = table_beginscan(streams, check->snapshot, 0, NULL);
	int64		count = 0;
	int64		inside = 0;

	check_begin_part(check, "streams");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		cursor = DatumGetInt64(slot_getattr(row, FACTSTR_STREAM_CURSOR, &isnull));

		check_go_on(check, ++count);
		if (cursor < 0 || cursor > check->head)
			check_found(check, CHECK_STREAMS, "the cursor of \"%s\" is at " INT64_FORMAT
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
		psprintf(INT64_FORMAT " streams", count) :
		psprintf(INT64_FORMAT " streams, " INT64_FORMAT " with a cursor inside a batch", count, inside);
}

void
check_redactions(Check *check)
{
	Relation	redactions = table_open(check->store.redactions, AccessShareLock);
	TupleTableSlot *row = table_slot_create(redactions, NULL);
	TableScanDesc scan = table_beginscan(redactions, check->snapshot, 0, NULL);
	int64		count = 0;

	check_begin_part(check, "redactions");
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool		isnull;
		int64		number = DatumGetInt64(slot_getattr(row, FACTSTR_REDACTION_SEQUENCE_NUMBER,
														&isnull));

		check_go_on(check, ++count);
		if (fact_first_after(&check->store, check->snapshot, number - 1).sequence_number != number)
			check_found(check, CHECK_REDACTIONS, "there is no fact " INT64_FORMAT, number);
		if (!fact_is_redacted(&check->store, check->snapshot, number))
			check_found(check, CHECK_REDACTIONS, "their index does not find that of fact " INT64_FORMAT,
						number);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	table_close(redactions, NoLock);
	check->findings[CHECK_REDACTIONS].summary = psprintf(INT64_FORMAT " redactions", count);
}
