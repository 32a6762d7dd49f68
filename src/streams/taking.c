/*
 * streams/taking.c
 *		Takes a durable stream from its handler, to change it.
 *
 * A handler may take long, or hang, and administrators of the stream must not hang with it: a worker that
 * delivers the stream is interrupted.  That is no failure, and the batch comes again unless the change concerns
 * it.  Other consumers are waited for.  A process that does not end its handler when interrupted is terminated.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"

#include "clock.h"
#include "compat.h"
#include "streams/lock.h"
#include "streams/taking.h"
#include "workers/delivery_slots.h"

/*
 * The interval between checks whether an interrupted handler has ended, and the time after which its process is
 * terminated.  In ms.
 */
#define STOP_INTERVAL 10
#define STOP_PATIENCE 5000

/*
 * Ours until the end of the transaction.  Between the check whether a worker serves the stream and the wait for its
 * lock, no worker may begin with it: it would not be interrupted.  For a process that is terminated, this waits in the
 * queue of the lock, where the deadlock detector sees it: that process may need a lock of this transaction.
 */
static void
take(const FactstrStore *store, text *name, uint64 hash)
{
	int64		patient_until = fs_clock_after(STOP_PATIENCE);

	do
	{
		bool		is_terminated = fs_clock_until(patient_until) == 0;

		if (!fs_delivery_slots_stop(hash, is_terminated) || is_terminated)
		{
			fs_stream_lock_acquire(store, name, false);
			return;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, STOP_INTERVAL,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	} while (!fs_stream_lock_try(store, name));
}

/* Takes the stream; with nowait, raises "already active" instead of interrupting its holder. */
void
fs_stream_take_from_handler(const FactstrStore *store, text *name, bool nowait)
{
	uint64		hash = fs_stream_lock_hash(store->log, name);

	if (nowait)
		fs_stream_lock_acquire(store, name, true);
	else if (!fs_stream_lock_try(store, name))
	{
		take(store, name, hash);
		fs_delivery_slots_end_stop(hash);
	}
}
