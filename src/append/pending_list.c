/*
 * append/pending_list.c
 *		The pending list of the payload index is kept short.
 *
 * The index collects new entries in a list that each lookup has to read through.  PostgreSQL would empty it when
 * some append fills it, under that append's lock; the index is created with a limit far away, and the list is
 * emptied here instead.  That takes as long as hundreds of appends, so a background worker does it, which the
 * first append that finds the list long asks for.  Where there is none, an append does it before it takes the lock.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin.h"
#include "access/gin_private.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "append/pending_list.h"
#include "workers/databases.h"
#include "workers/process.h"

/*
 * How long it may be, in pages: measured with 8 clients on half a million facts, where longer lists cost
 * lookups time and shorter ones are emptied too often.  While the worker is at it, it may grow longer, and so it
 * may under the append lock, for fewer and larger steps, but not so long that the next reader would notice.
 */
#define PAGES_ALLOWED 16
#define PAGES_ALLOWED_MEANWHILE 64

/* A worker that nobody has called for so long ends.  In ms. */
#define IDLE_TIME 30000

/* Before the next try, where somebody else is at it.  In ms. */
#define PAUSE 10

BlockNumber
fs_pending_list_pages(Relation by_payload)
{
	GinStatsData statistics;

	ginGetStats(by_payload, &statistics);
	return statistics.nPendingPages;
}

/* Unless somebody else is at it already. */
static void
empty_list(Relation by_payload)
{
	GinState	state;

	initGinState(&state, by_payload);
	ginInsertCleanup(&state, false, true, false, NULL);
}

/* Wakes the worker of the log; false if there is none yet. */
static bool
call_worker(const FactstrStore *store)
{
	WorkerTask	task = {.database = MyDatabaseId};

	strlcpy(task.log, store->log, sizeof(task.log));
	if (fs_worker_slots_have_worker(&task))
	{
		fs_wakeup_one(fs_wakeup_of_pending_list(store->log));
		return true;
	}
	if (fs_databases_have_launcher())
		(void) fs_worker_slots_request(task);
	return false;
}

/* Sees to it that the list gets shorter if it has more pages than allowed. */
void
fs_pending_list_shorten(const FactstrStore *store, Relation by_payload, bool under_lock)
{
	BlockNumber pages = fs_pending_list_pages(by_payload);

	if (pages <= PAGES_ALLOWED)
		return;
	if ((call_worker(store) || under_lock) && pages <= PAGES_ALLOWED_MEANWHILE)
		return;
	empty_list(by_payload);
}

/*
 * The worker
 */

/* As long as it helps: a vacuum that is slowed down empties the list, too, and lets nobody else do so. */
static void
empty_list_as_far_as_possible(Relation by_payload)
{
	BlockNumber before;
	BlockNumber pages = fs_pending_list_pages(by_payload);

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (pages <= PAGES_ALLOWED)
			return;
		empty_list(by_payload);
		before = pages;
		pages = fs_pending_list_pages(by_payload);
	} while (pages < before);
	pg_usleep(PAUSE * 1000L);
}

/* False if the database does not have the log any more. */
static bool
shorten_in_transaction(const char *log)
{
	FactstrStore store;
	Relation	by_payload;

	if (!fs_worker_begin_in_store(log, &store))
		return false;
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("emptying the pending list of %s", get_rel_name(store.by_payload)));
	by_payload = index_open(store.by_payload, RowExclusiveLock);
	empty_list_as_far_as_possible(by_payload);
	index_close(by_payload, NoLock);
	CommitTransactionCommand();
	pgstat_report_stat(false);
	return true;
}

/* PostgreSQL calls it by its name. */
void
factstr_pending_list_main(Datum argument)
{
	WorkerTask	task;
	WakeupPoint *point;
	uint64		generation;

	fs_worker_begin(argument, &task);
	point = fs_wakeup_of_pending_list(task.log);
	do
	{
		generation = fs_wakeup_generation(point);
		fs_worker_attend();
	} while (shorten_in_transaction(task.log) && fs_worker_wait(point, generation, IDLE_TIME));
	fs_worker_end();
}
