/*
 * append/lock.c
 *		The lock that admits one append to a log at a time.
 *
 * It is a heavyweight lock, so that deadlock detection, lock_timeout, cancel and pg_locks work, held until the
 * end of the transaction.  It is an object lock whose class is the events table.  A lock on the table would
 * collide with autovacuum and index builds, and an advisory lock could be taken by any role.  In pg_locks it has
 * locktype "object" and classid 'factstr_events'::regclass, or the table of another log.
 */
#include "postgres.h"

#include <sched.h>

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/resowner.h"

#include "append/lock.h"
#include "append/lock_wait.h"
#include "clock.h"
#include "commit/alone.h"
#include "commit/lock_times.h"
#include "compat.h"

/*
 * PostgreSQL passes a lock to the first process in its queue, and no other can take it until that process has
 * been woken and runs.  That takes longer than an append needs the lock, so with many clients all would wait for
 * processes that do not run.  Therefore an append first waits outside the queue for a while: each append that ends
 * wakes one waiting process, and the first to come gets the lock, even one that has just arrived and is running.
 * The time is limited, because the deadlock detector does not see this wait, and others can overtake.  No process
 * overtakes one in the queue: a conditional request fails while one waits there.  In milliseconds.
 */
#define WAIT_BESIDE_THE_QUEUE 50

/*
 * The logs whose lock this transaction has requested: its end wakes one waiting process of each.  If there are
 * more, the waiting processes of the others are not woken, and join the queue after a while.
 */
#define MOST_ASKED 64
static Oid	asked[MOST_ASKED];
static int	asked_count = 0;

static LOCKTAG
append_lock_tag(const FactstrStore *store)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, store->events, InvalidOid, 0);
	return tag;
}

static bool
try_lock(const LOCKTAG *tag)
{
	return LockAcquire(tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Lets others run briefly; true if an append has ended meanwhile.  Going to sleep and being woken costs about a fifth
 * of the time of an append, which holds the lock for only a part of that.  More than once is no use: if other programs
 * want the processors, each time costs a turn.
 */
static bool
yield_to_appends(LockWait *wait, uint64 generation)
{
	(void) sched_yield();
	return fs_lock_wait_generation(wait) != generation;
}

/* False if others always got past. */
static bool
lock_beside_the_queue(const LOCKTAG *tag, Oid events, LockWait *wait)
{
	int64		until = fs_clock_after(WAIT_BESIDE_THE_QUEUE);

	for (;;)
	{
		uint64		generation = fs_lock_wait_generation(wait);
		long		timeout;

		if (try_lock(tag))
			return true;
		fs_alone_note_waiting(events);
		timeout = fs_clock_until(until);
		if (timeout == 0)
			return false;
		if (!yield_to_appends(wait, generation))
			fs_lock_wait_sleep(wait, generation, timeout);
	}
}

static void
note_asked(Oid events)
{
	for (int i = 0; i < asked_count; i++)
	{
		if (asked[i] == events)
			return;
	}
	if (asked_count < MOST_ASKED)
		asked[asked_count++] = events;
}

/* Takes the lock until the end of the transaction, or of the subtransaction if that fails. */
void
fs_append_lock_acquire(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	/* Before the end of the transaction may look, which must not fail. */
	LockWait   *wait = fs_lock_wait_of(store->events);

	note_asked(store->events);
	fs_lock_times_note(LOCK_ASKED_FOR);
	if (!lock_beside_the_queue(&tag, store->events, wait))
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
	fs_lock_times_note(LOCK_TAKEN);
}

/* Undoes one fs_append_lock_acquire, for an append that turned out to write nothing. */
void
fs_append_lock_release(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	(void) LockRelease(&tag, ExclusiveLock, false);
	fs_lock_wait_wake_one(fs_lock_wait_of(store->events));
}

bool
fs_append_lock_is_held(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	return compat_lock_held_by_me(&tag, ExclusiveLock);
}

/* Called after the locks of a transaction, or of a failed subtransaction, have been released. */
static void
on_resource_release(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *argument)
{
	if (asked_count == 0 || phase != RESOURCE_RELEASE_AFTER_LOCKS || (is_commit && !is_top_level))
		return;
	/* Before others are woken, who may then run in place of this process. */
	if (is_commit)
		fs_lock_times_note(LOCK_RELEASED);
	for (int i = 0; i < asked_count; i++)
		fs_lock_wait_wake_one(fs_lock_wait_of(asked[i]));
	if (is_top_level)
		asked_count = 0;
}

/* Registered after fs_durability_init, so that it is called before: no process should wait for that flush. */
void
fs_append_lock_init(void)
{
	RegisterResourceReleaseCallback(on_resource_release, NULL);
}
