/*
 * workers/pending_lists.c
 *		The pending lists that are long, and the calls to shorten them.
 *
 * An append that finds the pending list of its log long enters the list here.  The worker of the database shortens
 * it a little later, because many entries at once cost less each; or immediately if it is called, because a lookup
 * would read the list or the list becomes too long.  The worker takes the list out before it tries, so that one that
 * cannot be shortened holds up no other; the next append that finds it long enters it again.
 *
 * A lookup must not pay for lists that are short.  So there is a flag for each hash of an index, which it reads
 * without a lock.  Indexes may share a flag: it is only a hint.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.  After a crash it begins empty.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "shared_memory.h"
#include "workers/databases.h"
#include "workers/pending_lists.h"
#include "workers/worker_slots.h"

#define FLAGS 256

typedef struct ListEntry
{
	Oid			database;		/* InvalidOid: the entry is free */
	Oid			index;
	pg_atomic_uint32 is_called; /* may be set with a shared lock */
} ListEntry;

typedef struct PendingLists
{
	LWLock		lock;			/* protects the entries */
	ListEntry	entries[MAX_PENDING_LISTS];
	pg_atomic_uint32 flags[FLAGS];	/* by hash of the index: 1 if its list may be long */
} PendingLists;

static PendingLists *shared = NULL;

/* When preloaded. */
void
fs_pending_lists_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(PendingLists));
}

static void
initialize(void *structure)
{
	PendingLists *lists = structure;

	LWLockInitialize(&lists->lock, compat_new_tranche("factstr_pending_lists"));
	for (int i = 0; i < MAX_PENDING_LISTS; i++)
		pg_atomic_init_u32(&lists->entries[i].is_called, 0);
	for (int i = 0; i < FLAGS; i++)
		pg_atomic_init_u32(&lists->flags[i], 0);
}

static void
attach(void)
{
	if (shared != NULL)
		return;
	shared = fs_shared_memory_attach("factstr pending lists", sizeof(PendingLists), initialize);
	compat_register_tranche(shared->lock.tranche, "factstr_pending_lists");
}

static pg_atomic_uint32 *
flag_of(Oid database, Oid index)
{
	return &shared->flags[hash_combine(murmurhash32(index), murmurhash32(database)) % FLAGS];
}

/* The entry of an index of this database, or NULL. */
static ListEntry *
find(Oid index)
{
	for (int i = 0; i < MAX_PENDING_LISTS; i++)
	{
		ListEntry  *entry = &shared->entries[i];

		if (entry->database == MyDatabaseId && entry->index == index)
			return entry;
	}
	return NULL;
}

/* A free entry, or NULL. */
static ListEntry *
find_free(void)
{
	for (int i = 0; i < MAX_PENDING_LISTS; i++)
	{
		if (!OidIsValid(shared->entries[i].database))
			return &shared->entries[i];
	}
	return NULL;
}

/* Makes the list known, if it is not; false if all entries are taken. */
static bool
enter(Oid index, bool is_called)
{
	ListEntry  *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find(index);
	if (entry == NULL && (entry = find_free()) != NULL)
	{
		entry->database = MyDatabaseId;
		entry->index = index;
		pg_atomic_write_u32(&entry->is_called, 0);
	}
	if (entry != NULL)
	{
		if (is_called)
			pg_atomic_write_u32(&entry->is_called, 1);
		/* An index with the same hash may have taken it away. */
		pg_atomic_write_u32(flag_of(MyDatabaseId, index), 1);
	}
	LWLockRelease(&shared->lock);
	return entry != NULL;
}

/* Wakes the worker, unless it has been called for the list already, or the list is not known. */
static void
call(Oid index)
{
	ListEntry  *entry;
	bool		is_new = false;

	LWLockAcquire(&shared->lock, LW_SHARED);
	entry = find(index);
	if (entry != NULL)
		is_new = pg_atomic_exchange_u32(&entry->is_called, 1) == 0;
	LWLockRelease(&shared->lock);
	if (is_new)
		fs_wakeup_one(fs_wakeup_of_pending_lists());
}

/*
 * An append has found the list long.  The worker of the database shortens it, at once or a little later; false if
 * there is no worker yet, or it cannot take on another list.
 */
bool
fs_pending_lists_attend(Oid index, bool at_once)
{
	if (!fs_worker_slots_have_worker(MyDatabaseId) && !fs_databases_have_launcher())
		return false;
	attach();
	if (!enter(index, false))
		return false;
	if (at_once)
		call(index);
	/* Now that the list is entered: a worker that ends looks at the lists afterwards. */
	if (fs_worker_slots_have_worker(MyDatabaseId))
		return true;
	if (!fs_worker_slots_request(MyDatabaseId))
		fs_pending_lists_take(index);
	return false;
}

/* A lookup reads the list: the next one should not have to read a long one. */
void
fs_pending_lists_before_lookup(Oid index)
{
	attach();
	if (pg_atomic_read_u32(flag_of(MyDatabaseId, index)) != 0)
		call(index);
}

/* The lists of this database that are long, at most MAX_PENDING_LISTS; returns their number. */
int
fs_pending_lists_of_database(PendingList *lists)
{
	int			count = 0;

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_PENDING_LISTS; i++)
	{
		ListEntry  *entry = &shared->entries[i];

		if (entry->database != MyDatabaseId)
			continue;
		lists[count].index = entry->index;
		lists[count].is_called = pg_atomic_read_u32(&entry->is_called) != 0;
		count++;
	}
	LWLockRelease(&shared->lock);
	return count;
}

static void
leave(ListEntry *entry)
{
	pg_atomic_write_u32(flag_of(entry->database, entry->index), 0);
	entry->database = InvalidOid;
}

/* The worker is about to shorten the list, or nobody is. */
void
fs_pending_lists_take(Oid index)
{
	ListEntry  *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find(index);
	if (entry != NULL)
		leave(entry);
	LWLockRelease(&shared->lock);
}

/*
 * The list is still long.  If the attempt was in vain, for example because VACUUM is at the list, calls do not wake the
 * worker again before its next turn.
 */
void
fs_pending_lists_return(Oid index, bool in_vain)
{
	(void) enter(index, in_vain);
}

/* No worker attends to the lists of a database any more. */
void
fs_pending_lists_forget(Oid database)
{
	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_PENDING_LISTS; i++)
	{
		if (shared->entries[i].database == database)
			leave(&shared->entries[i]);
	}
	LWLockRelease(&shared->lock);
}
