/*
 * read/batches.c
 *		Committed batches, filtered and complete, one after another.
 *
 * The matching facts are walked; each one beyond the last batch leads to its batch, which is then read from its
 * first fact to its last, by a walk over the log that continues from batch to batch.  If every fact matches,
 * there is only that walk.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "commit/durability.h"
#include "read/batches.h"
#include "read/event_records.h"
#include "read/facts.h"
#include "read/redactions.h"
#include "read/scan.h"
#include "rows.h"

/* If at most this many facts are between two batches, the scan of the log continues; otherwise it starts again. */
#define SHORT_WAY 16

struct BatchReader
{
	FactstrStore store;
	const fs_event_query *query;
	Snapshot	snapshot;
	FactPosition log_end;		/* the newest fact that the snapshot sees */
	int64		head;			/* of the range; a batch across its end is read completely */
	FactScan   *matches;		/* the matching facts after the position; NULL if all match */
	FactScan   *log;			/* every fact, to read batches from; NULL until needed */
	TupleTableSlot *log_row;	/* where that walk stands; NULL at its end */
	int64		read_up_to;		/* the last number of the last batch read */
	int64		remaining;
	bool		with_redactions;	/* records contain their redactions, if any */
	MemoryContext context;		/* the reader and its walks */
	MemoryContext row_context;
};

/*
 * Begins to read batches that have a matching fact with after < sequence_number <= up_to, at most max_batches.
 * query and snapshot must outlive the reader, which lives in the current memory context.
 */
BatchReader *
fs_batch_reader_begin(const FactstrStore *store, const fs_event_query *query, Snapshot snapshot,
					  int64 after, int64 up_to, int64 max_batches)
{
	BatchReader *reader = palloc0(sizeof(BatchReader));

	reader->store = *store;
	reader->query = query;
	reader->snapshot = snapshot;
	reader->log_end = fs_fact_head(store, snapshot);
	reader->head = Min(reader->log_end.sequence_number, up_to);
	reader->read_up_to = after;
	reader->remaining = max_batches;
	reader->context = CurrentMemoryContext;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "factstr record",
												ALLOCSET_DEFAULT_SIZES);
	if (!fs_event_query_wants_all(query))
		reader->matches = fs_scan_begin(store, query, snapshot, after, reader->head,
										ForwardScanDirection, max_batches);
	return reader;
}

/* For an export: records contain the redactions of their facts. */
void
fs_batch_reader_add_redactions(BatchReader *reader)
{
	reader->with_redactions = fs_redactions_exist(&reader->store);
}

/* The newest fact that the snapshot sees in the range, 0 if there is none. */
FactPosition
fs_batch_reader_head(const BatchReader *reader)
{
	FactPosition head = {reader->head, reader->log_end.commit_position};

	return head;
}

static void
step_log(BatchReader *reader)
{
	reader->log_row = fs_scan_next(reader->log);
}

/* The caller's memory is shorter-lived than the walk. */
static void
enter_log(BatchReader *reader, int64 sequence_number)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->context);

	if (reader->log != NULL)
		fs_scan_end(reader->log);
	reader->log = fs_scan_begin(&reader->store, &fs_query_every_fact, reader->snapshot,
								sequence_number - 1, reader->log_end.sequence_number,
								ForwardScanDirection, FACT_SCAN_ALL);
	step_log(reader);
	MemoryContextSwitchTo(caller);
}

/* Puts the walk over the log at a fact. */
static void
seek_log(BatchReader *reader, int64 sequence_number)
{
	int64		way = -1;

	if (reader->log_row != NULL)
		way = sequence_number - fs_row_sequence_number(reader->log_row);

	if (way < 0 || way > SHORT_WAY)
		enter_log(reader, sequence_number);
	while (reader->log_row != NULL && fs_row_sequence_number(reader->log_row) < sequence_number)
		step_log(reader);
}

/* The next fact, if every fact matches: the walk over the log is after the last batch. */
static TupleTableSlot *
next_in_log(BatchReader *reader)
{
	if (reader->log == NULL)
		enter_log(reader, reader->read_up_to + 1);
	if (reader->log_row == NULL || fs_row_sequence_number(reader->log_row) > reader->head)
		return NULL;
	return reader->log_row;
}

/* The first matching fact after those that were read, or NULL. */
static TupleTableSlot *
find_next_match(BatchReader *reader)
{
	TupleTableSlot *row;

	if (reader->read_up_to >= reader->head)
		return NULL;
	if (reader->matches == NULL)
		return next_in_log(reader);
	while ((row = fs_scan_next(reader->matches)) != NULL)
	{
		if (fs_row_sequence_number(row) > reader->read_up_to)
			break;
	}
	return row;
}

/* NULL if it has none, or the caller does not need it. */
static Jsonb *
redactions_of_row(const BatchReader *reader, TupleTableSlot *row)
{
	List	   *redactions = NIL;

	if (reader->with_redactions)
		redactions = fs_redactions_of_fact(&reader->store, reader->snapshot, fs_row_sequence_number(row));
	return redactions == NIL ? NULL : fs_redactions_as_json(redactions);
}

/* Adds a row's record if it matches. */
static void
add_if_match(BatchReader *reader, EventRecords *records, TupleTableSlot *row)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->row_context);

	if (fs_query_matches_row(reader->query, row))
		fs_event_records_add(records, row, redactions_of_row(reader, row));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(reader->row_context);
}

/* The key is on the batch's first fact, the current one of the walk. */
static text *
read_key(BatchReader *reader)
{
	bool		isnull = true;
	Datum		key = (Datum) 0;

	if (reader->log_row != NULL)
		key = slot_getattr(reader->log_row, FACTSTR_IDEMPOTENCY_KEY, &isnull);
	return isnull ? NULL : DatumGetTextPCopy(key);
}

/* Reads one batch from its first fact to its last, and leaves the walk over the log after it. */
static void
read_batch(BatchReader *reader, int64 first, FactBatch *batch)
{
	EventRecords records;

	fs_event_records_begin(&records);
	seek_log(reader, first);
	batch->idempotency_key = read_key(reader);
	while (reader->log_row != NULL && fs_row_batch_first(reader->log_row) == first)
	{
		reader->read_up_to = fs_row_sequence_number(reader->log_row);
		add_if_match(reader, &records, reader->log_row);
		step_log(reader);
	}

	batch->first_sequence_number = first;
	batch->last_sequence_number = reader->read_up_to;
	batch->event_records = fs_event_records_end(&records);
}

/*
 * The next batch, its records in the current memory context; false if there is none.  Everything that the snapshot
 * sees is on disk when this returns a batch.  The answer that there is none does not wait for the disk: otherwise
 * consumers would take part in the flushes of appends that do not concern them.
 */
bool
fs_batch_reader_next(BatchReader *reader, FactBatch *batch)
{
	TupleTableSlot *match;

	if (reader->remaining == 0 || (match = find_next_match(reader)) == NULL)
		return false;
	reader->remaining--;
	fs_durability_flush_before_answer(reader->log_end.commit_position);
	read_batch(reader, fs_row_batch_first(match), batch);
	return true;
}

void
fs_batch_reader_end(BatchReader *reader)
{
	if (reader->matches != NULL)
		fs_scan_end(reader->matches);
	if (reader->log != NULL)
		fs_scan_end(reader->log);
	MemoryContextDelete(reader->row_context);
	pfree(reader);
}
