/*
 * subscription_worker.c
 *		The process that delivers a durable stream to its handler.
 *
 * One for each subscription, so that a slow or failing handler holds up nothing but its own stream,
 * and nothing that a handler leaves in the session meets another role's.  While there is nothing to
 * do it is in no transaction and holds no lock, and gives way to whoever wants to drop, rename or
 * copy its database.
 *
 * The same program looks which subscriptions a database has, when the launcher does not know yet.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/pmsignal.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "delivery.h"
#include "replicated_log.h"
#include "settings.h"
#include "stream_lock.h"
#include "streams.h"
#include "subscription_worker.h"
#include "wakeup.h"
#include "worker_slots.h"

/* So often it is looked for new facts without having been woken.  In ms. */
#define LOOK_INTERVAL 10000

/* The same for a log that logical replication fills, which wakes nobody. */
#define LOOK_INTERVAL_REPLICATED 100

/* DROP DATABASE waits five seconds for others to leave.  In ms. */
#define GIVE_WAY_INTERVAL 2000

/* Looking for facts that are appended faster than this, without finding any, is put off.  In us. */
#define SHORTEST_LOOK_INTERVAL 1000

/* Does somebody wait for this database to be left, or hold a lock that asks for it? */
static bool
database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

static void
reload_configuration(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

/* Ends this process; another one goes on later. */
static void
give_way(void)
{
	worker_slots_give_way();
	proc_exit(0);
}

/* As in an idle session, there is nothing that could be cancelled. */
static bool
wait_without_cancel(WakeupPoint *point, uint64 generation, long timeout)
{
	bool		is_woken;

	HOLD_CANCEL_INTERRUPTS();
	is_woken = wakeup_wait(point, generation, timeout);
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
	return is_woken;
}

/* Waits at a point, until it is woken there or the time is up, in ms. */
static void
wait_at(WakeupPoint *point, uint64 generation, long timeout)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);

	pgstat_report_activity(STATE_IDLE, NULL);
	while (timeout > 0 && !ConfigReloadPending)
	{
		if (wait_without_cancel(point, generation, Min(timeout, GIVE_WAY_INTERVAL)))
			return;
		if (database_is_wanted())
			give_way();
		timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
	}
}

/* Starts a transaction in the store of the database; false, and no transaction, if there is none. */
static bool
begin(FactstrStore *store)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (factstr_store_of_database(store))
		return true;
	CommitTransactionCommand();
	return false;
}

/* Ends the transaction; until then it may have been the subscriber's. */
static void
commit(void)
{
	CommitTransactionCommand();
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, 0);
	pgstat_report_stat(false);
}

/* The transaction has failed, not the handler: its commit, or something before or behind the handler. */
static DeliveryResult
recover(Delivery *delivery)
{
	FactstrStore store;
	ErrorData  *error;

	HOLD_INTERRUPTS();
	EmitErrorReport();
	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();

	if (!begin(&store))
		return DELIVERY_NOT_SUBSCRIBED;
	delivery_record_failure(&store, delivery, error);
	commit();
	FreeErrorData(error);
	return DELIVERY_FAILED;
}

/* Delivers the next batch in a transaction of its own. */
static DeliveryResult
deliver_next(Delivery *delivery)
{
	volatile DeliveryResult result = DELIVERY_NOT_SUBSCRIBED;

	pgstat_report_activity(STATE_RUNNING, "delivery to the handler of a durable stream");
	PG_TRY();
	{
		FactstrStore store;

		if (begin(&store))
		{
			delivery->log_is_replicated = log_is_replicated(&store);
			result = delivery_next(&store, delivery);
			commit();
		}
	}
	PG_CATCH();
	{
		result = recover(delivery);
	}
	PG_END_TRY();
	return result;
}

/* Nothing was found; waits for new facts. */
static void
wait_for_facts(const Delivery *delivery, uint64 generation, TimestampTz looked_at)
{
	long		since = 0;
	int			microseconds = 0;

	TimestampDifference(looked_at, GetCurrentTimestamp(), &since, &microseconds);
	if (since == 0 && microseconds < SHORTEST_LOOK_INTERVAL)
		pg_usleep(SHORTEST_LOOK_INTERVAL - microseconds);
	wait_at(wakeup_of_facts(), generation,
			delivery->is_behind ? DELIVERY_SKIP_INTERVAL :
			delivery->log_is_replicated ? LOOK_INTERVAL_REPLICATED : LOOK_INTERVAL);
}

/* Delivers until there is no such subscription any more, or no handler is to be run here. */
static void
serve(const WorkerTask *task, text *name)
{
	Delivery	delivery = {0};
	WakeupPoint *facts = wakeup_of_facts();
	WakeupPoint *stream = wakeup_of_stream(stream_hash(name));

	delivery.name = name;
	delivery.upto = PG_INT64_MAX;
	for (;;)
	{
		uint64		facts_generation = wakeup_generation(facts);
		uint64		stream_generation = wakeup_generation(stream);
		TimestampTz looked_at = GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		if (!PostmasterIsAlive())
			proc_exit(1);
		if (database_is_wanted())
			give_way();
		if (ConfigReloadPending)
			reload_configuration();
		if (!factstr_background_delivery)
			return;
		switch (deliver_next(&delivery))
		{
			case DELIVERY_DONE:
			case DELIVERY_FAILED:
				/* The next look finds the next batch, or the pause. */
				break;
			case DELIVERY_NOTHING_NEW:
				wait_for_facts(&delivery, facts_generation, looked_at);
				break;
			case DELIVERY_PAUSED:
				wait_at(stream, stream_generation,
						TimestampDifferenceMilliseconds(GetCurrentTimestamp(), delivery.retry_at));
				break;
			case DELIVERY_NOT_SUBSCRIBED:
				return;
			case DELIVERY_ANOTHER_SUBSCRIBER:
				(void) worker_slots_request(*task);
				return;
		}
	}
}

/* The names of all subscriptions, in memory that lasts. */
static List *
list_subscriptions(void)
{
	List	   *names = NIL;
	FactstrStore store;
	ListCell   *cell;

	if (!begin(&store))
		return NIL;
	foreach(cell, stream_list_subscribed(&store))
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		names = lappend(names, DatumGetTextPCopy(PointerGetDatum(lfirst(cell))));
		MemoryContextSwitchTo(caller);
	}
	commit();
	return names;
}

static void
request_workers(void)
{
	ListCell   *cell;

	foreach(cell, list_subscriptions())
	{
		WorkerTask	task = {MyDatabaseId, stream_hash(lfirst(cell))};

		(void) worker_slots_request(task);
	}
}

static text *
find_subscription(uint64 stream)
{
	ListCell   *cell;

	foreach(cell, list_subscriptions())
	{
		if (stream_hash(lfirst(cell)) == stream)
			return lfirst(cell);
	}
	return NULL;
}

static void
perform(const WorkerTask *task)
{
	text	   *name;

	if (!factstr_background_delivery)
		return;
	if (task->stream == FACTSTR_LOOK_FOR_SUBSCRIPTIONS)
	{
		request_workers();
		return;
	}
	name = find_subscription(task->stream);
	if (name == NULL)
		return;
	pgstat_report_appname(text_to_cstring(name));
	serve(task, name);
}

void
factstr_subscription_main(Datum argument)
{
	WorkerTask	task;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!worker_slots_enter(DatumGetInt32(argument), &task))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(task.database, InvalidOid, 0);
	/* Another consumer may hold a stream for as long as it likes; a worker waits. */
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	perform(&task);
	worker_slots_task_is_done();
	proc_exit(0);
}
