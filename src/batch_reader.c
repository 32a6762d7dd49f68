/*
 * batch_reader.c
 *		Committed batches, filtered, whole, one after the other.
 *
 * The matching facts are walked; each that lies beyond the last batch leads to its batch, which
 * is then read from its first fact to its last.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "batch_reader.h"
#include "durability.h"
#include "event_records.h"
#include "fact_scan.h"

struct BatchReader
{
	FactstrStore store;
	const fs_event_query *query;
	Snapshot	snapshot;
	int64		head;
	FactScan   *matches;		/* the matching facts after the position */
	int64		read_upto;		/* the last number of the last batch read */
	int64		remaining;
	MemoryContext row_context;
};

/*
 * Begins to read batches that hold a matching fact with after < sequence_number <= upto, at most
 * max_batches.  What the snapshot sees is on disk when this returns.  query and snapshot must outlive
 * the reader, which lives in the current memory context.
 */
BatchReader *
batch_reader_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				   int64 after, int64 upto, int64 max_batches)
{
	BatchReader *reader = palloc0(sizeof(BatchReader));
	FactPosition head = fact_head(store, snapshot);

	factstr_flush_before_answer(head.commit_position);
	reader->store = *store;
	reader->query = query;
	reader->snapshot = snapshot;
	reader->head = Min(head.sequence_number, upto);
	reader->read_upto = after;
	reader->remaining = max_batches;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr record",
												ALLOCSET_DEFAULT_SIZES);
	reader->matches = fact_scan_begin(store, query, snapshot, after, reader->head,
									  ForwardScanDirection, max_batches);
	return reader;
}

/* The newest fact that the snapshot sees in the range, 0 if there is none. */
int64
batch_reader_head(const BatchReader *reader)
{
	return reader->head;
}

/* The first number of the next batch with a match beyond what was read, or 0. */
static int64
find_next_batch(BatchReader *reader)
{
	TupleTableSlot *row;

	while ((row = fact_scan_next(reader->matches)) != NULL)
	{
		if (fact_sequence_number(row) > reader->read_upto)
			return fact_batch_first(row);
	}
	return 0;
}

/* Adds a row's record if it matches. */
static void
add_if_match(BatchReader *reader, EventRecords *records, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->row_context);

	if (factstr_row_matches(reader->query, row))
		event_records_add(records, row);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(reader->row_context);
}

/* Reads one batch from its first fact to its last. */
static void
read_batch(BatchReader *reader, int64 first, FactBatch *batch)
{
	FactScan   *scan = fact_scan_begin(&reader->store, &factstr_every_fact, reader->snapshot,
									   first - 1, PG_INT64_MAX, ForwardScanDirection,
									   FACT_SCAN_ALL);
	TupleTableSlot *row;
	EventRecords records;

	event_records_begin(&records);
	while ((row = fact_scan_next(scan)) != NULL && fact_batch_first(row) == first)
	{
		reader->read_upto = fact_sequence_number(row);
		add_if_match(reader, &records, row);
	}
	fact_scan_end(scan);

	batch->first_sequence_number = first;
	batch->last_sequence_number = reader->read_upto;
	batch->event_records = event_records_end(&records);
}

/* The next batch, its records in the current memory context; false if there is none. */
bool
batch_reader_next(BatchReader *reader, FactBatch *batch)
{
	int64		first;

	if (reader->remaining == 0 || (first = find_next_batch(reader)) == 0)
		return false;
	reader->remaining--;
	read_batch(reader, first, batch);
	return true;
}

void
batch_reader_end(BatchReader *reader)
{
	fact_scan_end(reader->matches);
	MemoryContextDelete(reader->row_context);
	pfree(reader);
}
