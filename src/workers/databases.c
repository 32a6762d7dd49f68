/*
 * workers/databases.c
 *		The databases that want a worker for their subscriptions.
 *
 * Each database with subscriptions has an entry in shared memory.  A commit of facts there wakes the workers that
 * wait for them.  If no worker is attentive, because there is none or all have been in a handler for some time,
 * the commit calls one, and the launcher starts it.  So a quiet database needs no process, and a slow handler
 * delays no other.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.  After a crash it begins empty,
 * and so does the launcher.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "settings.h"
#include "shared_memory.h"
#include "workers/database_entries.h"
#include "workers/databases.h"

static Databases *shared = NULL;

/* When preloaded. */
void
fs_databases_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(Databases));
}

static void
initialize(void *structure)
{
	Databases  *databases = structure;

	LWLockInitialize(&databases->lock, compat_new_tranche("factstr_databases"));
	pg_atomic_init_u32(&databases->taken, 0);
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		DatabaseEntry *entry = &databases->entries[i];

		pg_atomic_init_u32(&entry->database, InvalidOid);
		pg_atomic_init_u32(&entry->taken, 0);
		pg_atomic_init_u32(&entry->call, CALL_NONE);
		pg_atomic_init_u32(&entry->attentive, 0);
		pg_atomic_init_u32(&entry->has_prepared, 0);
		pg_atomic_init_u64(&entry->facts, 0);
		pg_atomic_init_u64(&entry->subscriptions, 0);
	}
}

static void
attach(void)
{
	if (shared != NULL)
		return;
	shared = fs_shared_memory_attach("factstr databases", sizeof(Databases), initialize);
	compat_register_tranche(shared->lock.tranche, "factstr_databases");
}

/* The entries, for the launcher and workers. */
Databases *
fs_databases_memory(void)
{
	attach();
	return shared;
}

DatabaseEntry *
fs_database_find(Oid database)
{
	attach();
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (pg_atomic_read_u32(&shared->entries[i].database) == database)
			return &shared->entries[i];
	}
	return NULL;
}

/* The entry of this session's database, or NULL.  It is looked up once, and again when there are new ones. */
DatabaseEntry *
fs_database_mine(void)
{
	static DatabaseEntry *entry = NULL;
	static uint32 taken = 0;
	uint32		taken_now;

	attach();
	if (entry != NULL && pg_atomic_read_u32(&entry->database) == MyDatabaseId)
		return entry;
	taken_now = pg_atomic_read_u32(&shared->taken);
	if (taken == taken_now)
		return NULL;
	entry = fs_database_find(MyDatabaseId);
	taken = entry == NULL ? taken_now : 0;
	return entry;
}

void
fs_databases_wake_launcher(void)
{
	Latch	   *launcher;

	attach();
	launcher = shared->launcher;
	if (launcher != NULL)
		SetLatch(launcher);
}

/*
 * Calls
 */

/* May be called by a signal handler. */
void
fs_database_call(DatabaseEntry *entry, DatabaseCall what)
{
	uint32		before = pg_atomic_read_u32(&entry->call);

	while (before < (uint32) what)
	{
		if (!pg_atomic_compare_exchange_u32(&entry->call, &before, what))
			continue;
		fs_databases_wake_launcher();
		return;
	}
}

static DatabaseEntry *
take_entry(Oid database)
{
	DatabaseEntry *entry = fs_database_find(database);

	if (entry != NULL || (entry = fs_database_find(InvalidOid)) == NULL)
		return entry;
	entry->most_workers = factstr_delivery_workers;
	entry->pause = 0;
	entry->called_at = entry->start_at = entry->look_at = entry->prepared_at = 0;
	pg_atomic_write_u32(&entry->call, CALL_NONE);
	pg_atomic_write_u32(&entry->attentive, 0);
	pg_atomic_write_u32(&entry->has_prepared, 0);
	pg_atomic_write_u32(&entry->taken, pg_atomic_fetch_add_u32(&shared->taken, 1) + 1);
	pg_atomic_write_u32(&entry->database, database);
	return entry;
}

/*
 * The database has subscriptions, or may have some: they are checked now, even during a pause.  False, with a
 * warning, if there is no room for another database.
 */
bool
fs_databases_call(Oid database)
{
	DatabaseEntry *entry;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = take_entry(database);
	if (entry != NULL)
	{
		entry->start_at = 0;
		pg_atomic_fetch_add_u64(&entry->subscriptions, 1);
		fs_database_call(entry, CALL_LOOK);
	}
	LWLockRelease(&shared->lock);
	if (entry != NULL)
		fs_wakeup_now_of_facts(database);
	else
		ereport(WARNING,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("no background worker for factstr could be requested"),
				 errdetail("The server has %d databases with subscriptions, as many as there can be workers for.",
						   MAX_DATABASES),
				 errhint("Deliver manually with factstr_deliver, or consume with factstr_stream_next.")));
	return entry != NULL;
}

/*
 * Called before this session's transaction commits or prepares facts, and before waiting processes are woken.
 * Waiting workers notice the count.
 */
static void
on_facts(bool are_prepared)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry == NULL)
		return;
	if (are_prepared)
		pg_atomic_write_u32(&entry->has_prepared, 1);
	pg_atomic_fetch_add_u64(&entry->facts, 1);
	if (pg_atomic_read_u32(&entry->attentive) == 0)
		fs_database_call(entry, CALL_LOOK);
}

void
fs_databases_init(void)
{
	fs_wakeup_tell_of_facts(on_facts);
}

/*
 * The launcher
 */

bool
fs_databases_have_launcher(void)
{
	attach();
	return shared->launcher != NULL;
}

static void
resign_as_launcher(int code, Datum argument)
{
	shared->launcher = NULL;
}

/* Until the process ends; false if there already is a launcher. */
bool
fs_databases_become_launcher(void)
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

/* The database is gone. */
void
fs_databases_forget(Oid database)
{
	DatabaseEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = fs_database_find(database);
	if (entry != NULL)
		pg_atomic_write_u32(&entry->database, InvalidOid);
	LWLockRelease(&shared->lock);
}

/* No session can connect to it now, and the end of this state is not announced. */
void
fs_databases_put_off(Oid database)
{
	DatabaseEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = fs_database_find(database);
	if (entry != NULL)
		entry->start_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DATABASE_LONGEST_PAUSE);
	LWLockRelease(&shared->lock);
}

/* How many workers it may have. */
int
fs_databases_most_workers(Oid database)
{
	DatabaseEntry *entry = fs_database_find(database);

	return entry == NULL ? factstr_delivery_workers : entry->most_workers;
}
