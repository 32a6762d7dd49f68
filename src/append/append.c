/*
 * append/append.c
 *		One append, from checked input to its outcome.
 *
 * Before the lock, it does everything that does not depend on the newest facts.  That includes most of the
 * context check: facts never change, so a condition that holds for the log up to some number continues to hold
 * there, and under the lock only newer facts are examined.  A redaction in between counts as one after the append
 * (append/redaction.c).
 *
 * Under the lock: this examination, the numbers, the rows.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_subscription.h"
#include "common/int.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "append/append.h"
#include "append/idempotency.h"
#include "append/lock.h"
#include "commit/durability.h"
#include "commit/lock_times.h"
#include "commit/log_head.h"
#include "commit/notify.h"

/*
 * Reasons to refuse an append
 */

/*
 * A log that logical replication fills has one writer, the worker of the subscription.  A fact appended beside it
 * would take a number that the publisher gives to another fact, and the worker would fail from there on.
 */
void
fs_append_refuse_replicated(const FactstrStore *store)
{
	Oid			subscription = fs_store_subscription(store);
	char	   *name;

	if (likely(!OidIsValid(subscription)))
		return;
	name = get_subscription_name(subscription, true);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot append to a log that is filled by logical replication"),
			 errdetail("The facts come from subscription \"%s\".", name ? name : "?"),
			 errhint("Append on the publisher. To make this log independent, drop the subscription.")));
}

/*
 * A transaction with one snapshot cannot see facts that others have appended since, so its own facts behind them
 * would leave gaps in its view of the log.
 */
void
fs_append_require_visible_head(const FactstrStore *store, int64 head)
{
	if (!IsolationUsesXactSnapshot())
		return;
	if (head > fs_fact_head(store, GetTransactionSnapshot()).sequence_number)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent append"),
				 errhint("The transaction might succeed if retried.")));
}

/*
 * The append
 */

static AppendOutcome
outcome_of_earlier_batch(const EarlierBatch *batch)
{
	AppendOutcome outcome = {0};

	outcome.first_sequence_number = batch->first_sequence_number;
	outcome.last_sequence_number = batch->last_sequence_number;
	return outcome;
}

/* Finds a fact of the context in this range.  Its number is the version that contradicts the request. */
static bool
find_newer(const AppendRequest *request, Snapshot snapshot, int64 after, int64 head,
		   FactPosition *actual)
{
	*actual = fs_fact_newest_match(&request->store, request->context_query, snapshot, after, head);
	return actual->sequence_number != 0;
}

/*
 * Does the version differ from the expected one?  It is the expected one if the newest fact of the context from
 * there on is.
 */
static bool
find_other_version(const AppendRequest *request, Snapshot snapshot, int64 head,
				   FactPosition *actual)
{
	int64		expected = request->context_number;
	int64		after = 0;

	if (expected > 0 && expected <= head)
		after = expected - 1;
	*actual = fs_fact_newest_match(&request->store, request->context_query, snapshot, after, head);
	if (actual->sequence_number == expected)
		return false;
	if (actual->sequence_number == 0 && after > 0)
		*actual = fs_fact_newest_match(&request->store, request->context_query, snapshot, 0, after);
	return true;
}

/* A number beyond the end of the log comes from another log, and says nothing about this one. */
static void
refuse_position_beyond(const AppendRequest *request, int64 head)
{
	if (request->context_number <= head)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid after_sequence_number: " INT64_FORMAT " is beyond the newest fact, " INT64_FORMAT,
					request->context_number, head),
			 errhint("Pass a number that was read from this log.")));
}

/* The version that contradicts the request, as of the snapshot; false if there is none. */
static bool
find_contradiction(const AppendRequest *request, Snapshot snapshot, FactPosition head,
				   FactPosition *actual)
{
	int64		up_to = head.sequence_number;

	if (request->checked_up_to > 0)
		return find_newer(request, snapshot, request->checked_up_to, up_to, actual);
	if (request->condition == APPEND_IF_VERSION)
		return find_other_version(request, snapshot, up_to, actual);
	if (request->context_number > up_to)
		fs_durability_flush_before_answer(head.commit_position);
	refuse_position_beyond(request, up_to);
	return find_newer(request, snapshot, request->context_number, up_to, actual);
}

static AppendOutcome
report_conflict(const FactPosition *actual)
{
	AppendOutcome outcome = {0};

	fs_durability_flush_before_answer(actual->commit_position);
	outcome.conflict = true;
	outcome.actual_context_version = actual->sequence_number;
	return outcome;
}

/* Has the batch been appended before, with the same key? */
static bool
find_earlier_batch(const AppendRequest *request, Snapshot snapshot, EarlierBatch *batch)
{
	return request->facts.idempotency_key != (Datum) 0 &&
		fs_idempotency_find_batch(&request->store, snapshot, &request->facts, batch);
}

/*
 * Answers calls that need no lock: a repeated call, or a context that has changed.  Otherwise returns false, and the
 * request knows the position up to which its context has been checked.
 */
static bool
answer_without_lock(AppendRequest *request, AppendOutcome *outcome)
{
	Snapshot	snapshot;
	EarlierBatch batch;
	FactPosition actual;
	bool		answered = false;

	if (request->context_query == NULL && request->facts.idempotency_key == (Datum) 0)
		return false;

	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (find_earlier_batch(request, snapshot, &batch))
	{
		fs_durability_flush_before_answer(batch.commit_position);
		*outcome = outcome_of_earlier_batch(&batch);
		answered = true;
	}
	else if (request->context_query != NULL)
	{
		FactPosition head = fs_fact_head(&request->store, snapshot);

		fs_append_require_visible_head(&request->store, head.sequence_number);
		if (find_contradiction(request, snapshot, head, &actual))
		{
			*outcome = report_conflict(&actual);
			answered = true;
		}
		request->checked_up_to = head.sequence_number;
	}
	UnregisterSnapshot(snapshot);
	return answered;
}

/*
 * Writing after the newest fact
 */

/* The end of the log: under the lock, a later look would find the same. */
FactPosition
fs_append_head(const FactstrStore *store)
{
	FactPosition head;
	Snapshot	snapshot;

	if (fs_log_head_is_known(store, &head))
		return head;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	head = fs_fact_head(store, snapshot);
	UnregisterSnapshot(snapshot);
	fs_log_head_found(store, head.sequence_number, fs_store_is_guarded(store));
	return head;
}

/*
 * Rows that no append wrote, such as those of a restore, take numbers that the appends do not know of.  The primary
 * key rejects the first duplicate, and from then on appends look at the table.
 */
static void
write_rows(const FactstrStore *store, FactWriter *writer, const NewFacts *facts,
		   int64 first_sequence_number)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		fs_writer_write(writer, facts, first_sequence_number);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		/* The name is composed, not looked up: after an error, nothing may read the catalog. */
		if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION || error->constraint_name == NULL ||
			strcmp(error->constraint_name, fs_log_index_name(INDEX_OF_NUMBERS, store->log)) != 0)
			PG_RE_THROW();
		FlushErrorState();
		fs_log_head_has_strangers(store);
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not append: the log has rows that no append wrote"),
				 errhint("The transaction might succeed if retried: its append then begins behind them.")));
	}
	PG_END_TRY();
}

/* Writes a batch after the head of the log. */
void
fs_append_write_batch(const FactstrStore *store, FactWriter *writer, const NewFacts *facts,
					  const FactPosition *head, AppendOutcome *outcome)
{
	if (pg_add_s64_overflow(head->sequence_number, (int64) facts->count,
							&outcome->last_sequence_number))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the log has no more sequence numbers")));
	outcome->first_sequence_number = head->sequence_number + 1;
	fs_durability_append_follows(store, head);
	fs_lock_times_note(LOCK_CONTEXT_CHECKED);
	write_rows(store, writer, facts, outcome->first_sequence_number);
	fs_lock_times_note(LOCK_ROWS_WRITTEN);
	/* Later commands of the transaction see the facts, and so do later calls in this command. */
	CommandCounterIncrement();
	fs_log_head_moved(store, outcome->last_sequence_number);
	fs_notify_batch(store, outcome->first_sequence_number, outcome->last_sequence_number);
}

/*
 * The checks of context and key use a snapshot taken under the lock: it sees every fact that will ever have a lower
 * number.
 */
static AppendOutcome
append_under_lock(const AppendRequest *request, FactWriter *writer)
{
	FactPosition head = fs_append_head(&request->store);
	bool		has_conditions = request->context_query != NULL ||
	request->facts.idempotency_key != (Datum) 0;
	Snapshot	snapshot = has_conditions ? RegisterSnapshot(GetLatestSnapshot()) : InvalidSnapshot;
	FactPosition newer = {0, InvalidXLogRecPtr};
	EarlierBatch batch;
	bool		repeated;

	repeated = find_earlier_batch(request, snapshot, &batch);
	if (!repeated)
	{
		fs_append_require_visible_head(&request->store, head.sequence_number);
		if (request->context_query != NULL)
			newer = fs_fact_newest_match(&request->store, request->context_query, snapshot,
										 request->checked_up_to, head.sequence_number);
	}
	if (has_conditions)
		UnregisterSnapshot(snapshot);

	if (!repeated && newer.sequence_number == 0)
	{
		AppendOutcome outcome = {0};

		if (request->condition == APPEND_IF_VERSION)
			outcome.actual_context_version = request->context_number;
		fs_append_write_batch(&request->store, writer, &request->facts, &head, &outcome);
		return outcome;
	}

	/* Nothing to write: no other append should wait while the answer becomes durable. */
	fs_append_lock_release(&request->store);
	if (!repeated)
		return report_conflict(&newer);
	fs_durability_flush_before_answer(batch.commit_position);
	return outcome_of_earlier_batch(&batch);
}

/* The part of an append before the lock.  Returns true if nothing is left to do. */
bool
fs_append_answer_early(AppendRequest *request, AppendOutcome *outcome)
{
	bool		answered;

	fs_append_refuse_replicated(&request->store);
	fs_durability_append_begins();
	answered = answer_without_lock(request, outcome);
	if (!answered && request->store.is_sealed)
		fs_store_refuse_sealed(&request->store);
	fs_durability_append_ends();
	return answered;
}

/*
 * Appends the facts as one batch, if the condition on the context holds and the idempotency key is new.  May
 * compress the request's facts in place.
 */
AppendOutcome
fs_append_facts(AppendRequest *request)
{
	AppendOutcome outcome;
	FactWriter *writer;

	fs_append_refuse_replicated(&request->store);
	fs_durability_append_begins();
	if (answer_without_lock(request, &outcome))
	{
		fs_durability_append_ends();
		return outcome;
	}
	if (request->store.is_sealed)
		fs_store_refuse_sealed(&request->store);

	writer = fs_writer_open(&request->store, fs_append_lock_is_held(&request->store),
							request->facts.idempotency_key != (Datum) 0);
	fs_writer_prepare(writer, &request->facts);
	(void) GetCurrentTransactionId();

	fs_append_lock_acquire(&request->store);
	fs_store_refuse_sealed(&request->store);
	outcome = append_under_lock(request, writer);
	fs_writer_close(writer);
	fs_durability_append_ends();
	/* Freeing the memory of many facts takes time, too. */
	CHECK_FOR_INTERRUPTS();
	return outcome;
}
