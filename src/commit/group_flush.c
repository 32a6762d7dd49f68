/*
 * commit/group_flush.c
 *		Processes that wait for the disk at the same time share a flush.
 *
 * XLogFlush wakes all waiting processes when any flush ends.  Those that came during that flush are not on disk yet
 * and sleep again until the next one: with many clients, most commits sleep twice, and going to sleep and being woken
 * costs a third as much as an append.  Here, processes that come during a flush form a group.  The first of them
 * leads it: it waits for that flush to end, closes the group, flushes for all of its members, and wakes them.  So the
 * members sleep once.  PostgreSQL updates the status of transactions in groups of the same kind
 * (TransactionGroupUpdateXidStatus).
 *
 * Groups only decide which process flushes, and when.  In the end, each process calls XLogFlush for its own position.
 * After a successful flush, the call returns immediately; after a failed one, it tries again and reports the failure.
 *
 * The library must be preloaded.  Otherwise each process flushes for itself.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/pg_sema.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "commit/group_flush.h"
#include "compat.h"
#include "shared_memory.h"

#define TRANCHE_NAME "factstr_group_flush"

/* Processes with higher numbers flush for themselves. */
#define MOST_MEMBERS 4096

/* Ends a list of members. */
#define NOBODY PG_UINT32_MAX

typedef struct FlushMember
{
	XLogRecPtr	position;		/* to be flushed */
	uint32		next;			/* the number of the member that joined before this one, or NOBODY */
	pg_atomic_uint32 is_waiting;
} FlushMember;

typedef struct FlushGroups
{
	LWLock		flushing;		/* held by a leader while it flushes for its group */
	pg_atomic_uint32 newest;	/* the number of the last member to join the open group, or NOBODY */
	FlushMember members[MOST_MEMBERS];	/* by the number of the process */
} FlushGroups;

static FlushGroups *groups = NULL;	/* stays NULL if the library is not preloaded */

static uint32
my_number(void)
{
	return (uint32) (MyProc - ProcGlobal->allProcs);
}

/* Joins the open group.  Returns true for its first member, the leader. */
static bool
join(FlushMember *self)
{
	uint32		newest = pg_atomic_read_u32(&groups->newest);

	pg_atomic_write_u32(&self->is_waiting, 1);
	do
		self->next = newest;
	while (!pg_atomic_compare_exchange_u32(&groups->newest, &newest, my_number()));
	return newest == NOBODY;
}

/*
 * Sleeps until the leader has flushed; pg_stat_activity shows the same wait as for a leader.  The semaphore also counts
 * wake-ups for other reasons; these are added to it again.
 */
static void
wait_for_leader(FlushMember *self)
{
	int			other_wakeups = 0;

	pgstat_report_wait_start(PG_WAIT_LWLOCK | groups->flushing.tranche);
	for (;;)
	{
		PGSemaphoreLock(MyProc->sem);
		if (pg_atomic_read_u32(&self->is_waiting) == 0)
			break;
		other_wakeups++;
	}
	pgstat_report_wait_end();
	while (other_wakeups-- > 0)
		PGSemaphoreUnlock(MyProc->sem);
}

static XLogRecPtr
highest_position(uint32 newest)
{
	XLogRecPtr	highest = InvalidXLogRecPtr;

	for (uint32 number = newest; number != NOBODY; number = groups->members[number].next)
		highest = Max(highest, groups->members[number].position);
	return highest;
}

/* A member that is no longer waiting may join the next group at once, which changes its place in the list. */
static void
wake_members(uint32 newest)
{
	uint32		number = newest;

	while (number != NOBODY)
	{
		FlushMember *member = &groups->members[number];
		PGPROC	   *process = &ProcGlobal->allProcs[number];

		number = member->next;
		if (process == MyProc)
			continue;
		pg_memory_barrier();
		pg_atomic_write_u32(&member->is_waiting, 0);
		PGSemaphoreUnlock(process->sem);
	}
}

/* The leader of the next group starts as soon as the lock is free. */
static void
end_group(uint32 newest)
{
	LWLockRelease(&groups->flushing);
	wake_members(newest);
}

/* The next group forms during the flush. */
static void
lead(void)
{
	uint32		newest;

	LWLockAcquire(&groups->flushing, LW_EXCLUSIVE);
	newest = pg_atomic_exchange_u32(&groups->newest, NOBODY);
	PG_TRY();
	{
		XLogFlush(highest_position(newest));
	}
	PG_CATCH();
	{
		/* The error has allowed interrupts, and the release of a lock allows them once more. */
		HOLD_INTERRUPTS();
		end_group(newest);
		PG_RE_THROW();
	}
	PG_END_TRY();
	end_group(newest);
}

static void
flush_in_group(XLogRecPtr position)
{
	FlushMember *self = &groups->members[my_number()];

	self->position = position;
	if (join(self))
		lead();
	else
		wait_for_leader(self);
}

/* False also for a leader that sends a message during its flush, and so owes another: it would wait for itself. */
static bool
may_join_a_group(void)
{
	return groups != NULL && my_number() < MOST_MEMBERS && !LWLockHeldByMe(&groups->flushing);
}

/* Returns when the log is on disk up to this position, like XLogFlush. */
void
fs_group_flush(XLogRecPtr position)
{
	if (may_join_a_group() && compat_flushed_position() < position)
		flush_in_group(position);
	XLogFlush(position);
}

void
fs_group_flush_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(FlushGroups));
}

static void
initialize(void *structure)
{
	FlushGroups *new = structure;

	LWLockInitialize(&new->flushing, compat_new_tranche(TRANCHE_NAME));
	pg_atomic_init_u32(&new->newest, NOBODY);
	for (int i = 0; i < MOST_MEMBERS; i++)
		pg_atomic_init_u32(&new->members[i].is_waiting, 0);
}

void
fs_group_flush_attach(void)
{
	groups = fs_shared_memory_attach("factstr group flush 0.2", sizeof(FlushGroups), initialize);
	compat_register_tranche(groups->flushing.tranche, TRANCHE_NAME);
}
