/*
 * append.c
 *		One append or import, from checked input to its outcome.
 *
 * Before the lock: whatever does not depend on the newest facts.  That includes most of the context
 * check, since facts never change: what was found true of the log up to some number stays true,
 * and under the lock only the facts that came in since are looked at.  A redaction that comes in
 * between counts as one that comes after the append (redaction.c).
 *
 * Under the lock: that look, the numbers, the rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "append.h"
#include "append_lock.h"
#include "durability.h"
#include "idempotency.h"
#include "notify.h"
#include "replicated_log.h"
#include "wakeup.h"

/*
 * In a transaction with one snapshot, facts that others have appended since cannot be seen, so
 * appending behind them would leave gaps in what the transaction reads.
 */
static void
require_visible_head(const FactstrStore *store, int64 head)
{
	if (!IsolationUsesXactSnapshot())
		return;
	if (head > fact_head(store, GetTransactionSnapshot()).sequence_number)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent append"),
				 errhint("The transaction might succeed if retried.")));
}

static AppendOutcome
outcome_of_earlier_batch(const EarlierBatch *batch)
{
	AppendOutcome outcome = {0};

	outcome.first_sequence_number = batch->first_sequence_number;
	outcome.last_sequence_number = batch->last_sequence_number;
	return outcome;
}

/*
 * The version that contradicts the request, as of the snapshot; false if there is none. The context
 * has the expected version if its newest fact from there on is the expected one.
 */
static bool
find_contradiction(const AppendRequest *request, Snapshot snapshot, int64 head,
				   FactPosition *actual)
{
	int64		expected = request->expected_context_version;
	int64		after = 0;

	if (!request->expects_empty_context && expected > 0 && expected <= head)
		after = expected - 1;
	*actual = fact_newest_match(&request->store, request->context_query, snapshot, after, head);
	if (actual->sequence_number == (request->expects_empty_context ? 0 : expected) &&
		(request->expects_empty_context || expected > 0))
		return false;
	if (actual->sequence_number == 0 && after > 0)
		*actual = fact_newest_match(&request->store, request->context_query, snapshot, 0, after);
	return true;
}

static AppendOutcome
report_conflict(const FactPosition *actual)
{
	AppendOutcome outcome = {0};

	factstr_flush_before_answer(actual->commit_position);
	outcome.conflict = true;
	outcome.actual_context_version = actual->sequence_number;
	return outcome;
}

/*
 * What can be answered without the lock: a repeated call, a context that has moved on. Otherwise
 * returns false, with the number up to which the context has been checked.
 */
static bool
answer_without_lock(const AppendRequest *request, AppendOutcome *outcome, int64 *checked_upto)
{
	Snapshot	snapshot;
	EarlierBatch batch;
	FactPosition actual;
	bool		answered = false;

	*checked_upto = 0;
	if (request->context_query == NULL && request->facts.idempotency_key == (Datum) 0)
		return false;

	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (idempotency_find_batch(&request->store, snapshot, &request->facts, &batch))
	{
		factstr_flush_before_answer(batch.commit_position);
		*outcome = outcome_of_earlier_batch(&batch);
		answered = true;
	}
	else if (request->context_query != NULL)
	{
		*checked_upto = fact_head(&request->store, snapshot).sequence_number;
		require_visible_head(&request->store, *checked_upto);
		if (find_contradiction(request, snapshot, *checked_upto, &actual))
		{
			*outcome = report_conflict(&actual);
			answered = true;
		}
	}
	UnregisterSnapshot(snapshot);
	return answered;
}

/* Writes a batch behind the head of the log. */
static void
write_batch(const FactstrStore *store, FactWriter *writer, const NewFacts *facts,
			const FactPosition *head, AppendOutcome *outcome)
{
	if (pg_add_s64_overflow(head->sequence_number, (int64) facts->count,
							&outcome->last_sequence_number))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the log has no more sequence numbers")));
	outcome->first_sequence_number = head->sequence_number + 1;
	factstr_append_follows(head->sequence_number, head->commit_position);
	fact_writer_write(writer, facts, outcome->first_sequence_number);
	/* Later commands of the transaction see the facts, and so do later calls in this command. */
	CommandCounterIncrement();
	factstr_notify_batch(outcome->first_sequence_number, outcome->last_sequence_number);
	wakeup_at_commit(wakeup_of_facts());
}

/* The snapshot is taken under the lock: it sees every fact that will ever have a lower number. */
static AppendOutcome
append_under_lock(const AppendRequest *request, FactWriter *writer, int64 checked_upto)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactPosition head = fact_head(&request->store, snapshot);
	FactPosition newer = {0, InvalidXLogRecPtr};
	EarlierBatch batch;
	bool		repeated;

	repeated = idempotency_find_batch(&request->store, snapshot, &request->facts, &batch);
	if (!repeated)
	{
		require_visible_head(&request->store, head.sequence_number);
		if (request->context_query != NULL)
			newer = fact_newest_match(&request->store, request->context_query, snapshot,
									  checked_upto, head.sequence_number);
	}
	UnregisterSnapshot(snapshot);

	if (!repeated && newer.sequence_number == 0)
	{
		AppendOutcome outcome = {0};

		outcome.actual_context_version = request->expected_context_version;
		write_batch(&request->store, writer, &request->facts, &head, &outcome);
		return outcome;
	}

	/* Nothing to write: nobody should wait while the answer is made durable. */
	append_lock_release(&request->store);
	if (!repeated)
		return report_conflict(&newer);
	factstr_flush_before_answer(batch.commit_position);
	return outcome_of_earlier_batch(&batch);
}

/*
 * Appends the facts as one batch, if the context is as expected and the idempotency key is new.  The
 * request's facts may be compressed in place.
 */
AppendOutcome
append_facts(AppendRequest *request)
{
	AppendOutcome outcome;
	int64		checked_upto;
	FactWriter *writer;

	replicated_log_refuse_append(&request->store);
	factstr_append_begins();
	if (answer_without_lock(request, &outcome, &checked_upto))
	{
		factstr_append_ends(false);
		return outcome;
	}

	writer = fact_writer_open(&request->store);
	fact_writer_prepare(writer, &request->facts);
	fact_writer_shorten_pending_list(writer, append_lock_is_held(&request->store));
	(void) GetCurrentTransactionId();

	append_lock_acquire(&request->store);
	outcome = append_under_lock(request, writer, checked_upto);
	fact_writer_close(writer);
	factstr_append_ends(true);
	return outcome;
}

/*
 * Imports
 */

static void
require_next(const ImportedBatch *batch, int64 head)
{
	if (batch->first_sequence_number != head + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid batches: the first must begin with fact " INT64_FORMAT ", not " INT64_FORMAT,
						head + 1, batch->first_sequence_number),
				 errdetail("JSON path: $[0].first_sequence_number"),
				 errhint("An import continues the log without a gap: export from its newest fact on.")));
}

static void
import_batch(const FactstrStore *store, FactWriter *writer, const ImportedBatch *batch,
			 AppendOutcome *outcome)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	FactPosition head = fact_head(store, snapshot);

	require_visible_head(store, head.sequence_number);
	require_next(batch, head.sequence_number);
	idempotency_refuse_known_key(store, snapshot, &batch->facts);
	UnregisterSnapshot(snapshot);
	write_batch(store, writer, &batch->facts, &head, outcome);
}

/*
 * Writes batches of another log, each of which continues the one before, behind the head of this one. Their
 * facts may be compressed in place.
 */
AppendOutcome
append_imported(const FactstrStore *store, ImportedBatch *batches, int count)
{
	AppendOutcome outcome = {0};
	FactWriter *writer;

	replicated_log_refuse_append(store);
	factstr_append_begins();
	writer = fact_writer_open(store);
	for (int i = 0; i < count; i++)
		fact_writer_prepare(writer, &batches[i].facts);
	fact_writer_shorten_pending_list(writer, append_lock_is_held(store));
	(void) GetCurrentTransactionId();

	append_lock_acquire(store);
	for (int i = 0; i < count; i++)
	{
		import_batch(store, writer, &batches[i], &outcome);
		fact_writer_shorten_pending_list(writer, true);
	}
	fact_writer_close(writer);
	factstr_append_ends(true);

	outcome.first_sequence_number = batches[0].first_sequence_number;
	return outcome;
}
