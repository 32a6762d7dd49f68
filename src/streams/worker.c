/*
 * streams/worker.c
 *		The process that delivers durable streams to their handlers.
 *
 * It serves the subscriptions of one database, and of those the ones of one role (streams/turns.c).  An idle
 * worker is in no transaction, holds no lock, and gives way to sessions that want to drop, rename or copy its
 * database, and to other databases that need its place.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "commit/wakeup.h"
#include "settings.h"
#include "streams/attempt.h"
#include "streams/connection.h"
#include "workers/attendance.h"
#include "streams/time_limit.h"
#include "streams/turns.h"
#include "workers/delivery_slots.h"
#include "workers/process.h"

/* The interval at which it looks for new facts without being woken.  In ms. */
#define LOOK_INTERVAL 10000

/* The same for a log that logical replication fills, which wakes no worker; and if there is no worker. */
#define LOOK_INTERVAL_REPLICATED 100
#define LOOK_INTERVAL_REPLICATED_UNATTENDED 1000

/* The pause if the worker leaves for a session that wants its database exclusively.  In ms. */
#define GIVE_WAY_PAUSE 6000

/* The pause if the worker is ended, or a handler ends it.  In ms. */
#define PAUSE_AFTER_END 250

/* The time for which an idle worker stays if its database has several.  In ms. */
#define LONGEST_WAIT_OF_MANY 10000

/* If facts are appended faster than this and none of them matches, the next look is delayed.  In us. */
#define SHORTEST_LOOK_INTERVAL 1000

static void
reload_configuration(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	fs_attendance_limit_workers(factstr_delivery_workers);
}

/*
 * Ends this process.  Another one starts after that pause when it is called, or at that time, in ms from now; -1:
 * only when called.
 */
static void
leave(long pause, long look_after)
{
	TimestampTz now = GetCurrentTimestamp();

	fs_delivery_slots_will_leave(pause, look_after < 0 ? DT_NOEND : TimestampTzPlusMilliseconds(now, look_after));
	proc_exit(0);
}

/* Before each look. */
static void
look_around(void)
{
	CHECK_FOR_INTERRUPTS();
	if (!PostmasterIsAlive())
		proc_exit(1);
	if (fs_worker_database_is_wanted())
		leave(GIVE_WAY_PAUSE, GIVE_WAY_PAUSE);
	if (ConfigReloadPending)
		reload_configuration();
}

/*
 * Waiting
 */

static bool
have_changed(const DatabaseChanges *seen)
{
	DatabaseChanges now = fs_attendance_changes();

	return now.facts != seen->facts || now.subscriptions != seen->subscriptions;
}

/*
 * Waits until there is a reason to look, or the time is up, in ms.  Other databases share the wait point, so only
 * the count is certain.
 */
static void
wait_for_changes(const DatabaseChanges *seen, long timeout)
{
	WakeupPoint *point = fs_wakeup_of_facts();
	int64		until = fs_clock_after(timeout);

	pgstat_report_activity(STATE_IDLE, NULL);
	fs_delivery_slots_wait(true);
	for (;;)
	{
		uint64		generation = fs_wakeup_generation(point);

		if (have_changed(seen) || timeout <= 0 || ConfigReloadPending || fs_delivery_slots_is_to_leave())
			break;
		(void) fs_worker_wait_once(point, generation, Min(timeout, WORKER_GIVE_WAY_INTERVAL));
		if (fs_worker_database_is_wanted())
			leave(GIVE_WAY_PAUSE, GIVE_WAY_PAUSE);
		timeout = fs_clock_until(until);
	}
	fs_delivery_slots_wait(false);
}

/* Nothing was to be done. */
static void
wait_after(const Round *round, const DatabaseChanges *seen, int64 looked_at)
{
	long		timeout = round->log_is_replicated ? LOOK_INTERVAL_REPLICATED : LOOK_INTERVAL;
	int64		since = fs_clock_now() - looked_at;

	if (since < SHORTEST_LOOK_INTERVAL)
		pg_usleep(SHORTEST_LOOK_INTERVAL - since);
	if (round->timeout >= 0)
		timeout = Min(timeout, round->timeout);
	wait_for_changes(seen, timeout);
}

/*
 * Leaving
 */

/* The time at which another worker must look if no fact is appended before; -1: none. */
static long
look_after(const Round *round)
{
	if (!round->log_is_replicated)
		return round->timeout;
	return round->timeout < 0 ? LOOK_INTERVAL_REPLICATED_UNATTENDED :
		Min(round->timeout, LOOK_INTERVAL_REPLICATED_UNATTENDED);
}

/* After a round with work: others may need it to leave, or its place. */
static void
leave_if_it_was_its_time(const Round *round)
{
	if (round->others_wait)
		fs_attendance_ask_for_another_role();
	if ((round->others_wait || fs_delivery_slots_is_to_leave()) && fs_delivery_slots_has_had_its_time())
		leave(0, 0);
}

/* After a round without work. */
static void
leave_if_idle(const Round *round, int64 idle_since)
{
	if (round->others_wait)
	{
		fs_attendance_ask_for_another_role();
		leave(0, 0);
	}
	if (fs_delivery_slots_is_to_leave())
		leave(0, look_after(round));
	if (fs_clock_now() - idle_since > LONGEST_WAIT_OF_MANY * INT64CONST(1000) &&
		fs_delivery_slots_of_database(MyDatabaseId) > 1)
		leave(0, look_after(round));
}

/* Serves the database until nothing is left to serve, or this worker has to leave. */
static void
work(void)
{
	DatabaseChanges listed = {.subscriptions = PG_UINT64_MAX};
	int64		idle_since = fs_clock_now();

	for (;;)
	{
		DatabaseChanges seen = fs_attendance_begin_look();
		int64		looked_at = fs_clock_now();
		Round		round;

		look_around();
		if (!factstr_background_delivery ||
			(seen.subscriptions != listed.subscriptions && !fs_turns_list()))
		{
			fs_attendance_have_no_subscriptions(&seen);
			leave(0, -1);
		}
		listed = seen;
		fs_attendance_worker_works();
		fs_delivery_slots_will_leave(PAUSE_AFTER_END, GetCurrentTimestamp());
		round = fs_turns_take();
		if (round.is_outdated)
			leave(0, 0);
		if (round.some_are_gone)
		{
			listed.subscriptions = PG_UINT64_MAX;
			continue;
		}
		if (round.has_served)
		{
			leave_if_it_was_its_time(&round);
			idle_since = fs_clock_now();
			continue;
		}
		leave_if_idle(&round, idle_since);
		wait_after(&round, &seen, looked_at);
	}
}

/* PostgreSQL calls it by its name. */
extern PGDLLEXPORT void factstr_delivery_main(Datum argument);

void
factstr_delivery_main(Datum argument)
{
	Oid			database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!fs_delivery_slots_enter(DatumGetInt32(argument), &database))
		proc_exit(0);
	fs_connection_open(database);
	fs_delivery_slots_init_timeout();
	fs_time_limit_init();
	fs_attempt_init();
	fs_attendance_limit_workers(factstr_delivery_workers);
	work();
}
