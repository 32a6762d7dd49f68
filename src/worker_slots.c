/*
 * worker_slots.c
 *		Which subscriptions of the server want a background worker, and which have one.
 *
 * A slot in shared memory for each.  Sessions that subscribe request one; the launcher starts a
 * process for each slot without one; the process gives the slot back when there is nothing left to
 * do, and otherwise, however it ends, leaves it to be started again.  Streams are known here by the
 * hash of their name, as in their lock; a worker serves whatever subscription has that hash.
 *
 * The memory is so little that PostgreSQL's own reserve has room for it without preloading.  After a
 * crash it begins empty, and so does the launcher.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "worker_slots.h"

/* More than a server will want to have processes for. */
#define MAX_SLOTS 256

/* A worker that was started and has not entered its slot by then is started again.  In ms. */
#define START_TIMEOUT 10000

/* The pause before a worker that ended is started again grows, unless it ran for long.  In ms. */
#define SHORTEST_PAUSE 1000
#define LONGEST_PAUSE 60000

/* The pause if the worker leaves for somebody who wants its database to himself.  In ms. */
#define GIVE_WAY_PAUSE 6000

typedef struct WorkerSlot
{
	WorkerTask	task;			/* the database is InvalidOid: nothing is wanted */
	pid_t		worker;			/* 0: none is running */
	bool		requested_again;	/* since the worker entered */
	TimestampTz entered_at;
	TimestampTz start_at;		/* no worker is started before */
	int			pause;			/* the last one, in ms */
} WorkerSlot;

typedef struct WorkerSlots
{
	LWLock		lock;			/* protects all the rest */
	Latch	   *launcher;		/* NULL: none is running */
	WorkerSlot	slots[MAX_SLOTS];
} WorkerSlots;

static WorkerSlots *shared = NULL;

/* The slot of this worker, or -1. */
static int	my_slot = -1;

/* Does this worker leave for somebody else? */
static bool gives_way = false;

/* When preloaded. */
void
worker_slots_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(WorkerSlots));
}

static void
attach(void)
{
	bool		found;

	if (shared != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("factstr worker slots", sizeof(WorkerSlots), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(WorkerSlots));
		LWLockInitialize(&shared->lock, LWLockNewTrancheId());
	}
	LWLockRelease(AddinShmemInitLock);
	LWLockRegisterTranche(shared->lock.tranche, "factstr_worker_slots");
}

static void
wake_launcher(void)
{
	if (shared->launcher != NULL)
		SetLatch(shared->launcher);
}

/* The slot with this task, else a free one, else NULL. */
static WorkerSlot *
find_slot(const WorkerTask *task)
{
	WorkerSlot *free_slot = NULL;

	for (int i = 0; i < MAX_SLOTS; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		if (slot->task.database == task->database && slot->task.stream == task->stream)
			return slot;
		if (free_slot == NULL && !OidIsValid(slot->task.database))
			free_slot = slot;
	}
	return free_slot;
}

static void
free_slot(WorkerSlot *slot)
{
	memset(slot, 0, sizeof(WorkerSlot));
}

/*
 * There is something to do: a worker is started at once if none is running.  False, with a warning, if
 * all slots are taken.
 */
bool
worker_slots_request(WorkerTask task)
{
	WorkerSlot *slot;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = find_slot(&task);
	if (slot != NULL)
	{
		slot->task = task;
		slot->requested_again = slot->worker != 0;
		slot->start_at = 0;
		wake_launcher();
	}
	LWLockRelease(&shared->lock);
	if (slot == NULL)
		ereport(WARNING,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("no background worker for factstr could be requested"),
				 errdetail("The server has %d subscriptions, as many as there can be workers for.",
						   MAX_SLOTS),
				 errhint("Deliver by hand with factstr_deliver, or consume with factstr_stream_next.")));
	return slot != NULL;
}

/*
 * The launcher
 */

bool
worker_slots_have_launcher(void)
{
	bool		result;

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	result = shared->launcher != NULL;
	LWLockRelease(&shared->lock);
	return result;
}

static void
resign_as_launcher(int code, Datum argument)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	LWLockRelease(&shared->lock);
}

/* Until the process ends; false if there is a launcher already. */
bool
worker_slots_become_launcher(void)
{
	bool		result;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	result = shared->launcher == NULL;
	if (result)
		shared->launcher = MyLatch;
	LWLockRelease(&shared->lock);
	if (result)
		before_shmem_exit(resign_as_launcher, (Datum) 0);
	return result;
}

/*
 * Is a worker yet to tell which subscriptions its database has?  One that has failed in that tries again,
 * but the other databases do not wait for it.
 */
bool
worker_slots_look_pending(void)
{
	bool		result = false;

	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_SLOTS && !result; i++)
		result = OidIsValid(shared->slots[i].task.database) &&
			shared->slots[i].task.stream == FACTSTR_LOOK_FOR_SUBSCRIPTIONS &&
			shared->slots[i].pause == 0;
	LWLockRelease(&shared->lock);
	return result;
}

/*
 * A slot for which a worker is to be started now, and its task; it then has some time to do so. If
 * there is none, returns -1, and when there will be one, or DT_NOEND.
 */
int
worker_slots_next_due(TimestampTz now, WorkerTask *task, TimestampTz *next)
{
	int			due = -1;

	*next = DT_NOEND;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_SLOTS && due < 0; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		if (!OidIsValid(slot->task.database) || slot->worker != 0)
			continue;
		if (slot->start_at > now)
		{
			*next = Min(*next, slot->start_at);
			continue;
		}
		slot->start_at = TimestampTzPlusMilliseconds(now, START_TIMEOUT);
		*task = slot->task;
		due = i;
	}
	LWLockRelease(&shared->lock);
	return due;
}

/* It could not be; the slot stays due. */
void
worker_slots_not_started(int slot)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	shared->slots[slot].start_at = 0;
	LWLockRelease(&shared->lock);
}

/* The database is gone. */
void
worker_slots_forget_database(Oid database)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_SLOTS; i++)
	{
		if (shared->slots[i].task.database == database && shared->slots[i].worker == 0)
			free_slot(&shared->slots[i]);
	}
	LWLockRelease(&shared->lock);
}

/*
 * The workers
 */

/* The slot stays, and a worker is started again after a pause, unless one has been requested meanwhile. */
static void
leave(int code, Datum argument)
{
	WorkerSlot *slot;
	TimestampTz now = GetCurrentTimestamp();

	if (my_slot < 0)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = &shared->slots[my_slot];
	slot->worker = 0;
	if (TimestampDifferenceExceeds(slot->entered_at, now, LONGEST_PAUSE))
		slot->pause = 0;
	slot->pause = Min(Max(2 * slot->pause, SHORTEST_PAUSE), LONGEST_PAUSE);
	if (slot->requested_again && !gives_way)
		slot->start_at = 0;
	else
		slot->start_at = TimestampTzPlusMilliseconds(now, gives_way ? GIVE_WAY_PAUSE : slot->pause);
	wake_launcher();
	LWLockRelease(&shared->lock);
	my_slot = -1;
}

/* This process is the slot's worker until it ends; false if it is not wanted. */
bool
worker_slots_enter(int number, WorkerTask *task)
{
	WorkerSlot *slot;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = &shared->slots[number];
	if (OidIsValid(slot->task.database) && slot->worker == 0)
	{
		slot->worker = MyProcPid;
		slot->requested_again = false;
		slot->entered_at = GetCurrentTimestamp();
		*task = slot->task;
		my_slot = number;
	}
	LWLockRelease(&shared->lock);
	if (my_slot >= 0)
		before_shmem_exit(leave, (Datum) 0);
	return my_slot >= 0;
}

/* The worker is about to end, and is to be started again when another has done with the database. */
void
worker_slots_give_way(void)
{
	gives_way = true;
}

/*
 * The subscription is no more, or all that there are have been requested.  If it was requested while
 * this worker found it to be no more, another worker looks again.
 */
void
worker_slots_task_is_done(void)
{
	WorkerSlot *slot = &shared->slots[my_slot];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (slot->requested_again)
	{
		slot->worker = 0;
		slot->start_at = 0;
	}
	else
		free_slot(slot);
	wake_launcher();
	LWLockRelease(&shared->lock);
	my_slot = -1;
}
