/*
 * commit/listeners.c
 *		Whether a session of this database listens for notifications.
 *
 * A notification costs its commit a server-wide lock, even if nobody listens, and PostgreSQL does not report
 * whether somebody does.  So if the library is in every process, each session that executes LISTEN, for any
 * channel, is counted until it ends, and a commit sends no notification while the count is zero.
 *
 * A listening session reads the log after its LISTEN, and relies on a notification of each later commit.  A
 * commit that has seen no listener and is not visible yet would be missed by both.  So such commits are counted
 * as well, until they are visible, and LISTEN waits for them.  That takes microseconds, or as long as a flush: they are
 * counted just before the commit, and commits that wait for standbys send their notifications.
 *
 * Counts are shared by hash: then a notification is sent unnecessarily, or a LISTEN waits unnecessarily, but
 * never too briefly.  Extensions that listen in C without the statement are not seen.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "tcop/utility.h"

#include "commit/durability.h"
#include "commit/listeners.h"
#include "compat.h"
#include "shared_memory.h"

#define PLACES 32

/* The interval at which a LISTEN checks whether the pending commits have become visible.  In ms. */
#define LOOK_INTERVAL 1

/* The counts of all databases with the same hash. */
typedef struct Place
{
	pg_atomic_uint32 listeners; /* sessions */
	pg_atomic_uint32 silent_commits;	/* under way, and without notifications */
} Place;

static Place * places = NULL;	/* stays NULL if the library is not preloaded */
static ProcessUtility_hook_type previous_utility = NULL;

static bool is_counted = false;
static bool commits_silently = false;

static Place *
my_place(void)
{
	return &places[murmurhash32(MyDatabaseId) % PLACES];
}

/*
 * Sessions
 */

static void
leave(int code, Datum argument)
{
	pg_atomic_fetch_sub_u32(&my_place()->listeners, 1);
}

static void
wait_for_silent_commits(void)
{
	while (pg_atomic_read_u32(&my_place()->silent_commits) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_INTERVAL,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* Called before each LISTEN, not only the first: a cancelled LISTEN may have waited too briefly. */
static void
join(void)
{
	if (!is_counted)
	{
		before_shmem_exit(leave, (Datum) 0);
		is_counted = true;
		pg_atomic_fetch_add_u32(&my_place()->listeners, 1);
	}
	if (!commits_silently)
		wait_for_silent_commits();
}

static void
utility(PlannedStmt *statement, const char *query COMPAT_READ_ONLY_TREE,
		ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment *environment,
		DestReceiver *receiver, QueryCompletion *completion)
{
	ProcessUtility_hook_type next = previous_utility ? previous_utility : standard_ProcessUtility;

	if (IsA(statement->utilityStmt, ListenStmt))
		join();
	next(statement, query COMPAT_PASS_READ_ONLY_TREE, context, parameters, environment, receiver,
		 completion);
}

/*
 * Commits
 */

/* Before a commit: true if it needs no notifications, because no session would receive them. */
bool
fs_listeners_begin_silent_commit(void)
{
	if (places == NULL || fs_durability_waits_for_standbys())
		return false;
	Assert(!commits_silently);
	pg_atomic_fetch_add_u32(&my_place()->silent_commits, 1);
	commits_silently = pg_atomic_read_u32(&my_place()->listeners) == 0;
	if (!commits_silently)
		pg_atomic_fetch_sub_u32(&my_place()->silent_commits, 1);
	return commits_silently;
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	if (!commits_silently || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	commits_silently = false;
	pg_atomic_fetch_sub_u32(&my_place()->silent_commits, 1);
}

/*
 * Memory
 */

#define MEMORY_SIZE (PLACES * sizeof(Place))

void
fs_listeners_reserve_memory(void)
{
	RequestAddinShmemSpace(MEMORY_SIZE);
}

static void
initialize(void *structure)
{
	Place	   *all = structure;

	for (int i = 0; i < PLACES; i++)
	{
		pg_atomic_init_u32(&all[i].listeners, 0);
		pg_atomic_init_u32(&all[i].silent_commits, 0);
	}
}

void
fs_listeners_attach(void)
{
	places = fs_shared_memory_attach("factstr listeners 0.2", MEMORY_SIZE, initialize);
}

/* Called if the library is preloaded: otherwise a session without the library would not be counted. */
void
fs_listeners_init(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	RegisterXactCallback(on_transaction_event, NULL);
}
