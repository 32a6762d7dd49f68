/*
 * wakeup.c
 *		Waiting for what other sessions do: commit facts of this database, change a stream, end an append.
 *
 * Each can be waited for at a point in shared memory.  Whoever commits such a change wakes all that
 * wait there; they then look by themselves.  Points are shared by hash, and a transaction may be
 * prepared and committed by a session that knows nothing of this, so to be woken is a hint, and so
 * is not to be woken: whoever waits looks now and then without it.
 *
 * The memory is so little that PostgreSQL's own reserve has room for it without preloading.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "wakeup.h"

/* For facts, for streams, and for append locks; those of the first two have a bit each in "pending". */
#define POINTS_OF_A_KIND 32
#define POINTS (3 * POINTS_OF_A_KIND)

/*
 * A server may go on with this memory when another version of the library has been installed: what has
 * another size needs another name.
 */
#define MEMORY_NAME "factstr wakeup points 0.2"

struct WakeupPoint
{
	pg_atomic_uint64 generation;	/* counts the changes */
	ConditionVariable waiting;
};

static WakeupPoint *points = NULL;

/* The points at which the current transaction will wake others. */
static uint64 pending = 0;

static Size
memory_size(void)
{
	return POINTS * sizeof(WakeupPoint);
}

/* When preloaded. */
void
wakeup_reserve_memory(void)
{
	RequestAddinShmemSpace(memory_size());
}

static void
attach(void)
{
	bool		found;

	if (points != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	points = ShmemInitStruct(MEMORY_NAME, memory_size(), &found);
	for (int i = 0; i < POINTS && !found; i++)
	{
		pg_atomic_init_u64(&points[i].generation, 0);
		ConditionVariableInit(&points[i].waiting);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Where the facts of this database are waited for. */
WakeupPoint *
wakeup_of_facts(void)
{
	attach();
	return &points[murmurhash32(MyDatabaseId) % POINTS_OF_A_KIND];
}

/* Where the changes of a stream of this database are waited for. */
WakeupPoint *
wakeup_of_stream(uint64 stream_hash)
{
	attach();
	return &points[POINTS_OF_A_KIND +
				   hash_combine64(stream_hash, MyDatabaseId) % POINTS_OF_A_KIND];
}

/* Where the end of an append to this database's log is waited for. */
WakeupPoint *
wakeup_of_append_lock(void)
{
	attach();
	return &points[2 * POINTS_OF_A_KIND + murmurhash32(MyDatabaseId) % POINTS_OF_A_KIND];
}

/* One of those that wait there is woken, at once; the others go on waiting. */
void
wakeup_one(WakeupPoint *point)
{
	pg_atomic_fetch_add_u64(&point->generation, 1);
	ConditionVariableSignal(&point->waiting);
}

/* If the transaction commits, those that wait there are woken.  For facts and streams. */
void
wakeup_at_commit(WakeupPoint *point)
{
	pending |= UINT64CONST(1) << (point - points);
}

static void
wake_pending(void)
{
	for (int i = 0; pending != 0; i++, pending >>= 1)
	{
		if ((pending & 1) == 0)
			continue;
		pg_atomic_fetch_add_u64(&points[i].generation, 1);
		ConditionVariableBroadcast(&points[i].waiting);
	}
}

/* At this event of a commit everybody can see what was committed. */
static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			wake_pending();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			pending = 0;
			break;
		default:
			break;
	}
}

void
wakeup_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
}

/* To be read before looking whether there is anything to wait for. */
uint64
wakeup_generation(WakeupPoint *point)
{
	return pg_atomic_read_u64(&point->generation);
}

/*
 * Waits until there has been a change since that generation; false if the time ran out, in
 * milliseconds.
 */
bool
wakeup_wait(WakeupPoint *point, uint64 generation, long timeout)
{
	ConditionVariablePrepareToSleep(&point->waiting);
	if (wakeup_generation(point) == generation)
		(void) ConditionVariableTimedSleep(&point->waiting, timeout, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return wakeup_generation(point) != generation;
}
