/*
 * workers/attendance.c
 *		The workers of a database: how many are attentive, and which work they leave to others.
 *
 * An attentive worker is looking for work, or will look when it is woken.  A commit of facts first counts itself,
 * and calls a worker if none is attentive; a worker that ends first stops being attentive, and then checks
 * whether commits have counted themselves since its last look.  So at least one of the two sees the other.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "workers/attendance.h"
#include "workers/database_entries.h"
#include "workers/databases.h"

/* The pause before a worker that ended without any work is started again grows.  In ms. */
#define SHORTEST_PAUSE 1000

/* The session that commits a prepared transaction knows nothing of its facts, so workers look for them.  In ms. */
#define LOOK_INTERVAL_PREPARED 10000
#define LOOK_FOR_PREPARED (INT64CONST(24) * 3600 * 1000)

/* In a worker: the entry in which it counts as attentive; 0: none. */
static uint32 my_entry = 0;

/* In a worker: the count of changes when its last look began. */
static DatabaseChanges looked_at;

/*
 * A worker is about to be started, and is attentive from now on.  Returns the number of its entry, which may be
 * given up, and replaced for the same database, before the worker comes; 0: there is none.
 */
uint32
fs_attendance_expect_worker(Oid database)
{
	DatabaseEntry *entry;
	uint32		number = 0;

	LWLockAcquire(&fs_databases_memory()->lock, LW_EXCLUSIVE);
	entry = fs_database_find(database);
	if (entry != NULL)
	{
		pg_atomic_write_u32(&entry->call, CALL_NONE);
		pg_atomic_fetch_add_u32(&entry->attentive, 1);
		entry->called_at = 0;
		number = pg_atomic_read_u32(&entry->taken);
	}
	LWLockRelease(&fs_databases_memory()->lock);
	return number;
}

/* This process is the worker that was expected. */
void
fs_attendance_enter(uint32 entry)
{
	my_entry = entry;
}

/* The number of changes to look at; the look that begins now answers earlier calls. */
DatabaseChanges
fs_attendance_begin_look(void)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry != NULL)
		pg_atomic_exchange_u32(&entry->call, CALL_NONE);
	looked_at = fs_attendance_changes();
	return looked_at;
}

DatabaseChanges
fs_attendance_changes(void)
{
	DatabaseEntry *entry = fs_database_mine();
	DatabaseChanges changes = {0};

	if (entry != NULL)
	{
		changes.facts = pg_atomic_read_u64(&entry->facts);
		changes.subscriptions = pg_atomic_read_u64(&entry->subscriptions);
	}
	return changes;
}

/*
 * Is the expected worker with this number attentive in an entry?  Another worker may have given up the entry for
 * which this one was started, and a session may have taken a new one.
 */
static bool
counts(DatabaseEntry *entry, uint32 number)
{
	return entry != NULL && pg_atomic_read_u32(&entry->taken) == number;
}

/* The value of factstr.delivery_workers in that database. */
void
fs_attendance_limit_workers(int most)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&fs_databases_memory()->lock, LW_EXCLUSIVE);
	entry->most_workers = most;
	LWLockRelease(&fs_databases_memory()->lock);
}

/* There is work for another role than this worker's. */
void
fs_attendance_ask_for_another_role(void)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry != NULL)
		fs_database_call(entry, CALL_ANOTHER_ROLE);
}

/* A handler takes long: another worker serves other streams.  Called by a signal handler. */
void
fs_attendance_be_late(void)
{
	DatabaseEntry *entry = fs_database_mine();

	if (!counts(entry, my_entry))
		return;
	if (pg_atomic_fetch_sub_u32(&entry->attentive, 1) == 1)
		fs_database_call(entry, CALL_LOOK);
}

/* It has come to its end. */
void
fs_attendance_be_in_time(void)
{
	DatabaseEntry *entry = fs_database_mine();

	if (counts(entry, my_entry))
		pg_atomic_fetch_add_u32(&entry->attentive, 1);
}

/* The worker has found no subscriptions: no worker is wanted, unless there may be some now. */
void
fs_attendance_have_no_subscriptions(const DatabaseChanges *seen)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&fs_databases_memory()->lock, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&entry->subscriptions) == seen->subscriptions)
		pg_atomic_write_u32(&entry->database, InvalidOid);
	LWLockRelease(&fs_databases_memory()->lock);
}

/* The worker has got far enough to look at the subscriptions. */
void
fs_attendance_worker_works(void)
{
	DatabaseEntry *entry = fs_database_mine();

	if (entry == NULL)
		return;
	LWLockAcquire(&fs_databases_memory()->lock, LW_EXCLUSIVE);
	entry->pause = 0;
	LWLockRelease(&fs_databases_memory()->lock);
}

/* For some time, workers look for facts of prepared transactions. */
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
 * The expected worker with this number ends, or has not come.  Another one may be started after that pause, in ms;
 * -1: after a growing one.  Without other events, there will be work at that time, or never (DT_NOEND).  A commit
 * since its last look has left its facts to it, so it checks once more for commits, now that it is not counted.
 */
void
fs_attendance_leave(Oid database, uint32 number, bool is_attentive, long pause, TimestampTz look_at)
{
	TimestampTz now = GetCurrentTimestamp();
	DatabaseEntry *entry;

	LWLockAcquire(&fs_databases_memory()->lock, LW_EXCLUSIVE);
	entry = fs_database_find(database);
	if (counts(entry, number))
	{
		if (is_attentive)
			pg_atomic_fetch_sub_u32(&entry->attentive, 1);
		if (pg_atomic_read_u64(&entry->facts) != looked_at.facts)
			fs_database_call(entry, CALL_LOOK);
		if (pause < 0)
			pause = entry->pause = Min(Max(2 * entry->pause, SHORTEST_PAUSE), DATABASE_LONGEST_PAUSE);
		entry->start_at = TimestampTzPlusMilliseconds(now, pause);
		look_at = Min(look_at, look_for_prepared(entry, now));
		entry->look_at = look_at == DT_NOEND ? 0 : look_at;
	}
	LWLockRelease(&fs_databases_memory()->lock);
	fs_databases_wake_launcher();
}
