/*
 * append_lock.c
 *		The lock under which appends come one at a time.
 *
 * A heavyweight lock, so that deadlock detection, lock_timeout, cancel and pg_locks all work, held
 * to the end of the transaction.  It is an object lock whose class is the events table: not a lock
 * on the table, with which autovacuum and index builds would collide, and not an advisory lock,
 * which any role could take.  In pg_locks it shows as locktype "object" with classid
 * 'factstr_events'::regclass.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "append_lock.h"
#include "compat.h"

/*
 * Going to sleep and being woken costs more than an append holds the lock, so an append first tries
 * a few times, with a short pause in between.  These tries never get past an append that already
 * sleeps in the queue: a conditional request fails while anybody waits.  Measured with 16 clients;
 * pauses in microseconds.
 */
#define TRIES_BEFORE_QUEUEING 20
#define PAUSE_BETWEEN_TRIES 50

static LOCKTAG
append_lock_tag(const FactstrStore *store)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, store->events, InvalidOid, 0);
	return tag;
}

/* Takes the lock until the end of the transaction, or of the subtransaction if that fails. */
void
append_lock_acquire(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	for (int i = 0; i < TRIES_BEFORE_QUEUEING; i++)
	{
		if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(PAUSE_BETWEEN_TRIES);
	}
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* Undoes one append_lock_acquire, for an append that turned out to write nothing. */
void
append_lock_release(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	(void) LockRelease(&tag, ExclusiveLock, false);
}

bool
append_lock_is_held(const FactstrStore *store)
{
	LOCKTAG		tag = append_lock_tag(store);

	return factstr_lock_held_by_me(&tag, ExclusiveLock);
}
