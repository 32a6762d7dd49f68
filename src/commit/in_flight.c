/*
 * commit/in_flight.c
 *		Relations written by commits that other sessions can see, but a crash could still undo.
 *
 * A commit that releases its locks before its flush is in flight in between.  Before it becomes visible, it
 * counts itself at each relation that it has written; after the flush it subtracts itself.  So a reader that sees
 * a row of such a commit, and looks here afterwards, finds the relation's count above zero, or the row is on
 * disk.  Counts are shared by hash: then a reader waits unnecessarily, but never too briefly.
 *
 * A transaction locks what it writes: the relations are those on which it holds ROW EXCLUSIVE or a stronger lock
 * at the end. A transaction whose writes cannot be found like that commits in the usual order:
 * - changes of catalogs: they appear in the cache invalidations that the commit will send, or in a lock on a
 *   catalog that is held to the end;
 * - so many relations that publishing them would take long.
 *
 * The library must be in every process that reads, so all this requires that the server has preloaded it.
 */
#include "postgres.h"

#include "access/transam.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/sinval.h"

#include "commit/in_flight.h"
#include "compat.h"
#include "shared_memory.h"

#define COUNTERS 8192
#define MOST_RELATIONS 64

typedef struct InFlight
{
	pg_atomic_uint32 commits;	/* the number of all commits in flight */
	pg_atomic_uint32 of_relation[COUNTERS];
} InFlight;

static InFlight *in_flight = NULL;	/* stays NULL if the library is not preloaded */

/* The counters that include this session's commit. */
static uint32 counted_at[MOST_RELATIONS];
static int	count = 0;

static uint32
counter_of(Oid relation)
{
	return murmurhash32(relation ^ murmurhash32(MyDatabaseId)) % COUNTERS;
}

/*
 * The relations that the transaction has written
 */

/* False if the relations do not show all writes of the transaction. */
static bool
add_relation(Oid database, Oid relation)
{
	if (relation < FirstNormalObjectId || database != MyDatabaseId || count == MOST_RELATIONS)
		return false;
	counted_at[count++] = counter_of(relation);
	return true;
}

/* Locks that met no stronger lock are kept in the process itself. */
static bool
add_fast_path_locks(void)
{
	bool		is_told = true;

	LWLockAcquire(&MyProc->fpInfoLock, LW_SHARED);
	for (int i = 0; i < compat_fast_path_slots && is_told; i++)
	{
		if (compat_fast_path_has_mode(MyProc, i, RowExclusiveLock))
			is_told = add_relation(MyDatabaseId, MyProc->fpRelId[i]);
	}
	LWLockRelease(&MyProc->fpInfoLock);
	return is_told;
}

#define LOCKS_OF_A_WRITER \
	(LOCKBIT_ON(RowExclusiveLock) | LOCKBIT_ON(ShareUpdateExclusiveLock) | LOCKBIT_ON(ShareLock) | \
	 LOCKBIT_ON(ShareRowExclusiveLock) | LOCKBIT_ON(ExclusiveLock) | LOCKBIT_ON(AccessExclusiveLock))

/* All others are in shared memory.  Another session may move a lock there, but only before add_fast_path_locks. */
static bool
add_shared_locks(void)
{
	bool		is_told = true;

	for (int i = 0; i < NUM_LOCK_PARTITIONS && is_told; i++)
	{
		PROCLOCK   *held;

		if (compat_proclocks_are_empty(MyProc, i))
			continue;
		LWLockAcquire(LockHashPartitionLockByIndex(i), LW_SHARED);
		compat_foreach_proclock(held, MyProc, i)
		{
			const LOCKTAG *tag = &held->tag.myLock->tag;

			if (tag->locktag_type != LOCKTAG_RELATION || (held->holdMask & LOCKS_OF_A_WRITER) == 0)
				continue;
			is_told = add_relation(tag->locktag_field1, tag->locktag_field2);
			if (!is_told)
				break;
		}
		LWLockRelease(LockHashPartitionLockByIndex(i));
	}
	return is_told;
}

static bool
changes_catalogs(void)
{
	SharedInvalidationMessage *messages;
	bool		drops_cache_file;

	return xactGetCommittedInvalidationMessages(&messages, &drops_cache_file) > 0;
}

/*
 * Commits
 */

void
fs_in_flight_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(InFlight));
}

static void
initialize(void *structure)
{
	InFlight   *new = structure;

	pg_atomic_init_u32(&new->commits, 0);
	for (int i = 0; i < COUNTERS; i++)
		pg_atomic_init_u32(&new->of_relation[i], 0);
}

/* Called if the library is preloaded, before any process sends a message. */
void
fs_in_flight_attach(void)
{
	in_flight = fs_shared_memory_attach("factstr commits in flight 0.2", sizeof(InFlight), initialize);
}

/* Are commits in flight known?  Only if the library is in every process. */
bool
fs_in_flight_is_known(void)
{
	return in_flight != NULL;
}

/*
 * Counts the transaction, which is about to commit, as in flight.  False if that is impossible, and it has to
 * commit in the usual order.
 */
bool
fs_in_flight_begin(void)
{
	Assert(count == 0);
	if (!fs_in_flight_is_known())
		return false;
	if (!add_fast_path_locks() || !add_shared_locks() || changes_catalogs())
		count = 0;
	if (count == 0)
		return false;
	for (int i = 0; i < count; i++)
		pg_atomic_fetch_add_u32(&in_flight->of_relation[counted_at[i]], 1);
	pg_atomic_fetch_add_u32(&in_flight->commits, 1);
	return true;
}

/* It is on disk, or was rolled back.  Harmless if it was not counted. */
void
fs_in_flight_end(void)
{
	if (count > 0)
		pg_atomic_fetch_sub_u32(&in_flight->commits, 1);
	while (count > 0)
		pg_atomic_fetch_sub_u32(&in_flight->of_relation[counted_at[--count]], 1);
}

/*
 * Reads
 */

/* Is there a commit in flight at all? */
bool
fs_in_flight_exist(void)
{
	return fs_in_flight_is_known() && pg_atomic_read_u32(&in_flight->commits) > 0;
}

/* Has a commit in flight written the relation?  Writers of catalogs commit in the usual order. */
bool
fs_in_flight_has(Oid relation)
{
	return relation >= FirstNormalObjectId &&
		pg_atomic_read_u32(&in_flight->of_relation[counter_of(relation)]) > 0;
}
