/*
 * launcher.c
 *		The process that starts the workers of subscriptions.
 *
 * One for the server.  It is connected to no database, so that it is in nobody's way.  When it
 * starts, it has each database looked at for subscriptions, one after the other, by a worker that
 * ends at once where there are none; after that it sleeps until a session subscribes or a worker
 * ends.  With shared_preload_libraries it starts with the server, or when a standby is promoted;
 * without, the first session that subscribes starts it.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "launcher.h"
#include "settings.h"
#include "worker_slots.h"

/* The connection limit of a database that a DROP DATABASE has not finished with. */
#define INVALID_DATABASE (-2)

/*
 * Before the next try, when the server has no room for another background worker; the end of a worker
 * of ours brings it about at once.  In ms.
 */
#define NO_ROOM_PAUSE 10000

/* What the launcher and its workers have in common. */
static BackgroundWorker
background_worker(const char *type, const char *function)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_name, type, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "factstr", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	return worker;
}

/* The server starts it again after a crash, its own or the server's. */
static BackgroundWorker
launcher(void)
{
	BackgroundWorker worker = background_worker("factstr launcher", "factstr_launcher_main");

	worker.bgw_restart_time = 1;
	return worker;
}

/* When preloaded. */
void
launcher_register(void)
{
	BackgroundWorker worker = launcher();

	RegisterBackgroundWorker(&worker);
}

static void
warn_of_no_room(void)
{
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("no background worker for factstr could be started"),
			 errdetail("The server has no room for another one."),
			 errhint("Raise max_worker_processes. Until there is room, factstr_deliver delivers by hand.")));
}

/* Starts the launcher if it is not running; the sessions that do so at once start one that stays. */
void
launcher_ensure(void)
{
	BackgroundWorker worker = launcher();

	if (!worker_slots_have_launcher() && !RegisterDynamicBackgroundWorker(&worker, NULL))
		warn_of_no_room();
}

/*
 * Requests of sessions: when they have committed, since no worker could find the subscription
 * before.
 */

#define MOST_REQUESTS 64

static uint64 requests[MOST_REQUESTS];
static int	request_count = 0;

/* With more of them in one transaction, the database is looked through. */
void
launcher_request_at_commit(uint64 stream)
{
	if (request_count == MOST_REQUESTS)
		requests[0] = FACTSTR_LOOK_FOR_SUBSCRIPTIONS;
	else
		requests[request_count++] = stream;
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_COMMIT)
	{
		for (int i = 0; i < request_count; i++)
		{
			WorkerTask	task = {MyDatabaseId, requests[i]};

			(void) worker_slots_request(task);
		}
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		request_count = 0;
}

void
launcher_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
}

/*
 * The process
 */

/* All databases that may have subscriptions, in memory that lasts. */
static List *
list_databases(void)
{
	List	   *databases = NIL;
	Relation	catalog;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && !database->datistemplate &&
			database->datconnlimit != INVALID_DATABASE)
		{
			MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

			databases = lappend_oid(databases, database->oid);
			MemoryContextSwitchTo(caller);
		}
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

static bool
database_exists(Oid database)
{
	bool		result;

	StartTransactionCommand();
	result = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	CommitTransactionCommand();
	return result;
}

/* Has the next database looked at, when the last one has been and there is a slot for that. */
static List *
look_at_next(List *databases)
{
	WorkerTask	task = {InvalidOid, FACTSTR_LOOK_FOR_SUBSCRIPTIONS};

	if (databases == NIL || worker_slots_look_pending())
		return databases;
	task.database = linitial_oid(databases);
	return worker_slots_request(task) ? list_delete_first(databases) : databases;
}

static bool
start_worker(int slot, const WorkerTask *task)
{
	BackgroundWorker worker = background_worker("factstr subscription",
												"factstr_subscription_main");

	if (!database_exists(task->database))
	{
		worker_slots_forget_database(task->database);
		return true;
	}
	worker.bgw_main_arg = Int32GetDatum(slot);
	/* The server wakes the launcher when it has room again. */
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Once in a while, however often it is tried. */
static void
log_no_room(void)
{
	static TimestampTz logged_at = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(logged_at, now, NO_ROOM_PAUSE))
		return;
	logged_at = now;
	warn_of_no_room();
}

/* Starts all workers that are due; returns for how long there is nothing more to do, in ms, or -1. */
static long
start_due_workers(void)
{
	WorkerTask	task;
	TimestampTz next;
	int			slot;

	while ((slot = worker_slots_next_due(GetCurrentTimestamp(), &task, &next)) >= 0)
	{
		if (!start_worker(slot, &task))
		{
			worker_slots_not_started(slot);
			log_no_room();
			return NO_ROOM_PAUSE;
		}
	}
	return next == DT_NOEND ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
}

/*
 * Then databases are looked at again: the workers may have been turned off and on meanwhile, and a
 * database may have got its subscriptions from a dump.
 */
static List *
reload_configuration(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	return factstr_background_delivery ? list_databases() : NIL;
}

void
factstr_launcher_main(Datum argument)
{
	List	   *databases;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	/* There is nothing that could be cancelled. */
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	if (!worker_slots_become_launcher())
		proc_exit(0);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	databases = factstr_background_delivery ? list_databases() : NIL;

	for (;;)
	{
		long		timeout;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			databases = reload_configuration();
		databases = look_at_next(databases);
		timeout = start_due_workers();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (timeout >= 0 ? WL_TIMEOUT : 0), timeout, PG_WAIT_EXTENSION);
	}
}
