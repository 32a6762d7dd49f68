/*
 * commit/debt.c
 *		The flush that a session owes because it has read results of commits in flight.
 *
 * It is a position up to which the log must be on disk before anything leaves that could reveal these results.
 * It falls due with a row (rows_out.c) or another revealing message (wire.c), and is paid before that leaves.
 * The writes of a transaction may depend on what it has read, but its commit comes later in the log; so a debt
 * for them arises only if it reads its own writes.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"

#include "commit/debt.h"
#include "commit/group_flush.h"
#include "commit/in_flight.h"
#include "compat.h"

/*
 * The position up to which the log must be flushed before any revealing message leaves; InvalidXLogRecPtr if there
 * is no debt.
 */
static XLogRecPtr owed = InvalidXLogRecPtr;

/* The position up to which the log must be flushed before any message leaves, revealing or not. */
static XLogRecPtr due = InvalidXLogRecPtr;

/*
 * The position up to which the log must be flushed before a message reveals what the transaction wrote after it had
 * read results in flight.  Reset at its end.
 */
static XLogRecPtr behind_writes = InvalidXLogRecPtr;

/* The end of the last record.  The insert position may be behind the header of a page that is not written yet. */
static XLogRecPtr
end_of_log(void)
{
	XLogRecPtr	next = GetXLogInsertRecPtr();

	if (XLogSegmentOffset(next, wal_segment_size) == SizeOfXLogLongPHD)
		return next - SizeOfXLogLongPHD;
	if (next % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return next - SizeOfXLogShortPHD;
	return next;
}

/* Is the condition true for any relation in the range table? */
static bool
any_relation(const List *range_table, bool (*is_true) (Oid relation))
{
	ListCell   *cell;

	foreach(cell, range_table)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (entry->rtekind == RTE_RELATION && is_true(entry->relid))
			return true;
	}
	return false;
}

/* Does the transaction write the relation?  If so, it has locked it. */
static bool
is_written_here(Oid relation)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
	return compat_lock_held_by_me(&tag, RowExclusiveLock);
}

/* The session owes a flush because it has read these relations. */
void
fs_debt_for_reading(const List *range_table)
{
	if (fs_in_flight_exist() && any_relation(range_table, fs_in_flight_has))
		owed = end_of_log();
	else if (!XLogRecPtrIsInvalid(behind_writes) && any_relation(range_table, is_written_here))
		owed = Max(owed, behind_writes);
}

void
fs_debt_for_reading_relation(Oid relation)
{
	if (fs_in_flight_exist() && fs_in_flight_has(relation))
		owed = end_of_log();
	else if (is_written_here(relation))
		owed = Max(owed, behind_writes);
}

/* The transaction's writes may depend on these relations: it owes a flush if it reads its writes. */
void
fs_debt_for_writing(const List *range_table)
{
	if (fs_in_flight_exist() && any_relation(range_table, fs_in_flight_has))
		behind_writes = end_of_log();
}

/*
 * When another process has crashed, SIGQUIT ends this one.  The handler blocks the signal, tells the client why, and
 * must not touch shared data.
 */
static bool
is_told_to_leave_at_once(void)
{
	sigset_t	blocked;

	return sigprocmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGQUIT);
}

/* Any message may reveal anything that the process has seen.  A process without a PGPROC has seen nothing. */
void
fs_debt_for_anything(void)
{
	if (MyProc != NULL && fs_in_flight_exist() && !is_told_to_leave_at_once())
		owed = end_of_log();
}

/* A message that reveals results in flight is about to leave. */
void
fs_debt_falls_due(void)
{
	due = Max(due, owed);
	owed = InvalidXLogRecPtr;
}

/*
 * Errors and the messages of a crashing server can come from anywhere.  Locks that an error has left are released
 * when the transaction ends, after the error was sent.  A flush takes these locks; PostgreSQL itself flushes while
 * it holds others.
 */
static bool
can_flush_here(void)
{
	return MyProc != NULL && CritSectionCount == 0 && !is_told_to_leave_at_once() &&
		!LWLockHeldByMe(WALWriteLock) && !LWLockHeldByMe(ControlFileLock);
}

/* False if there is a debt that cannot be paid here. */
bool
fs_debt_pay(void)
{
	if (XLogRecPtrIsInvalid(due))
		return true;
	if (!can_flush_here())
		return false;
	fs_group_flush(due);
	due = InvalidXLogRecPtr;
	return true;
}

/* Called before data leaves by another way than the connection. */
void
fs_debt_pay_at_once(void)
{
	fs_debt_falls_due();
	(void) fs_debt_pay();
}

static bool
commits_without_flush(void)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny()) &&
		(XLogRecPtrIsInvalid(XactLastRecEnd) || synchronous_commit == SYNCHRONOUS_COMMIT_OFF);
}

/*
 * A transaction whose commit flushes nothing, because its writes are not in the log or synchronous_commit is off,
 * reveals the results that it has read.
 */
static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (commits_without_flush())
			{
				owed = Max(owed, behind_writes);
				fs_debt_pay_at_once();
			}
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			behind_writes = InvalidXLogRecPtr;
			break;
		default:
			break;
	}
}

/* An error that a function catches may also reveal results in flight. */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		fs_debt_for_anything();
}

/* Called if the library is preloaded. */
void
fs_debt_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
