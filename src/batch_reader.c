/*
 * batch_reader.c
 *		Committed batches, filtered, whole, one after the other.
 *
 * The matching facts are walked; each that lies beyond the last batch leads to its batch, which
 * is then read from its first fact to its last, by a walk over the log that goes on from batch to
 * batch.  If every fact matches, that walk is the only one.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "batch_reader.h"
#include "durability.h"
#include "event_records.h"
#include "fact_scan.h"

/* So many facts may lie between two batches for the log to be walked on rather than entered anew. */
#define SHORT_WAY 16

struct BatchReader
{
	FactstrStore store;
	const fs_event_query *query;
	Snapshot	snapshot;
	int64		head;
	XLogRecPtr	head_position;	/* up to where the log must be on disk before a batch is told */
	FactScan   *matches;		/* the matching facts after the position; NULL if all match */
	FactScan   *log;			/* every fact, to read batches from; NULL until needed */
	TupleTableSlot *log_row;	/* where that walk stands; NULL at its end */
	int64		read_upto;		/* the last number of the last batch read */
	int64		remaining;
	MemoryContext context;		/* the reader and its walks */
	MemoryContext row_context;
};

/*
 * Begins to read batches that hold a matching fact with after < sequence_number <= upto, at most
 * max_batches.  query and snapshot must outlive the reader, which lives in the current memory context.
 */
BatchReader *
batch_reader_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
				   int64 after, int64 upto, int64 max_batches)
{
	BatchReader *reader = palloc0(sizeof(BatchReader));
	FactPosition head = fact_head(store, snapshot);

	reader->store = *store;
	reader->query = query;
	reader->snapshot = snapshot;
	reader->head = Min(head.sequence_number, upto);
	reader->head_position = head.commit_position;
	reader->read_upto = after;
	reader->remaining = max_batches;
	reader->context = CurrentMemoryContext;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr record",
												ALLOCSET_DEFAULT_SIZES);
	if (query->filter_count > 0)
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

static void
step_log(BatchReader *reader)
{
	reader->log_row = fact_scan_next(reader->log);
}

/* The caller's memory is shorter-lived than the walk. */
static void
enter_log(BatchReader *reader, int64 sequence_number)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->context);

	if (reader->log != NULL)
		fact_scan_end(reader->log);
	reader->log = fact_scan_begin(&reader->store, &factstr_every_fact, reader->snapshot,
								  sequence_number - 1, PG_INT64_MAX, ForwardScanDirection,
								  FACT_SCAN_ALL);
	step_log(reader);
	MemoryContextSwitchTo(caller);
}

/* Puts the walk over the log at a fact. */
static void
seek_log(BatchReader *reader, int64 sequence_number)
{
	int64		way = -1;

	if (reader->log_row != NULL)
		way = sequence_number - fact_sequence_number(reader->log_row);

	if (way < 0 || way > SHORT_WAY)
		enter_log(reader, sequence_number);
	while (reader->log_row != NULL && fact_sequence_number(reader->log_row) < sequence_number)
		step_log(reader);
}

/* The next fact, if every fact matches: the walk over the log stands behind the last batch. */
static TupleTableSlot *
next_in_log(BatchReader *reader)
{
	if (reader->log == NULL)
		enter_log(reader, reader->read_upto + 1);
	if (reader->log_row == NULL || fact_sequence_number(reader->log_row) > reader->head)
		return NULL;
	return reader->log_row;
}

/* The first matching fact beyond what was read, or NULL. */
static TupleTableSlot *
find_next_match(BatchReader *reader)
{
	TupleTableSlot *row;

	if (reader->read_upto >= reader->head)
		return NULL;
	if (reader->matches == NULL)
		return next_in_log(reader);
	while ((row = fact_scan_next(reader->matches)) != NULL)
	{
		if (fact_sequence_number(row) > reader->read_upto)
			break;
	}
	return row;
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

/* The key is on the batch's first fact, where the walk stands. */
static text *
read_key(BatchReader *reader)
{
	bool		isnull = true;
	Datum		key = (Datum) 0;

	if (reader->log_row != NULL)
		key = slot_getattr(reader->log_row, FACTSTR_IDEMPOTENCY_KEY, &isnull);
	return isnull ? NULL : DatumGetTextPCopy(key);
}

/* Reads one batch from its first fact to its last, and puts the walk over the log behind it. */
static void
read_batch(BatchReader *reader, int64 first, FactBatch *batch)
{
	EventRecords records;

	event_records_begin(&records);
	seek_log(reader, first);
	batch->idempotency_key = read_key(reader);
	while (reader->log_row != NULL && fact_batch_first(reader->log_row) == first)
	{
		reader->read_upto = fact_sequence_number(reader->log_row);
		add_if_match(reader, &records, reader->log_row);
		step_log(reader);
	}

	batch->first_sequence_number = first;
	batch->last_sequence_number = reader->read_upto;
	batch->event_records = event_records_end(&records);
}

/*
 * The next batch, its records in the current memory context; false if there is none.  What the snapshot
 * sees is on disk when this returns a batch.  To learn that there is none, nobody needs to wait for
 * the disk: otherwise consumers would take part in the flushes of appends that do not concern them.
 */
bool
batch_reader_next(BatchReader *reader, FactBatch *batch)
{
	TupleTableSlot *match;

	if (reader->remaining == 0 || (match = find_next_match(reader)) == NULL)
		return false;
	reader->remaining--;
	factstr_flush_before_answer(reader->head_position);
	read_batch(reader, fact_batch_first(match), batch);
	return true;
}

void
batch_reader_end(BatchReader *reader)
{
	if (reader->matches != NULL)
		fact_scan_end(reader->matches);
	if (reader->log != NULL)
		fact_scan_end(reader->log);
	MemoryContextDelete(reader->row_context);
	pfree(reader);
}
