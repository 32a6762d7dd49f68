/*
 * commit/wakeup.c
 *		Waiting for other sessions to commit facts of this database, change a stream or fill a list.
 *
 * Each has a wait point in shared memory.  A process that commits such a change wakes all processes that wait
 * there; each of them then checks its condition.  Points are shared by hash, and a transaction may be prepared and
 * then committed by a session that knows nothing of this.  So a wake-up is only a hint, and so is its absence: a
 * waiting process also checks from time to time without one.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/proclist.h"
#include "storage/shmem.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "shared_memory.h"

/* Of facts, of streams and of pending lists.  Each point of the first two kinds has a bit in "pending". */
#define POINTS_OF_A_KIND 32
#define POINTS (3 * POINTS_OF_A_KIND)

struct WakeupPoint
{
	pg_atomic_uint64 generation;	/* counts the changes */
	ConditionVariable waiting;
};

static WakeupPoint *points = NULL;

/* The points at which the current transaction will wake others. */
static uint64 pending = 0;

/* Called for each commit of facts by this session, before the waiting processes are woken. */
static void (*listener_of_facts) (bool are_prepared) = NULL;

#define MEMORY_SIZE (POINTS * sizeof(WakeupPoint))

/* Called if the library is preloaded. */
void
fs_wakeup_reserve_memory(void)
{
	RequestAddinShmemSpace(MEMORY_SIZE);
}

static void
initialize(void *structure)
{
	WakeupPoint *all = structure;

	for (int i = 0; i < POINTS; i++)
	{
		pg_atomic_init_u64(&all[i].generation, 0);
		ConditionVariableInit(&all[i].waiting);
	}
}

static void
attach(void)
{
	if (points == NULL)
		points = fs_shared_memory_attach("factstr wakeup points 0.2", MEMORY_SIZE, initialize);
}

static WakeupPoint *
point_of_facts(Oid database)
{
	attach();
	return &points[murmurhash32(database) % POINTS_OF_A_KIND];
}

/* The wait point for facts of this database. */
WakeupPoint *
fs_wakeup_of_facts(void)
{
	return point_of_facts(MyDatabaseId);
}

/* The wait point for changes of a stream of this database. */
WakeupPoint *
fs_wakeup_of_stream(uint64 stream_hash)
{
	attach();
	return &points[POINTS_OF_A_KIND +
				   hash_combine64(stream_hash, MyDatabaseId) % POINTS_OF_A_KIND];
}

/* The wait point of the worker that shortens the pending lists of this database. */
WakeupPoint *
fs_wakeup_of_pending_lists(void)
{
	attach();
	return &points[2 * POINTS_OF_A_KIND + murmurhash32(MyDatabaseId) % POINTS_OF_A_KIND];
}

/* Wakes one of the processes that wait there immediately; the others continue to wait. */
void
fs_wakeup_one(WakeupPoint *point)
{
	pg_atomic_fetch_add_u64(&point->generation, 1);
	ConditionVariableSignal(&point->waiting);
}

/* Does a process wait there?  It may have begun or ended meanwhile. */
bool
fs_wakeup_is_awaited(WakeupPoint *point)
{
	return !proclist_is_empty(&point->waiting.wakeup);
}

/* Wakes the processes that wait there when the transaction commits.  Only for points of facts and streams. */
void
fs_wakeup_at_commit(WakeupPoint *point)
{
	pending |= UINT64CONST(1) << (point - points);
}

static void
wake(WakeupPoint *point)
{
	pg_atomic_fetch_add_u64(&point->generation, 1);
	ConditionVariableBroadcast(&point->waiting);
}

/* Immediately wakes the processes that wait for facts of a database. */
void
fs_wakeup_now_of_facts(Oid database)
{
	wake(point_of_facts(database));
}

void
fs_wakeup_tell_of_facts(void (*listener) (bool are_prepared))
{
	listener_of_facts = listener;
}

static void
tell_of_facts(bool are_prepared)
{
	if (listener_of_facts != NULL && (pending & (UINT64CONST(1) << (fs_wakeup_of_facts() - points))) != 0)
		listener_of_facts(are_prepared);
}

static void
wake_pending(void)
{
	for (int i = 0; pending != 0; i++, pending >>= 1)
	{
		if ((pending & 1) != 0)
			wake(&points[i]);
	}
}

/* At XACT_EVENT_COMMIT, all sessions can see the committed changes. */
static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (pending != 0)
				tell_of_facts(false);
			wake_pending();
			break;
		case XACT_EVENT_PREPARE:
			if (pending != 0)
				tell_of_facts(true);
			pending = 0;
			break;
		case XACT_EVENT_ABORT:
			pending = 0;
			break;
		default:
			break;
	}
}

void
fs_wakeup_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
}

/* Read the generation before checking the condition. */
uint64
fs_wakeup_generation(WakeupPoint *point)
{
	return pg_atomic_read_u64(&point->generation);
}

/* Waits for a change after that generation.  Returns false after the timeout, in milliseconds. */
bool
fs_wakeup_wait(WakeupPoint *point, uint64 generation, long timeout)
{
	ConditionVariablePrepareToSleep(&point->waiting);
	if (fs_wakeup_generation(point) == generation)
		(void) ConditionVariableTimedSleep(&point->waiting, timeout, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return fs_wakeup_generation(point) != generation;
}
