/*
 * workers/worker_slots.c
 *		The workers that empty pending lists: which are wanted, and which exist.
 *
 * Each database that wants one has a slot in shared memory.  The launcher starts a process for each slot without one,
 * as far as there is room.  The process releases the slot when nothing is left to do; if it ends earlier for
 * any reason, it is started again.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.  After a crash it begins empty,
 * and so does the launcher.
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "shared_memory.h"
#include "workers/databases.h"
#include "workers/worker_slots.h"

/* Of these, a server starts as many as it has room for. */
#define MAX_SLOTS 32

/* A started worker that has not entered its slot within this time is started again.  In ms. */
#define START_TIMEOUT 10000

/* The pause before a worker that ended is started again grows, unless the worker ran for long.  In ms. */
#define SHORTEST_PAUSE 1000
#define LONGEST_PAUSE 60000

/* The pause if the worker leaves for a session that wants its database exclusively.  In ms. */
#define GIVE_WAY_PAUSE 6000

typedef struct WorkerSlot
{
	Oid			database;		/* InvalidOid: nothing is wanted */
	pid_t		worker;			/* 0: none is running */
	bool		requested_again;	/* since the worker entered */
	TimestampTz entered_at;
	TimestampTz start_at;		/* no worker is started before */
	int			pause;			/* the last one, in ms */
} WorkerSlot;

typedef struct WorkerSlots
{
	LWLock		lock;			/* protects all the rest */
	WorkerSlot	slots[MAX_SLOTS];
} WorkerSlots;

static WorkerSlots *shared = NULL;

/* The slot of this worker, or -1. */
static int	my_slot = -1;

/* Does this worker leave for another session? */
static bool gives_way = false;

/* When preloaded. */
void
fs_worker_slots_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(WorkerSlots));
}

static void
initialize(void *structure)
{
	WorkerSlots *slots = structure;

	LWLockInitialize(&slots->lock, compat_new_tranche("factstr_worker_slots"));
}

static void
attach(void)
{
	if (shared != NULL)
		return;
	shared = fs_shared_memory_attach("factstr worker slots 0.2", sizeof(WorkerSlots), initialize);
	compat_register_tranche(shared->lock.tranche, "factstr_worker_slots");
}

/* The slot of the database, otherwise a free one, otherwise NULL. */
static WorkerSlot *
find_slot(Oid database)
{
	WorkerSlot *free_slot = NULL;

	for (int i = 0; i < MAX_SLOTS; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		if (slot->database == database)
			return slot;
		if (free_slot == NULL && !OidIsValid(slot->database))
			free_slot = slot;
	}
	return free_slot;
}

static void
free_slot(WorkerSlot *slot)
{
	memset(slot, 0, sizeof(WorkerSlot));
}

/* There is work: a worker is started immediately if none is running.  False if all slots are taken. */
bool
fs_worker_slots_request(Oid database)
{
	WorkerSlot *slot;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot != NULL)
	{
		slot->database = database;
		slot->requested_again = slot->worker != 0;
		slot->start_at = 0;
		fs_databases_wake_launcher();
	}
	LWLockRelease(&shared->lock);
	return slot != NULL;
}

/* Is a worker running for the database? */
bool
fs_worker_slots_have_worker(Oid database)
{
	bool		result = false;

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_SLOTS && !result; i++)
		result = shared->slots[i].database == database && shared->slots[i].worker != 0;
	LWLockRelease(&shared->lock);
	return result;
}

/*
 * The launcher
 */

/* Processes share only the time of day.  This time is from before the clock was set back. */
static bool
is_beyond_all_pauses(TimestampTz time, TimestampTz now)
{
	return time > TimestampTzPlusMilliseconds(now, LONGEST_PAUSE);
}

/*
 * A slot for which a worker must be started now, and its database; the slot then has some time to be entered.  If there
 * is none, returns -1, and when there will be one, or DT_NOEND.
 */
int
fs_worker_slots_next_due(TimestampTz now, Oid *database, TimestampTz *next)
{
	int			due = -1;

	attach();
	*next = DT_NOEND;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_SLOTS && due < 0; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		if (!OidIsValid(slot->database) || slot->worker != 0)
			continue;
		if (slot->start_at > now && !is_beyond_all_pauses(slot->start_at, now))
		{
			*next = Min(*next, slot->start_at);
			continue;
		}
		slot->start_at = TimestampTzPlusMilliseconds(now, START_TIMEOUT);
		*database = slot->database;
		due = i;
	}
	LWLockRelease(&shared->lock);
	return due;
}

/* There is no room for it, or the database is gone: the work is optional. */
void
fs_worker_slots_forget(int slot)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	free_slot(&shared->slots[slot]);
	LWLockRelease(&shared->lock);
}

/* Ends one of them, if there are any: their work is optional, and another worker needs the room. */
bool
fs_worker_slots_make_room(void)
{
	bool		result = false;

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_SLOTS && !result; i++)
		result = shared->slots[i].worker != 0 && kill(shared->slots[i].worker, SIGTERM) == 0;
	LWLockRelease(&shared->lock);
	return result;
}

/* How many are running. */
int
fs_worker_slots_count(void)
{
	int			result = 0;

	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_SLOTS; i++)
		result += shared->slots[i].worker != 0;
	LWLockRelease(&shared->lock);
	return result;
}

/*
 * The workers
 */

/* The slot stays, and a worker is started again after a pause, unless one is requested meanwhile. */
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
	fs_databases_wake_launcher();
	LWLockRelease(&shared->lock);
	my_slot = -1;
}

/* Enters the slot as its worker until this process ends; false if it is not wanted. */
bool
fs_worker_slots_enter(int number, Oid *database)
{
	WorkerSlot *slot;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = &shared->slots[number];
	if (OidIsValid(slot->database) && slot->worker == 0)
	{
		slot->worker = MyProcPid;
		slot->requested_again = false;
		slot->entered_at = GetCurrentTimestamp();
		*database = slot->database;
		my_slot = number;
	}
	LWLockRelease(&shared->lock);
	if (my_slot >= 0)
		before_shmem_exit(leave, (Datum) 0);
	return my_slot >= 0;
}

/* The worker is about to end, and is started again when another session has finished with the database. */
void
fs_worker_slots_give_way(void)
{
	gives_way = true;
}

/* No list is long.  If the worker was requested while it came to that conclusion, another one looks again. */
void
fs_worker_slots_work_is_done(void)
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
	fs_databases_wake_launcher();
	LWLockRelease(&shared->lock);
	my_slot = -1;
}
