/*
 * workers/launcher.c
 *		The process that starts the background workers.
 *
 * There is one per server.  It is not connected to a database, so that it blocks no command.  When it starts, it
 * has a worker look for subscriptions in each database, which ends immediately if there are none; then it sleeps
 * until a database calls for a worker or a worker ends.  With shared_preload_libraries it starts with the server,
 * or when a standby is promoted; otherwise the first session that subscribes starts it.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "compat.h"
#include "settings.h"
#include "workers/databases.h"
#include "workers/launcher.h"
#include "workers/pending_lists.h"
#include "workers/places.h"
#include "workers/queue.h"
#include "workers/delivery_slots.h"
#include "workers/worker_slots.h"

/* The connection limit of a database whose DROP DATABASE was interrupted. */
#define INVALID_DATABASE (-2)

/*
 * The pause before the next attempt if the server has no room for another background worker; the end of one of our
 * workers ends it.  In ms.
 */
#define NO_ROOM_PAUSE 10000

/* A worker that is asked to end does so within this time.  In ms. */
#define MAKE_ROOM_TIME 1000

/* The state that the launcher and its workers share. */
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

/* The server starts it again after a crash of the launcher or of the server. */
static BackgroundWorker
launcher(void)
{
	BackgroundWorker worker = background_worker("factstr launcher", "factstr_launcher_main");

	worker.bgw_restart_time = 1;
	return worker;
}

/* When preloaded. */
void
fs_launcher_register(void)
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
			 errdetail("The server has no free worker slot."),
			 errhint("Raise max_worker_processes. Until then, deliver manually with factstr_deliver.")));
}

/* Starts the launcher if it is not running; if several sessions do so at once, one launcher remains. */
void
fs_launcher_ensure(void)
{
	BackgroundWorker worker = launcher();

	if (!fs_databases_have_launcher() && !RegisterDynamicBackgroundWorker(&worker, NULL))
		warn_of_no_room();
}

/* Has the transaction subscribed?  No worker could find the subscription before the commit. */
static bool is_requested = false;

void
fs_launcher_request_at_commit(void)
{
	is_requested = true;
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (is_requested && event == XACT_EVENT_COMMIT)
		(void) fs_databases_call(MyDatabaseId);
	is_requested = false;
}

void
fs_launcher_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
}

/*
 * The process
 */

/* Does it let anybody connect? */
static bool
is_open(Form_pg_database database)
{
	return database->datallowconn && database->datconnlimit != INVALID_DATABASE;
}

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

		if (is_open(database) && !database->datistemplate)
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

typedef enum DatabaseState
{
	DATABASE_GONE,
	DATABASE_CLOSED,			/* no session can connect to it now */
	DATABASE_OPEN
} DatabaseState;

/* Not by the system cache: on 13, a process without a database cannot use it right after a start. */
static DatabaseState
database_state(Oid database)
{
	ScanKeyData key;
	Relation	catalog;
	TableScanDesc scan;
	HeapTuple	tuple;
	DatabaseState state = DATABASE_GONE;

	ScanKeyInit(&key, Anum_pg_database_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	StartTransactionCommand();
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 1, &key);
	tuple = heap_getnext(scan, ForwardScanDirection);
	if (tuple != NULL)
		state = is_open((Form_pg_database) GETSTRUCT(tuple)) ? DATABASE_OPEN : DATABASE_CLOSED;
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	CommitTransactionCommand();
	return state;
}

/* Has workers look at databases, as many as there is room for; returns the others. */
static List *
look_at(List *databases)
{
	while (databases != NIL && fs_databases_call(linitial_oid(databases)))
		databases = list_delete_first(databases);
	return databases;
}

static bool
start(BackgroundWorker worker, int32 argument)
{
	worker.bgw_main_arg = Int32GetDatum(argument);
	/* The server wakes the launcher when it has room again. */
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* False if the server has no room. */
static bool
start_delivery(Oid database)
{
	DatabaseState state = database_state(database);
	int32		place;

	if (state == DATABASE_GONE)
		fs_databases_forget(database);
	else if (state == DATABASE_CLOSED)
		fs_databases_put_off(database);
	if (state != DATABASE_OPEN)
		return true;
	place = fs_places_take(database);
	if (start(background_worker("factstr delivery", "factstr_delivery_main"), place))
		return true;
	fs_places_give_back(place);
	return false;
}

/* At most a quarter of the server's workers: without one, appends do the work. */
static TimestampTz
start_emptying_lists(void)
{
	Oid			database;
	TimestampTz next;
	int			slot;

	while ((slot = fs_worker_slots_next_due(GetCurrentTimestamp(), &database, &next)) >= 0)
	{
		if (fs_worker_slots_count() >= Max(1, max_worker_processes / 4) ||
			database_state(database) != DATABASE_OPEN ||
			!start(background_worker("factstr pending list", "factstr_pending_list_main"), slot))
		{
			fs_worker_slots_forget(slot);
			fs_pending_lists_forget(database);
		}
	}
	return next;
}

/*
 * Only once in a while, however often it is attempted; not while a worker that was asked to make room is about to
 * end.
 */
static void
make_room_or_complain(void)
{
	static int64 complain_at = 0;

	if (fs_worker_slots_make_room())
		complain_at = Max(complain_at, fs_clock_after(MAKE_ROOM_TIME));
	else if (fs_delivery_slots_of_database(InvalidOid) == 0 && fs_clock_until(complain_at) == 0)
	{
		complain_at = fs_clock_after(NO_ROOM_PAUSE);
		warn_of_no_room();
	}
}

/*
 * Starts all workers of subscriptions that are due; false if there is no room.  Then they wait until one of the
 * others has left.
 */
static bool
start_deliveries(TimestampTz *next)
{
	Oid			database;

	(void) fs_places_end_starts(GetCurrentTimestamp());
	while (OidIsValid(database = fs_queue_next(GetCurrentTimestamp(), next)))
	{
		bool		is_place = fs_delivery_slots_of_database(InvalidOid) < fs_delivery_slots_most();

		if (is_place && start_delivery(database))
			continue;
		if (is_place)
			make_room_or_complain();
		fs_places_ask_one_to_leave();
		return false;
	}
	*next = Min(*next, fs_places_end_starts(GetCurrentTimestamp()));
	return true;
}

/* Starts all workers that are due; returns the time until the next one is, in ms, or -1. */
static long
start_due_workers(void)
{
	TimestampTz next = DT_NOEND;

	if (factstr_background_delivery && !start_deliveries(&next))
	{
		(void) start_emptying_lists();
		return NO_ROOM_PAUSE;
	}
	next = Min(next, start_emptying_lists());
	return next == DT_NOEND ? -1 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
}

/*
 * Then databases are checked again: the workers may have been turned off and on meanwhile, and a database may have
 * received its subscriptions from a dump.
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
	pqsignal(SIGINT, PG_SIG_IGN);
	BackgroundWorkerUnblockSignals();
	if (!fs_databases_become_launcher())
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
		databases = look_at(databases);
		timeout = start_due_workers();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (timeout >= 0 ? WL_TIMEOUT : 0), timeout, PG_WAIT_EXTENSION);
	}
}
