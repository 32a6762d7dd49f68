/*
 * append/lock_wait.c
 *		Waiting for the append lock beside PostgreSQL's queue.
 *
 * The end of each append wakes one process that waits for the lock.  With many clients, most appends sleep, and
 * sleeping costs more than the rest of taking the lock.  A semaphore costs half as much as PostgreSQL's latch, which
 * sends a signal.  It also remembers that a process has been woken until that runs: appends that end meanwhile need not
 * wake another, which would find the lock taken.
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
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "append/lock_wait.h"
#include "shared_memory.h"

/* Only the C library of GNU, from 2.30 on, waits for a semaphore by a clock that nobody sets. */
#if defined(USE_UNNAMED_POSIX_SEMAPHORES) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 30)
#define HAS_SEMAPHORES
#endif
#endif

#define PLACES 256

struct LockWait
{
	pg_atomic_uint64 generation;	/* counts the ends of appends */
	pg_atomic_uint32 sleeping;	/* processes that sleep, or are about to */
#ifdef HAS_SEMAPHORES
	sem_t		semaphore;		/* 1: a process has been woken and does not run yet */
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
		pg_atomic_init_u32(&all[i].sleeping, 0);
#ifdef HAS_SEMAPHORES
		(void) sem_init(&all[i].semaphore, 1, 0);
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
sleep_until_woken(LockWait *wait, long timeout)
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
	(void) sem_clockwait(&wait->semaphore, CLOCK_MONOTONIC, &end);
}

static void
wake_one(LockWait *wait)
{
	int			woken = 0;

	(void) sem_getvalue(&wait->semaphore, &woken);
	if (woken == 0)
		(void) sem_post(&wait->semaphore);
}

#else

/* Elsewhere, a process tries again after a while. */
static void
sleep_until_woken(LockWait *wait, long timeout)
{
	pg_usleep(Min(timeout, 1) * 1000L);
}

static void
wake_one(LockWait *wait)
{
}

#endif

/*
 * Sleeps until an append ends after that generation, for at most the timeout, in milliseconds; may return earlier.  A
 * process that announces itself before it compares the generation misses no end of an append: that counts up before it
 * looks for processes.
 */
void
fs_lock_wait_sleep(LockWait *wait, uint64 generation, long timeout)
{
	pg_atomic_fetch_add_u32(&wait->sleeping, 1);
	if (fs_lock_wait_generation(wait) == generation)
	{
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
		sleep_until_woken(wait, timeout);
		pgstat_report_wait_end();
	}
	pg_atomic_fetch_sub_u32(&wait->sleeping, 1);
	CHECK_FOR_INTERRUPTS();
}

/* An append has ended. */
void
fs_lock_wait_wake_one(LockWait *wait)
{
	pg_atomic_fetch_add_u64(&wait->generation, 1);
	if (pg_atomic_read_u32(&wait->sleeping) != 0)
		wake_one(wait);
}
