/*
 * commit/alone.c
 *		Whether a session seems to be the only one that appends to a log.
 *
 * Early lock release (durability.c) is for the appends that wait for the lock.  Where there are none, a commit in the
 * usual order takes less time in PostgreSQL 16 and earlier: there, a commit that does not flush often wakes the WAL
 * writer, which then gets in the way of the flush.  A session that has made the last commits of a log, while no append
 * waited, is probably alone.  If it is not, an append waits for one flush, and the next commits release the lock early
 * again.
 *
 * Logs share places by hash: then a session may count as one of several, and releases the lock early.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "commit/alone.h"
#include "shared_memory.h"

#define PLACES 256

/* A session counts as alone after so many commits in a row. */
#define ALONE_AFTER 32

/*
 * For each place, the process of the last commit, and how many it has made in a row, up to ALONE_AFTER; or 0.  NULL if
 * the library is not preloaded.
 */
static pg_atomic_uint64 *places = NULL;

#define COMMITS_OF(process, in_a_row) ((uint64) (uint32) (process) << 32 | (in_a_row))

#define MEMORY_SIZE (PLACES * sizeof(pg_atomic_uint64))

void
fs_alone_reserve_memory(void)
{
	RequestAddinShmemSpace(MEMORY_SIZE);
}

static void
initialize(void *structure)
{
	pg_atomic_uint64 *all = structure;

	for (int i = 0; i < PLACES; i++)
		pg_atomic_init_u64(&all[i], 0);
}

void
fs_alone_attach(void)
{
	places = fs_shared_memory_attach("factstr writers of logs", MEMORY_SIZE, initialize);
}

static pg_atomic_uint64 *
place_of(Oid events)
{
	return &places[hash_combine(murmurhash32(events), MyDatabaseId) % PLACES];
}

void
fs_alone_note_waiting(Oid events)
{
	if (places != NULL && pg_atomic_read_u64(place_of(events)) != 0)
		pg_atomic_write_u64(place_of(events), 0);
}

/* Before the commit of an append. */
bool
fs_alone_in_log(Oid events)
{
	return places != NULL && pg_atomic_read_u64(place_of(events)) == COMMITS_OF(MyProcPid, ALONE_AFTER);
}

/* After it. */
void
fs_alone_note_commit(Oid events)
{
	uint64		last;
	uint32		in_a_row;

	if (places == NULL)
		return;
	last = pg_atomic_read_u64(place_of(events));
	in_a_row = last >> 32 == (uint32) MyProcPid ? (uint32) last : 0;
	if (in_a_row < ALONE_AFTER)
		pg_atomic_write_u64(place_of(events), COMMITS_OF(MyProcPid, in_a_row + 1));
}
