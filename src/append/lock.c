/*
 * append/lock.c
 *		The lock under which appends to a log come one at a time.
 *
 * A heavyweight lock, so that deadlock detection, lock_timeout, cancel and pg_locks all work, held
 * to the end of the transaction.  It is an object lock whose class is the events table: not a lock
 * on the table, with which autovacuum and index builds would collide, and not an advisory lock,
 * which any role could take.  In pg_locks it shows as locktype "object" with classid
 * 'factstr_events'::regclass, or the table of another log.
 */
#include "postgres.h"

#include <sched.h>

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/resowner.h"

#include "append/lock.h"
#include "clock.h"
#include "commit/lock_times.h"
#include "commit/wakeup.h"
#include "compat.h"

/*
 * PostgreSQL hands a lock over to the first in its queue, and nobody can take it before that process
 * has been woken and has come to run.  That takes longer than an append needs the lock, so with many
 * clients all would wait for processes that do not run.  Hence an append first waits beside
 * the queue for a while: each append that ends wakes one that waits, and the first to come has the lock,
 * also one that has just come and is running.  Nobody waits like that for long, since the deadlock
 * detector does not see it, and others get past; and nobody gets past one who sleeps in the queue: a
 * conditional request fails while anybody does.  In milliseconds.
 */
#define WAIT_BESIDE_THE_QUEUE 50

/*
 * To sleep and to be woken costs about as much as a third of an append, which holds the lock for a fraction of
 * that.  So before it sleeps, one that waits lets others run, and sees whether an append has ended meanwhile.  Not
 * more often than this: where other programs want the processors, each time costs a turn.
 */
#define YIELDS_BEFORE_SLEEP 2

/*
 * The logs whose lock this transaction has asked for: its end wakes one waiting process of each.  If there are more,
 * the processes that wait for the others are not woken, and join the queue after a while.
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

/* Lets others run for a little while; true as soon as an append has ended. */
static bool
yield_to_appends(WakeupPoint *point, uint64 generation)
{
	for (int i = 0; i < YIELDS_BEFORE_SLEEP; i++)
	{
		(void) sched_yield();
		if (fs_wakeup_generation(point) != generation)
			return true;
	}
	return false;
}

/* False if others always got past. */
static bool
wait_beside_the_queue(const LOCKTAG *tag, Oid events)
{
	WakeupPoint *point = fs_wakeup_of_append_lock(events);
	int64		until = fs_clock_after(WAIT_BESIDE_THE_QUEUE);

	for (;;)
	{
		uint64		generation = fs_wakeup_generation(point);
		long		timeout;

		if (try_lock(tag))
			return true;
		timeout = fs_clock_until(until);
		if (timeout == 0)
			return false;
		if (!yield_to_appends(point, generation))
			(void) fs_wakeup_wait(point, generation, timeout);
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

	note_asked(store->events);
	fs_lock_times_note(LOCK_ASKED_FOR);
	if (!try_lock(&tag) && !wait_beside_the_queue(&tag, store->events))
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
	fs_lock_times_note(LOCK_TAKEN);
}

/* Undoes one fs_append_lock_acquire, for an append that turned out to write nothing. */
void
fs_append_lock_release(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	(void) LockRelease(&tag, ExclusiveLock, false);
	fs_wakeup_one(fs_wakeup_of_append_lock(store->events));
}

bool
fs_append_lock_is_held(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	return compat_lock_held_by_me(&tag, ExclusiveLock);
}

/* The locks of a transaction have been released, or those of a subtransaction that has failed. */
static void
on_resource_release(ResourceReleasePhase phase, bool is_commit, bool is_top_level, void *argument)
{
	if (asked_count == 0 || phase != RESOURCE_RELEASE_AFTER_LOCKS || (is_commit && !is_top_level))
		return;
	for (int i = 0; i < asked_count; i++)
		fs_wakeup_one(fs_wakeup_of_append_lock(asked[i]));
	if (is_top_level)
		asked_count = 0;
	if (is_commit)
		fs_lock_times_note(LOCK_RELEASED);
}

/* After fs_durability_init, so that it is called before: nobody should wait for that flush. */
void
fs_append_lock_init(void)
{
	RegisterResourceReleaseCallback(on_resource_release, NULL);
}
