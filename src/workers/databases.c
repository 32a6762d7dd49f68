/*
 * workers/databases.c
 *		Which databases want a worker for their subscriptions.
 *
 * An entry in shared memory for each database that has subscriptions.  A commit of facts there wakes the
 * workers that wait for them; if no worker is attentive, that is, none is there or all have been in a handler
 * for some time, the commit calls for one, and the launcher starts it.  So a database in which nothing happens
 * needs no process, and a handler that takes its time keeps nobody else waiting.
 *
 * The memory is so little that PostgreSQL's own reserve has room for it without preloading.  After a crash it
 * begins empty, and so does the launcher.
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
#include "workers/database_entries.h"
#include "workers/databases.h"

/* The pause before a worker that ended without having done anything is started again grows.  In ms. */
#define SHORTEST_PAUSE 1000

/* A prepared transaction is committed by a session that knows nothing of its facts: they are looked for.  In ms. */
#define LOOK_INTERVAL_PREPARED 10000
#define LOOK_FOR_PREPARED (INT64CONST(24) * 3600 * 1000)

static Databases *shared = NULL;

/* Of a worker: the entry that it was started for; 0 as long as it has not looked. */
static uint32 my_entry = 0;

/* When preloaded. */
void
fs_databases_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(Databases));
}

static void
init_memory(void)
{
	memset(shared, 0, sizeof(Databases));
	LWLockInitialize(&shared->lock, compat_new_tranche("factstr_databases"));
	pg_atomic_init_u32(&shared->taken, 0);
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		DatabaseEntry *entry = &shared->entries[i];

		pg_atomic_init_u32(&entry->database, InvalidOid);
		pg_atomic_init_u32(&entry->taken, 0);
		pg_atomic_init_u32(&entry->call, CALL_NONE);
		pg_atomic_init_u32(&entry->attentive, 0);
		pg_atomic_init_u32(&entry->has_prepared, 0);
		pg_atomic_init_u64(&entry->facts, 0);
		pg_atomic_init_u64(&entry->subscriptions, 0);
	}
}

/* The entries, for the launcher. */
Databases *
fs_databases_memory(void)
{
	return shared;
}

static void
attach(void)
{
	bool		found;

	if (shared != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("factstr databases", sizeof(Databases), &found);
	if (!found)
		init_memory();
	LWLockRelease(AddinShmemInitLock);
	compat_register_tranche(shared->lock.tranche, "factstr_databases");
}

static DatabaseEntry *
find(Oid database)
{
	attach();
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (pg_atomic_read_u32(&shared->entries[i].database) == database)
			return &shared->entries[i];
	}
	return NULL;
}

/* The entry of this session's database, or NULL.  It is looked for once, and again when there are new ones. */
static DatabaseEntry *
mine(void)
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
	entry = find(MyDatabaseId);
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

/* May be called by the handler of a signal. */
static void
call(DatabaseEntry *entry, DatabaseCall what)
{
	if (pg_atomic_read_u32(&entry->call) >= (uint32) what)
		return;
	pg_atomic_write_u32(&entry->call, what);
	fs_databases_wake_launcher();
}

static DatabaseEntry *
take_entry(Oid database)
{
	DatabaseEntry *entry = find(database);

	if (entry != NULL || (entry = find(InvalidOid)) == NULL)
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
 * The database has got subscriptions, or may have some: they are looked at now, whatever the pause.  False, with a
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
		call(entry, CALL_LOOK);
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
 * This session's transaction commits facts, or prepares to, before those are woken that wait for them. Workers
 * that wait find out by the count.
 */
static void
on_facts(bool are_prepared)
{
	DatabaseEntry *entry = mine();

	if (entry == NULL)
		return;
	if (are_prepared)
		pg_atomic_write_u32(&entry->has_prepared, 1);
	pg_atomic_fetch_add_u64(&entry->facts, 1);
	if (pg_atomic_read_u32(&entry->attentive) == 0)
		call(entry, CALL_LOOK);
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

/* Until the process ends; false if there is a launcher already. */
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
	entry = find(database);
	if (entry != NULL)
		pg_atomic_write_u32(&entry->database, InvalidOid);
	LWLockRelease(&shared->lock);
}

/*
 * The workers
 */

/* One is about to be started: it is attentive from now on. */
void
fs_databases_expect_worker(Oid database)
{
	DatabaseEntry *entry;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find(database);
	if (entry != NULL)
	{
		pg_atomic_write_u32(&entry->call, CALL_NONE);
		pg_atomic_fetch_add_u32(&entry->attentive, 1);
		entry->called_at = 0;
	}
	LWLockRelease(&shared->lock);
}

/* What there is to see has changed so often; calls from before are answered by the look that begins now. */
DatabaseChanges
fs_databases_begin_look(void)
{
	DatabaseEntry *entry = mine();

	if (entry != NULL)
		pg_atomic_exchange_u32(&entry->call, CALL_NONE);
	return fs_databases_changes();
}

DatabaseChanges
fs_databases_changes(void)
{
	DatabaseEntry *entry = mine();
	DatabaseChanges changes = {0};

	if (entry != NULL)
	{
		changes.facts = pg_atomic_read_u64(&entry->facts);
		changes.subscriptions = pg_atomic_read_u64(&entry->subscriptions);
	}
	return changes;
}

/*
 * Is this worker counted among the attentive of an entry?  Another worker may have given up the entry that this one
 * was started for, and a session taken a new one.
 */
static bool
counts_me(DatabaseEntry *entry)
{
	return entry != NULL && pg_atomic_read_u32(&entry->taken) == my_entry;
}

/* What factstr.delivery_workers says there. */
void
fs_databases_limit_workers(int most)
{
	DatabaseEntry *entry = mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry->most_workers = most;
	if (my_entry == 0)
		my_entry = pg_atomic_read_u32(&entry->taken);
	LWLockRelease(&shared->lock);
}

int
fs_databases_most_workers(Oid database)
{
	DatabaseEntry *entry = find(database);

	return entry == NULL ? factstr_delivery_workers : entry->most_workers;
}

/* There is something to do for another role than this worker's. */
void
fs_databases_ask_for_another_role(void)
{
	DatabaseEntry *entry = mine();

	if (entry != NULL)
		call(entry, CALL_ANOTHER_ROLE);
}

/* A handler takes its time: others are looked after by another worker.  Called by the handler of a signal. */
void
fs_databases_be_late(void)
{
	DatabaseEntry *entry = mine();

	if (!counts_me(entry))
		return;
	if (pg_atomic_fetch_sub_u32(&entry->attentive, 1) == 1)
		call(entry, CALL_LOOK);
}

/* It has come to its end. */
void
fs_databases_be_in_time(void)
{
	DatabaseEntry *entry = mine();

	if (counts_me(entry))
		pg_atomic_fetch_add_u32(&entry->attentive, 1);
}

/* The worker has found no subscriptions: no worker is wanted, unless there may be some now. */
void
fs_databases_have_no_subscriptions(const DatabaseChanges *seen)
{
	DatabaseEntry *entry = mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&entry->subscriptions) == seen->subscriptions)
		pg_atomic_write_u32(&entry->database, InvalidOid);
	LWLockRelease(&shared->lock);
}

/* The worker has got so far that it could look at the subscriptions. */
void
fs_databases_worker_works(void)
{
	DatabaseEntry *entry = mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry->pause = 0;
	LWLockRelease(&shared->lock);
}

/* Facts of prepared transactions are looked for some time. */
static TimestampTz
look_for_prepared(DatabaseEntry *entry, TimestampTz now)
{
	if (pg_atomic_exchange_u32(&entry->has_prepared, 0) != 0)
		entry->prepared_at = now;
	if (entry->prepared_at == 0 || now > TimestampTzPlusMilliseconds(entry->prepared_at, LOOK_FOR_PREPARED))
		return DT_NOEND;
	return TimestampTzPlusMilliseconds(now, LOOK_INTERVAL_PREPARED);
}

/*
 * A worker ends.  Another one may be started after that pause, in ms; -1: after one that grows.  If nothing
 * happens before, there will be something to do at that time, or never (DT_NOEND).
 */
void
fs_databases_leave(Oid database, bool is_attentive, long pause, TimestampTz look_at)
{
	TimestampTz now = GetCurrentTimestamp();
	DatabaseEntry *entry;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = find(database);
	if (entry != NULL)
	{
		if (is_attentive && (my_entry == 0 || counts_me(entry)))
			pg_atomic_fetch_sub_u32(&entry->attentive, 1);
		if (pause < 0)
			pause = entry->pause = Min(Max(2 * entry->pause, SHORTEST_PAUSE), DATABASE_LONGEST_PAUSE);
		entry->start_at = TimestampTzPlusMilliseconds(now, pause);
		look_at = Min(look_at, look_for_prepared(entry, now));
		entry->look_at = look_at == DT_NOEND ? 0 : look_at;
	}
	LWLockRelease(&shared->lock);
	fs_databases_wake_launcher();
}
