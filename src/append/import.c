/*
 * append/import.c
 *		Writes batches of another log.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "append/append.h"
#include "append/idempotency.h"
#include "append/import.h"
#include "append/lock.h"
#include "append/redaction.h"
#include "commit/durability.h"

/* No other append should wait for the lock while the number in the answer becomes durable. */
static void
require_next(const FactstrStore *store, const ImportedBatch *batch, const FactPosition *head)
{
	if (batch->first_sequence_number == head->sequence_number + 1)
		return;
	fs_append_lock_release(store);
	fs_durability_flush_before_answer(head->commit_position);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid batches: the first must begin with fact " INT64_FORMAT ", not " INT64_FORMAT,
					head->sequence_number + 1, batch->first_sequence_number),
			 errdetail("JSON path: $[0].first_sequence_number"),
			 errhint("An import continues the log without a gap: export from its newest fact on.")));
}

/*
 * Does the batch already exist, from an earlier import or append with its key?  With numbers, batches are
 * identified by these, and a known key is an error.
 */
static bool
is_present(const FactstrStore *store, Snapshot snapshot, const ImportedBatch *batch, XLogRecPtr *commit_position)
{
	EarlierBatch earlier;

	if (batch->first_sequence_number != 0)
	{
		fs_idempotency_refuse_known_key(store, snapshot, &batch->facts);
		return false;
	}
	if (batch->facts.idempotency_key == (Datum) 0 ||
		!fs_idempotency_find_batch(store, snapshot, &batch->facts, &earlier))
		return false;
	*commit_position = Max(*commit_position, earlier.commit_position);
	return true;
}

/* Writes a batch unless it exists; the outcome covers all batches of the import so far. */
static void
import_batch(const FactstrStore *store, FactWriter *writer, const ImportedBatch *batch,
			 AppendOutcome *outcome, XLogRecPtr *commit_position)
{
	FactPosition head = fs_append_head(store);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		first = outcome->first_sequence_number;
	bool		present;

	fs_append_require_visible_head(store, head.sequence_number);
	if (batch->first_sequence_number != 0)
		require_next(store, batch, &head);
	present = is_present(store, snapshot, batch, commit_position);
	UnregisterSnapshot(snapshot);
	if (present)
		return;
	fs_append_write_batch(store, writer, &batch->facts, &head, outcome);
	fs_redaction_record(store, batch->redactions);
	if (first != 0)
		outcome->first_sequence_number = first;
}

/*
 * Writes batches of another log after the head of this one.  With numbers, each continues the previous one;
 * without, they get the next ones, and a batch with a known key is skipped.  May compress their facts in place.
 */
AppendOutcome
fs_import_append(const FactstrStore *store, ImportedBatch *batches, int count)
{
	AppendOutcome outcome = {0};
	XLogRecPtr	commit_position = InvalidXLogRecPtr;
	FactWriter *writer;

	fs_append_refuse_replicated(store);
	fs_durability_append_begins();
	writer = fs_writer_open(store, fs_append_lock_is_held(store), true);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fs_writer_prepare(writer, &batches[i].facts);
	}
	(void) GetCurrentTransactionId();

	fs_append_lock_acquire(store);
	fs_store_refuse_sealed(store);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		import_batch(store, writer, &batches[i], &outcome, &commit_position);
		fs_writer_tidy(writer);
	}
	/* If nothing was written, no other append should wait while the answer becomes durable. */
	if (outcome.first_sequence_number == 0)
		fs_append_lock_release(store);
	fs_durability_flush_before_answer(commit_position);
	fs_writer_close(writer);
	fs_durability_append_ends();
	return outcome;
}
