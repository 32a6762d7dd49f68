/*
 * append/lock_wait.c
 *		Waiting for the append lock beside PostgreSQL's queue.
 *
 * The end of each append wakes one process that waits for the lock.  With many clients, most appends sleep, and
 * sleeping and waking cost more than the rest of taking the lock.  A semaphore costs two thirds of a condition
 * variable, whose latch sends a signal.  It also shows that a woken process does not run yet: appends that end
 * meanwhile need not wake another, which would find the lock taken.
 *
 * Logs share places by hash.  So a wake-up is only a hint, and so is its absence: all sleep for a limited time.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.
 */
#include "postgres.h"

#include <semaphore.h>
#include <time.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "append/lock_wait.h"
#include "compat.h"
#include "shared_memory.h"

/* glibc 2.30 and later can wait for a semaphore with a monotonic clock. */
#if defined(USE_UNNAMED_POSIX_SEMAPHORES) && defined(__GLIBC__) && !defined(FACTSTR_WITHOUT_SEMAPHORES)
#if __GLIBC_PREREQ(2, 30)
#define HAS_SEMAPHORES
#endif
#endif

#define PLACES 256

struct LockWait
{
	pg_atomic_uint64 generation;	/* counts the ends of appends */
#ifdef HAS_SEMAPHORES
	pg_atomic_uint32 sleeping;	/* processes that sleep, or are about to */
	sem_t		semaphore;		/* 1: a process has been woken and does not run yet */
#else
	ConditionVariable condition;
#endif
};

static LockWait *places = NULL;

#define MEMORY_SIZE (PLACES * sizeof(LockWait))

void
fs_lock_wait_reserve_memory(void)
{
	RequestAddinShmemSpace(MEMORY_SIZE);
}

static void
initialize(void *structure)
{
	LockWait   *all = structure;

	for (int i = 0; i < PLACES; i++)
	{
		pg_atomic_init_u64(&all[i].generation, 0);
#ifdef HAS_SEMAPHORES
		pg_atomic_init_u32(&all[i].sleeping, 0);
		(void) sem_init(&all[i].semaphore, 1, 0);
#else
		ConditionVariableInit(&all[i].condition);
#endif
	}
}

/* The place where processes wait for the append lock of a log of this database. */
LockWait *
fs_lock_wait_of(Oid events)
{
	if (places == NULL)
		places = fs_shared_memory_attach("factstr append lock waits", MEMORY_SIZE, initialize);
	return &places[hash_combine(murmurhash32(events), MyDatabaseId) % PLACES];
}

/* Read it before trying to take the lock. */
uint64
fs_lock_wait_generation(LockWait *wait)
{
	return pg_atomic_read_u64(&wait->generation);
}

#ifdef HAS_SEMAPHORES

/* Also returns after a signal. */
static void
wait_for_semaphore(LockWait *wait, long timeout)
{
	struct timespec end;

	(void) clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout / 1000;
	end.tv_nsec += timeout % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L)
	{
		end.tv_sec++;
		end.tv_nsec -= 1000000000L;
	}
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	(void) sem_clockwait(&wait->semaphore, CLOCK_MONOTONIC, &end);
	pgstat_report_wait_end();
}

/*
 * Sleeps until an append ends after that generation, for at most the timeout, in milliseconds; may return earlier.
 *
 * No end of an append is missed: this process announces itself before it compares the generation, and the end of an
 * append changes the generation before it looks for sleeping processes.
 */
void
fs_lock_wait_sleep(LockWait *wait, uint64 generation, long timeout)
{
	pg_atomic_fetch_add_u32(&wait->sleeping, 1);
	if (fs_lock_wait_generation(wait) == generation)
		wait_for_semaphore(wait, timeout);
	pg_atomic_fetch_sub_u32(&wait->sleeping, 1);
	CHECK_FOR_INTERRUPTS();
}

static void
wake_one(LockWait *wait)
{
	int			woken = 0;

	if (pg_atomic_read_u32(&wait->sleeping) == 0)
		return;
	(void) sem_getvalue(&wait->semaphore, &woken);
	if (woken == 0)
		(void) sem_post(&wait->semaphore);
}

#else

void
fs_lock_wait_sleep(LockWait *wait, uint64 generation, long timeout)
{
	ConditionVariablePrepareToSleep(&wait->condition);
	if (fs_lock_wait_generation(wait) == generation)
		(void) ConditionVariableTimedSleep(&wait->condition, timeout, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

static void
wake_one(LockWait *wait)
{
	ConditionVariableSignal(&wait->condition);
}

#endif

/* An append has ended. */
void
fs_lock_wait_wake_one(LockWait *wait)
{
	pg_atomic_fetch_add_u64(&wait->generation, 1);
	wake_one(wait);
}
