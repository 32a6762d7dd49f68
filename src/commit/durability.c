/*
 * commit/durability.c
 *		When commits of facts reach the disk, and when their locks are released.
 *
 * Early lock release.  Appends run one at a time from numbering to commit, and a commit that waits for the disk
 * while it holds the append lock makes every other append wait for the disk as well.  So the commit of an append
 * is written without a flush, which releases its locks; the flush follows immediately, in the same commit, before
 * the client gets its answer.  Appends that wait for the disk at the same time then share one flush
 * (group_flush.c).  The idea is from Johnson et al., "Aether: A Scalable Approach to Logging", VLDB 2010.
 *
 * Why this is safe:
 * - Commit records are written in log order, under the append lock.  A crash undoes the facts of a suffix of the
 *   log or none, so it leaves no gap.
 * - The client is answered after the flush.
 * - A read that returns a fact whose commit is not on disk yet flushes first (fs_durability_flush_before_answer).
 *   So no client sees number 10 and finds another fact under number 10 after a crash.
 * - Other sessions read other tables.  If the library is preloaded, they wait before a row leaves that was read
 *   from a table with a commit in flight (in_flight.c, rows_out.c).  Otherwise, a transaction that wrote anything
 *   but facts commits as usual.
 * - A notification is sent with the commit, and so early; a listening session waits before it informs its client
 *   (wire.c).
 * - A session that appends alone commits as usual, where that takes less time (alone.c).
 * - A transaction that waits for synchronous standbys commits as usual.  If standbys are configured between this
 *   check and the flush, it waits after the flush: others may already see the facts, but its client has no answer.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "commit/alone.h"
#include "commit/durability.h"
#include "commit/group_flush.h"
#include "commit/in_flight.h"
#include "commit/wakeup.h"
#include "compat.h"
#include "settings.h"

/* The facts that the current transaction has appended to a log. */
typedef struct OwnFacts
{
	Oid			events;
	int64		first;			/* 0 if a rollback has undone them */
	SubTransactionId appended_in;	/* the subtransaction of the first */
} OwnFacts;

/*
 * The actions of the current transaction; reset at its end.  A rollback to a savepoint removes only the facts that it
 * undoes, and keeps the rest: at worst a commit flushes as usual, or a read flushes more than it must.
 */
static struct
{
	bool		wrote_other_data;
	bool		commits_in_order;	/* unless the setting is "always" */
	bool		sends_notifications;	/* of ours */
	XLogRecPtr	own_log_end;	/* the end of this transaction's log after its last append */
	XLogRecPtr	preceding_commit;	/* of the newest fact before its own */
	int			own_count;		/* the number of logs that it has appended to */
	int			own_allocated;
	OwnFacts   *own;			/* in the transaction's memory */
	bool		commits_early;	/* between the pre-commit and the end: synchronous_commit is ours */
	int			saved_synchronous_commit;
} transaction;

/* Set when the commit is written and its flush is still to come, after the release of the locks. */
static bool flush_is_owed = false;

/*
 * Call before an append touches anything, and fs_durability_append_ends after it has written everything.  All other
 * log records of the transaction belong to other writes.
 */
void
fs_durability_append_begins(void)
{
	/*
	 * A transaction without an id has written nothing that others could see.  Its log records then
	 * come from pages that it read: with checksums, hint bits are logged.
	 */
	if (XactLastRecEnd != transaction.own_log_end &&
		TransactionIdIsValid(GetTopTransactionIdIfAny()))
		transaction.wrote_other_data = true;
}

void
fs_durability_append_ends(void)
{
	transaction.own_log_end = XactLastRecEnd;
}

/* The facts that the transaction has appended to the log, or NULL. */
static OwnFacts *
find_own(const FactstrStore *store)
{
	for (int i = 0; i < transaction.own_count; i++)
	{
		if (transaction.own[i].events == store->events)
			return &transaction.own[i];
	}
	return NULL;
}

static OwnFacts *
add_own(const FactstrStore *store)
{
	OwnFacts   *own;

	if (transaction.own == NULL)
	{
		transaction.own_allocated = 4;
		transaction.own = MemoryContextAlloc(TopTransactionContext,
											 transaction.own_allocated * sizeof(OwnFacts));
	}
	else if (transaction.own_count == transaction.own_allocated)
	{
		transaction.own_allocated *= 2;
		transaction.own = repalloc(transaction.own, transaction.own_allocated * sizeof(OwnFacts));
	}
	own = &transaction.own[transaction.own_count++];
	own->events = store->events;
	own->first = 0;
	return own;
}

/* Call with the head of the log when an append is about to write after it. */
void
fs_durability_append_follows(const FactstrStore *store, const FactPosition *head)
{
	OwnFacts   *own = find_own(store);

	transaction.preceding_commit = Max(transaction.preceding_commit, head->commit_position);
	if (own == NULL)
		own = add_own(store);
	else if (own->first != 0)
		return;
	own->first = head->sequence_number + 1;
	own->appended_in = GetCurrentSubTransactionId();
}

/* No fact of the log up to this number is one of the transaction's own, uncommitted facts. */
int64
fs_durability_newest_committed(const FactstrStore *store)
{
	const OwnFacts *own = find_own(store);

	return own == NULL || own->first == 0 ? PG_INT64_MAX : own->first - 1;
}

/* Has the transaction appended anything, to any log, that was not rolled back? */
bool
fs_durability_has_appended(void)
{
	for (int i = 0; i < transaction.own_count; i++)
	{
		if (transaction.own[i].first != 0)
			return true;
	}
	return false;
}

/* The end of the commit of the newest fact before the transaction's own. */
XLogRecPtr
fs_durability_preceding_commit(void)
{
	return transaction.preceding_commit;
}

/* The transaction does something that others would see too early. */
void
fs_durability_commit_in_order(void)
{
	transaction.commits_in_order = true;
}

/* It takes a lock of the whole server for them, until it is visible. */
void
fs_durability_commit_sends_notifications(void)
{
	transaction.sends_notifications = true;
}

/*
 * PostgreSQL's commit also takes the setting from shared memory.  The session's copy may be outdated: it is not
 * updated while the session waits for the append lock or runs a procedure.
 */
bool
fs_durability_waits_for_standbys(void)
{
	return SyncRepRequested() && compat_sync_standbys_defined();
}

static bool
wrote_facts_only(void)
{
	return !transaction.wrote_other_data && XactLastRecEnd == transaction.own_log_end;
}

/*
 * Do the transaction's actions allow its commit to be visible before its flush?  If commits in flight are known to
 * readers, this one must be counted among them.
 */
static bool
is_harmless_early(bool is_in_flight)
{
	bool		is_safe = is_in_flight || (wrote_facts_only() && !fs_in_flight_is_known());

	switch ((FactstrEarlyLockRelease) factstr_early_lock_release)
	{
		case FACTSTR_EARLY_RELEASE_OFF:
			return false;
		case FACTSTR_EARLY_RELEASE_FACTS_ONLY:
			return is_safe && wrote_facts_only() && !transaction.commits_in_order;
		case FACTSTR_EARLY_RELEASE_AUTO:
			return is_safe && !transaction.commits_in_order;
		case FACTSTR_EARLY_RELEASE_ALWAYS:
			return true;
	}
	return false;
}

/* Does the session seem to be the only one that appends to the logs of this transaction? */
static bool
appends_alone(void)
{
	for (int i = 0; i < transaction.own_count; i++)
	{
		if (transaction.own[i].first != 0 && !fs_alone_in_log(transaction.own[i].events))
			return false;
	}
	return true;
}

/*
 * Does an early commit only cost time, as far as can be seen?  Others might wait for a row that the transaction has
 * changed, for its facts, or for the lock that the server holds while a commit sends notifications.
 */
static bool
early_release_helps_nobody(void)
{
	return compat_unflushed_commit_wakes_wal_writer && factstr_early_lock_release != FACTSTR_EARLY_RELEASE_ALWAYS &&
		wrote_facts_only() && appends_alone() && !transaction.sends_notifications &&
		!fs_wakeup_is_awaited(fs_wakeup_of_facts());
}

/* May the commit be visible before its flush?  If readers can be told to wait, this tells them. */
static bool
may_commit_early(void)
{
	if (!fs_durability_has_appended() || synchronous_commit == SYNCHRONOUS_COMMIT_OFF ||
		fs_durability_waits_for_standbys() || early_release_helps_nobody())
		return false;
	if (is_harmless_early(fs_in_flight_begin()))
		return true;
	fs_in_flight_end();
	return false;
}

/*
 * Turns synchronous_commit off for the few lines between this event and the commit record.  It assigns the variable
 * directly: no statement can see the change, and the user's SET LOCAL, savepoints and function settings keep their
 * meaning.
 */
static void
commit_without_flush(void)
{
	transaction.saved_synchronous_commit = synchronous_commit;
	transaction.commits_early = true;
	synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
}

static void
note_commits(void)
{
	for (int i = 0; i < transaction.own_count; i++)
	{
		if (transaction.own[i].first != 0)
			fs_alone_note_commit(transaction.own[i].events);
	}
}

static void
end_transaction(bool committed)
{
	if (committed)
		note_commits();
	if (transaction.commits_early)
	{
		synchronous_commit = transaction.saved_synchronous_commit;
		flush_is_owed = committed;
	}
	if (!flush_is_owed)
		fs_in_flight_end();
	memset(&transaction, 0, sizeof(transaction));
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (may_commit_early())
				commit_without_flush();
			break;
		case XACT_EVENT_COMMIT:
			end_transaction(true);
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			end_transaction(false);
			break;
		default:
			break;
	}
}

/*
 * While a subtransaction runs, everything is appended in it or in one that started later, which has a
 * higher number.
 */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (int i = 0; i < transaction.own_count; i++)
	{
		if (transaction.own[i].appended_in < subtransaction)
			continue;
		transaction.own[i].first = 0;
		transaction.own[i].appended_in = InvalidSubTransactionId;
	}
}

/* The locks are released; the flush follows, and only then does the commit return to the client. */
static void
on_resource_release(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *argument)
{
	if (!flush_is_owed || !is_top_level || phase != RESOURCE_RELEASE_AFTER_LOCKS)
		return;
	flush_is_owed = false;
	if (!is_commit)
		return;
	fs_group_flush(XactLastCommitEnd);
	fs_in_flight_end();
	SyncRepWaitForLSN(XactLastCommitEnd, true);
}

void
fs_durability_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
	RegisterResourceReleaseCallback(on_resource_release, NULL);
}

/*
 * A frozen row no longer shows its inserting transaction, and freezing does not wait for the disk either.  But its
 * page was last logged after that commit.
 */
static XLogRecPtr
page_position(TupleTableSlot *row)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) row)->buffer;

	Assert(TTS_IS_BUFFERTUPLE(row));
	return BufferIsValid(buffer) ? BufferGetLSNAtomic(buffer) : InvalidXLogRecPtr;
}

/*
 * The position up to which the log must be on disk so that no crash can undo the fact in this row, or
 * InvalidXLogRecPtr if it is safe already.  Commits follow the order of the facts, so the newest fact of an answer
 * covers all of them; a fact of the transaction itself is covered by the newest one before it.  The row of a
 * redacted fact was inserted by the redaction: that has flushed the fact's own commit, and is on disk before others
 * see it (append/redaction.c).
 */
XLogRecPtr
fs_durability_commit_position(TupleTableSlot *row)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);
	TransactionId inserted_by = HeapTupleHeaderGetXmin(tuple->t_data);

	Assert(!should_free);
	/* A standby has only the part of the log that is on disk. */
	if (RecoveryInProgress())
		return InvalidXLogRecPtr;
	if (TransactionIdIsCurrentTransactionId(inserted_by))
		return transaction.preceding_commit;
	if (!TransactionIdIsNormal(inserted_by))
		return page_position(row);
	return TransactionIdGetCommitLSN(inserted_by);
}

/* Waits until the log is on disk up to a position from fs_durability_commit_position. */
void
fs_durability_flush_before_answer(XLogRecPtr position)
{
	if (!XLogRecPtrIsInvalid(position))
		fs_group_flush(position);
}
