/*
 * workers/queue.c
 *		Chooses the database that gets the next worker.
 *
 * It is the database that has waited longest since a worker was called for it.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "workers/database_entries.h"
#include "workers/queue.h"
#include "workers/delivery_slots.h"

/* Processes share only the time of day.  This time is from before the clock was set back. */
static bool
is_beyond_all_pauses(TimestampTz time, TimestampTz now)
{
	return time > TimestampTzPlusMilliseconds(now, DATABASE_LONGEST_PAUSE);
}

static bool
is_over(TimestampTz time, TimestampTz now, TimestampTz *next)
{
	if (time <= now || is_beyond_all_pauses(time, now))
		return true;
	*next = Min(*next, time);
	return false;
}

/* There is work that no attentive worker knows of. */
static bool
is_called(DatabaseEntry *entry, TimestampTz now, TimestampTz *next)
{
	bool		is_attended = pg_atomic_read_u32(&entry->attentive) > 0;

	if (!is_attended && entry->look_at != 0 && is_over(entry->look_at, now, next))
	{
		entry->look_at = 0;
		pg_atomic_write_u32(&entry->call, CALL_LOOK);
	}
	switch (pg_atomic_read_u32(&entry->call))
	{
		case CALL_LOOK:
			return !is_attended;
		case CALL_ANOTHER_ROLE:
			return true;
		default:
			return false;
	}
}

static bool
is_due(DatabaseEntry *entry, TimestampTz now, TimestampTz *next)
{
	Oid			database = pg_atomic_read_u32(&entry->database);

	if (!OidIsValid(database))
		return false;
	if (!is_called(entry, now, next))
	{
		entry->called_at = 0;
		return false;
	}
	if (entry->called_at == 0)
		entry->called_at = now;
	return is_over(entry->start_at, now, next) &&
		fs_delivery_slots_of_database(database) < entry->most_workers;
}

/*
 * The database that has waited longest for a worker, and for which one may be started now.  If there is none,
 * returns InvalidOid, and when there will be one without a call, or DT_NOEND.
 */
Oid
fs_queue_next(TimestampTz now, TimestampTz *next)
{
	Databases  *databases = fs_databases_memory();
	DatabaseEntry *due = NULL;
	Oid			result;

	*next = DT_NOEND;
	LWLockAcquire(&databases->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		DatabaseEntry *entry = &databases->entries[i];

		if (is_due(entry, now, next) && (due == NULL || entry->called_at < due->called_at))
			due = entry;
	}
	result = due == NULL ? InvalidOid : pg_atomic_read_u32(&due->database);
	LWLockRelease(&databases->lock);
	return result;
}
