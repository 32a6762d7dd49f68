/*
 * append/pending_list.c
 *		Keeps the pending list of the payload index short.
 *
 * The index collects new entries in a list that each lookup must read.  PostgreSQL would empty it when an append
 * fills it, under the lock of that append; so the index is created with a limit out of reach, and the list is
 * emptied here instead.  That takes as long as hundreds of appends, so the first append that finds a long list
 * requests a background worker for it.  Without a worker, an append does it before it takes the lock.
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
 * The maximum length, in pages: measured with 8 clients on half a million facts, longer lists made lookups slower,
 * and shorter ones were emptied too often.  While the worker is busy, the list may become longer, and under the
 * append lock too, for fewer and larger steps, but not so long that the next reader would notice.
 */
#define PAGES_ALLOWED 16
#define PAGES_ALLOWED_MEANWHILE 64

/* A worker ends if it has not been called for this time, in ms. */
#define IDLE_TIME 30000

/* The pause before the next attempt if another process is emptying the list.  In ms. */
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

/* Makes sure that the list becomes shorter if it has more pages than allowed. */
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

/* Repeats as long as it helps: a throttled vacuum empties the list, too, and keeps others from doing so. */
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

/* False if the log no longer exists in the database. */
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
