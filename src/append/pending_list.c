/*
 * append/pending_list.c
 *		Keeps the pending list of the payload index short.
 *
 * The index collects new entries in a list that each lookup must read.  PostgreSQL would empty it when an append
 * fills it, under the lock of that append; so the index is created with a limit out of reach, and the list is
 * emptied here instead, by a background worker.  An entry costs it less than half when it sorts thousands of them at
 * once into the index; so it lets a list grow for a while, unless it is called (workers/pending_lists.c): by the
 * first lookup that reads a long list, or by an append that finds a very long one.  Without a worker, an append
 * empties the list before it takes the lock.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin.h"
#include "access/gin_private.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "append/pending_list.h"
#include "clock.h"
#include "workers/pending_lists.h"
#include "workers/process.h"

/*
 * Lengths of the list, in pages.  A page has some sixty facts, and a lookup reads it in a few microseconds.
 *
 * SHORT: measured with 8 clients that decide, on half a million facts, longer lists made lookups slower, and shorter
 * ones were emptied too often.  LONG: as long as PostgreSQL itself would let it become by default; the worker is
 * called.  TOO_LONG: the worker is too slow, and an append helps.  TOO_LONG_UNDER_LOCK: without a worker, an append
 * that has the lock already lets the list become longer, for fewer and larger steps.
 */
#define PAGES_SHORT 16
#define PAGES_TOO_LONG_UNDER_LOCK 64
#define PAGES_LONG 512
#define PAGES_TOO_LONG 1024

/* An append relies on the worker for this time before it looks at the list again.  In ms. */
#define TRUST_TIME 10

/* The worker lets a list grow for this time, and ends if none was long for the longer one.  In ms. */
#define GROWING_TIME 1000
#define IDLE_TIME 30000

/* The worker's work_mem, in kB: sorts PAGES_LONG at once. */
#define WORKER_MEMORY "16384"

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

/* The list of this index is the worker's business until then. */
static Oid	trusted_index = InvalidOid;
static int64 trusted_until = 0;

/* Is there a worker that shortens the list, unless it is too long to wait for it? */
static bool
is_left_to_worker(Oid index, BlockNumber pages)
{
	if (!fs_pending_lists_attend(index, pages > PAGES_LONG) || pages > PAGES_TOO_LONG)
		return false;
	trusted_index = index;
	trusted_until = fs_clock_after(TRUST_TIME);
	return true;
}

/* Makes sure that the list becomes shorter if it is long. */
void
fs_pending_list_shorten(Relation by_payload, bool under_lock)
{
	Oid			index = RelationGetRelid(by_payload);
	BlockNumber pages;

	if (index == trusted_index && fs_clock_until(trusted_until) > 0)
		return;
	pages = fs_pending_list_pages(by_payload);
	if (pages <= PAGES_SHORT || is_left_to_worker(index, pages))
		return;
	if (under_lock && pages <= PAGES_TOO_LONG_UNDER_LOCK)
		return;
	empty_list(by_payload);
}

/*
 * The worker
 */

/* False if somebody has locked the index or its table against changes: other lists would have to wait as well. */
static bool
try_lock(Oid events, Oid index)
{
	return ConditionalLockRelationOid(events, AccessShareLock) && ConditionalLockRelationOid(index, RowExclusiveLock);
}

/* NULL if it is gone, or will be: REINDEX CONCURRENTLY drops an index that nobody is to use any more. */
static Relation
open_index(Oid index)
{
	Relation	by_payload;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(index)))
		return NULL;
	by_payload = index_open(index, NoLock);
	if (by_payload->rd_index->indisready)
		return by_payload;
	index_close(by_payload, NoLock);
	return NULL;
}

/* A VACUUM that is at the list keeps others from it. */
static void
empty_and_report(Relation by_payload)
{
	BlockNumber before = fs_pending_list_pages(by_payload);
	BlockNumber pages;

	pgstat_report_activity(STATE_RUNNING,
						   psprintf("emptying the pending list of %s", RelationGetRelationName(by_payload)));
	empty_list(by_payload);
	pages = fs_pending_list_pages(by_payload);
	if (pages > PAGES_SHORT)
		fs_pending_lists_return(RelationGetRelid(by_payload), pages >= before);
}

static void
shorten(Oid index)
{
	Oid			events = IndexGetRelation(index, true);
	Relation	by_payload;

	if (!OidIsValid(events))
		return;
	if (!try_lock(events, index))
	{
		fs_pending_lists_return(index, true);
		return;
	}
	by_payload = open_index(index);
	if (by_payload == NULL)
		return;
	empty_and_report(by_payload);
	index_close(by_payload, NoLock);
}

static void
shorten_in_transaction(Oid index)
{
	fs_pending_lists_take(index);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	shorten(index);
	CommitTransactionCommand();
	pgstat_report_stat(false);
}

/* Those that are called, or all long lists; returns whether there were any. */
static bool
shorten_lists(bool all)
{
	PendingList lists[MAX_PENDING_LISTS];
	int			count = fs_pending_lists_of_database(lists);

	for (int i = 0; i < count; i++)
	{
		fs_worker_attend();
		if (all || lists[i].is_called)
			shorten_in_transaction(lists[i].index);
	}
	return count > 0;
}

/* Returns when no list has been long for some time. */
static void
keep_lists_short(void)
{
	WakeupPoint *point = fs_wakeup_of_pending_lists();
	int64		idle_at = fs_clock_after(IDLE_TIME);
	int64		grown_at = fs_clock_now();

	while (fs_clock_until(idle_at) > 0)
	{
		uint64		generation = fs_wakeup_generation(point);
		bool		all = fs_clock_until(grown_at) == 0;

		fs_worker_attend();
		if (all)
			grown_at = fs_clock_after(GROWING_TIME);
		if (shorten_lists(all))
			idle_at = fs_clock_after(IDLE_TIME);
		(void) fs_worker_wait(point, generation, fs_clock_until(grown_at));
	}
}

/* PostgreSQL calls it by its name. */
void
factstr_pending_list_main(Datum argument)
{
	Oid			database;
	PendingList lists[MAX_PENDING_LISTS];

	fs_worker_begin(argument, &database);
	SetConfigOption("work_mem", WORKER_MEMORY, PGC_USERSET, PGC_S_OVERRIDE);
	keep_lists_short();
	fs_worker_slots_work_is_done();
	/* A session may have entered a list when it still saw this worker. */
	if (fs_pending_lists_of_database(lists) > 0)
		(void) fs_worker_slots_request(database);
	proc_exit(0);
}
