/*
 * workers/delivery_slots.c
 *		The workers that deliver subscriptions: their databases and streams.
 *
 * Each has a slot in shared memory.  The launcher takes a slot for a database and starts the process, which
 * enters the slot, and releases it when it ends for any reason.  All databases of the server share half of its
 * background workers, so that others, such as parallel queries, have the rest.  If the launcher needs a place,
 * idle workers leave immediately, and workers that have been busy for some time leave between two batches.
 *
 * A worker records the stream that it serves here.  This limits the workers of a role, and lets others find the
 * process whose handler they want to stop.
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "postmaster/bgworker_internals.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "commit/wakeup.h"
#include "compat.h"
#include "settings.h"
#include "shared_memory.h"
#include "workers/attendance.h"
#include "workers/databases.h"
#include "workers/delivery_entries.h"
#include "workers/delivery_slots.h"

/* A worker that has served for this time may have to make room for others.  In ms. */
#define SHORTEST_STAY 250

/* If a handler takes longer, another worker serves the other streams.  In ms. */
#define LATE_AFTER 20

/* The time in which a session that stops a delivery must take the stream, before it is delivered again.  In ms. */
#define STOPPED_FOR 1000

/* The time for which the server counts as newly started.  In ms. */
#define NEW_FOR 60000

static DeliverySlots *shared = NULL;

/* The slot of this worker, or NULL. */
static DeliverySlot *volatile my_slot = NULL;

/* The information for others when this worker ends. */
static long my_pause = -1;
static TimestampTz my_look_at;

static TimeoutId late_timeout;

/* When preloaded. */
void
fs_delivery_slots_reserve_memory(void)
{
	RequestAddinShmemSpace(sizeof(DeliverySlots));
}

static void
initialize(void *structure)
{
	DeliverySlots *slots = structure;

	slots->made_at = GetCurrentTimestamp();
	LWLockInitialize(&slots->lock, compat_new_tranche("factstr_delivery_slots"));
}

static void
attach(void)
{
	if (shared != NULL)
		return;
	shared = fs_shared_memory_attach("factstr delivery workers", sizeof(DeliverySlots), initialize);
	compat_register_tranche(shared->lock.tranche, "factstr_delivery_slots");
}

/* The slots, for the launcher. */
DeliverySlots *
fs_delivery_slots_memory(void)
{
	attach();
	return shared;
}

/* Has the server started recently?  It may have crashed. */
bool
fs_delivery_slots_are_new(void)
{
	attach();
	return !TimestampDifferenceExceeds(shared->made_at, GetCurrentTimestamp(), NEW_FOR);
}

/* How many there may be in the server. */
int
fs_delivery_slots_most(void)
{
	return Max(1, Min(max_worker_processes / 2, MAX_SLOTS));
}

/* The workers of a database, or of all; those that serve a role, or all. */
static int
count(Oid database, Oid role)
{
	int			result = 0;

	for (int i = 0; i < MAX_SLOTS; i++)
	{
		DeliverySlot *slot = &shared->slots[i];

		result += OidIsValid(slot->database) && (!OidIsValid(database) || slot->database == database) &&
			(!OidIsValid(role) || (slot->serves && slot->role == role));
	}
	return result;
}

/* Those of a database; InvalidOid: of all. */
int
fs_delivery_slots_of_database(Oid database)
{
	int			result;

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	result = count(database, InvalidOid);
	LWLockRelease(&shared->lock);
	return result;
}

/*
 * The workers
 */

static void
leave(int code, Datum argument)
{
	Oid			database = my_slot->database;
	uint32		entry = my_slot->entry;
	bool		is_attentive = !my_slot->is_late;

	disable_timeout(late_timeout, false);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	my_slot->database = InvalidOid;
	LWLockRelease(&shared->lock);
	my_slot = NULL;
	fs_attendance_leave(database, entry, is_attentive, my_pause, my_look_at);
}

static void
be_late(void)
{
	if (my_slot == NULL || my_slot->is_late)
		return;
	my_slot->is_late = true;
	fs_attendance_be_late();
}

/* Enters the slot as its worker until this process ends; false if it is no longer wanted. */
bool
fs_delivery_slots_enter(int32 start, Oid *database)
{
	DeliverySlot *slot;

	attach();
	slot = &shared->slots[start % MAX_SLOTS];
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (OidIsValid(slot->database) && slot->pid == 0 && slot->start == start)
	{
		slot->pid = MyProcPid;
		slot->entered_at = GetCurrentTimestamp();
		*database = slot->database;

		/*
		 * If it ends before it has looked, the work is left: another one looks as soon as the
		 * pause is over.
		 */
		my_look_at = slot->entered_at;
		my_slot = slot;
	}
	LWLockRelease(&shared->lock);
	if (my_slot == NULL)
		return false;
	fs_attendance_enter(my_slot->entry);
	before_shmem_exit(leave, (Datum) 0);
	return true;
}

/* After the connection, which initializes timeouts. */
void
fs_delivery_slots_init_timeout(void)
{
	late_timeout = RegisterTimeout(USER_TIMEOUT, be_late);
}

/* It starts or stops waiting for work. */
void
fs_delivery_slots_wait(bool is_waiting)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	my_slot->waits_since = is_waiting ? GetCurrentTimestamp() : 0;
	LWLockRelease(&shared->lock);
}

/* Do others need its place? */
bool
fs_delivery_slots_is_to_leave(void)
{
	return my_slot->is_to_leave;
}

/* Has it been there long enough for others to have their turn? */
bool
fs_delivery_slots_has_had_its_time(void)
{
	return TimestampDifferenceExceeds(my_slot->entered_at, GetCurrentTimestamp(), SHORTEST_STAY);
}

/* A role leaves one of the server's workers to others. */
static bool
role_is_at_limit(Oid role, Oid database, int most_of_role)
{
	return count(database, role) >= most_of_role ||
		count(InvalidOid, role) >= Max(1, fs_delivery_slots_most() - 1);
}

/* Not a request of a session that gave up, or from before the clock was set back. */
static bool
holds(const DeliveryStop *stop, TimestampTz now)
{
	return stop->until > now && stop->until <= TimestampTzPlusMilliseconds(now, STOPPED_FOR);
}

static DeliveryStop *
find_stop(uint64 stream)
{
	for (int i = 0; i < MAX_STOPS; i++)
	{
		if (shared->stops[i].database == MyDatabaseId && shared->stops[i].stream == stream)
			return &shared->stops[i];
	}
	return NULL;
}

/* Is somebody about to take the stream? */
static bool
is_stopped(uint64 stream)
{
	const DeliveryStop *stop = find_stop(stream);

	return stop != NULL && holds(stop, GetCurrentTimestamp());
}

/* Would it be let begin? */
bool
fs_delivery_slots_role_may_begin(Oid role, int most_of_role)
{
	bool		result;

	LWLockAcquire(&shared->lock, LW_SHARED);
	result = !role_is_at_limit(role, MyDatabaseId, most_of_role);
	LWLockRelease(&shared->lock);
	return result;
}

/*
 * Begins to serve a stream for a role; false if the role has its maximum of active workers, or somebody has stopped
 * the delivery.  Signals for the previous stream have arrived by now.
 */
bool
fs_delivery_slots_begin(uint64 stream, Oid role, int most_of_role)
{
	bool		may_begin;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	may_begin = !role_is_at_limit(role, MyDatabaseId, most_of_role) && !is_stopped(stream);
	if (may_begin)
	{
		my_slot->stream = stream;
		my_slot->role = role;
		my_slot->serves = true;
		my_slot->is_to_stop = false;
	}
	LWLockRelease(&shared->lock);
	QueryCancelPending = false;
	if (may_begin)
		enable_timeout_after(late_timeout, LATE_AFTER);
	return may_begin;
}

void
fs_delivery_slots_end(void)
{
	bool		was_late;

	disable_timeout(late_timeout, false);
	was_late = my_slot->is_late;
	if (was_late)
		fs_attendance_be_in_time();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	my_slot->is_late = false;
	my_slot->serves = false;
	LWLockRelease(&shared->lock);
	/* The launcher may have found no worker to make room. */
	if (was_late)
		fs_databases_wake_launcher();
}

/* Does a session want the current delivery to end? */
bool
fs_delivery_slots_is_to_stop(void)
{
	return my_slot != NULL && my_slot->serves && my_slot->is_to_stop;
}

/* How the worker ends, if it does: see fs_attendance_leave. */
void
fs_delivery_slots_will_leave(long pause, TimestampTz look_at)
{
	my_pause = pause;
	my_look_at = look_at;
}

/*
 * Sessions
 */

static DeliverySlot *
find_serving(uint64 stream)
{
	for (int i = 0; i < MAX_SLOTS; i++)
	{
		DeliverySlot *slot = &shared->slots[i];

		if (slot->database == MyDatabaseId && slot->pid != 0 && slot->serves && slot->stream == stream)
			return slot;
	}
	return NULL;
}

/* Keeps workers from beginning with the stream for some time.  There is room for a limited number of streams. */
static void
note_stop(uint64 stream)
{
	TimestampTz now = GetCurrentTimestamp();
	DeliveryStop *stop = find_stop(stream);

	for (int i = 0; i < MAX_STOPS && stop == NULL; i++)
	{
		if (!holds(&shared->stops[i], now))
			stop = &shared->stops[i];
	}
	if (stop == NULL)
		return;
	stop->database = MyDatabaseId;
	stop->stream = stream;
	stop->until = TimestampTzPlusMilliseconds(now, STOPPED_FOR);
}

/* This session has taken the stream that it stopped. */
void
fs_delivery_slots_end_stop(uint64 stream)
{
	DeliveryStop *stop;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	stop = find_stop(stream);
	if (stop != NULL)
		stop->until = 0;
	LWLockRelease(&shared->lock);
}

/*
 * Interrupts the delivery of a stream once; false if no worker delivers it now, and none begins before the session
 * has had time to take it.  With at_all_costs, its process ends.  Under the lock, so that the signal arrives before
 * the worker begins with another stream.
 */
bool
fs_delivery_slots_stop(uint64 stream, bool at_all_costs)
{
	DeliverySlot *slot;

	attach();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	note_stop(stream);
	slot = find_serving(stream);
	if (slot != NULL)
	{
		bool		is_told = slot->is_to_stop;

		slot->is_to_stop = true;
		if (at_all_costs || !is_told)
			(void) kill(slot->pid, at_all_costs ? SIGTERM : SIGINT);
	}
	LWLockRelease(&shared->lock);
	return slot != NULL;
}

/* The reason why no worker serves a stream with pending batches, for factstr_stream_status; NULL if one does. */
const char *
fs_delivery_slots_obstacle(uint64 stream, Oid role, int most_workers, int most_of_role)
{
	const char *obstacle = "start";

	attach();
	LWLockAcquire(&shared->lock, LW_SHARED);
	if (find_serving(stream) != NULL)
		obstacle = NULL;
	else if (role_is_at_limit(role, MyDatabaseId, most_of_role))
		obstacle = "role";
	else if (count(MyDatabaseId, InvalidOid) >= most_workers)
		obstacle = "database";
	else if (count(InvalidOid, InvalidOid) >= fs_delivery_slots_most())
		obstacle = "server";
	LWLockRelease(&shared->lock);
	return obstacle;
}
