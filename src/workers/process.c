/*
 * workers/process.c
 *		Shared code of the background workers of databases.
 *
 * An idle worker is in no transaction, holds no lock, and gives way to sessions that want to drop, rename or copy
 * its database.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/pidfile.h"

#include "clock.h"
#include "workers/process.h"

/* In the data directory, where the processes of the server work. */
#define POSTMASTER_FILE "postmaster.pid"

/* Enters the slot for which the launcher has started the process, and connects to the slot's database. */
void
fs_worker_begin(Datum slot, Oid *database)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!fs_worker_slots_enter(DatumGetInt32(slot), database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(*database, InvalidOid, 0);
	/* Other sessions may hold the locks that the work needs for any time; a worker waits. */
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
}

/* Is a session waiting for others to leave this database, or does it hold a lock that requires this? */
bool
fs_worker_database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

/* Ends this process; another one continues later. */
static void
give_way(void)
{
	fs_worker_slots_give_way();
	proc_exit(0);
}

/* Between two pieces of work: handles other requests to the process. */
void
fs_worker_attend(void)
{
	CHECK_FOR_INTERRUPTS();
	if (!PostmasterIsAlive())
		proc_exit(1);
	if (fs_worker_database_is_wanted())
		give_way();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* As in an idle session, there is nothing to cancel. */
bool
fs_worker_wait_once(WakeupPoint *point, uint64 generation, long timeout)
{
	bool		is_woken;

	HOLD_CANCEL_INTERRUPTS();
	is_woken = fs_wakeup_wait(point, generation, timeout);
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
	return is_woken;
}

/* Waits at a point until it is woken there; false if the time is up, in ms, or the settings must be read again. */
bool
fs_worker_wait(WakeupPoint *point, uint64 generation, long timeout)
{
	int64		until = fs_clock_after(timeout);

	pgstat_report_activity(STATE_IDLE, NULL);
	while (timeout > 0 && !ConfigReloadPending)
	{
		if (fs_worker_wait_once(point, generation, Min(timeout, WORKER_GIVE_WAY_INTERVAL)))
			return true;
		if (fs_worker_database_is_wanted())
			give_way();
		timeout = fs_clock_until(until);
	}
	return false;
}

/*
 * Is the server shutting down?  Then it ends all its processes, just as a user might end one of them; only the file
 * of the postmaster shows the difference.
 */
bool
fs_worker_server_stops(void)
{
	FILE	   *file = AllocateFile(POSTMASTER_FILE, "r");
	char		line[MAXPGPATH];
	bool		stops = false;

	if (file == NULL)
		return false;
	for (int i = 1; i <= LOCK_FILE_LINE_PM_STATUS && fgets(line, sizeof(line), file) != NULL; i++)
	{
		stops = i == LOCK_FILE_LINE_PM_STATUS &&
			strncmp(line, PM_STATUS_STOPPING, strlen(PM_STATUS_STOPPING)) == 0;
	}
	FreeFile(file);
	return stops;
}

/* Starts a transaction in a log of the database; false, and no transaction, if the log does not exist. */
bool
fs_worker_begin_in_store(const char *log, FactstrStore *store)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (fs_store_of_database(log, store))
		return true;
	CommitTransactionCommand();
	return false;
}
