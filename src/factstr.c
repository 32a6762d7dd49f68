/*
 * factstr.c
 *		The module's entry: settings, and the hooks that last as long as the session.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"

#include "append/lock.h"
#include "append/lock_wait.h"
#include "commit/alone.h"
#include "commit/durability.h"
#include "commit/group_flush.h"
#include "commit/in_flight.h"
#include "commit/listeners.h"
#include "commit/lock_times.h"
#include "commit/log_head.h"
#include "commit/notify.h"
#include "commit/pre_commit.h"
#include "commit/rows_out.h"
#include "commit/wakeup.h"
#include "compat.h"
#include "relations.h"
#include "settings.h"
#include "store_known.h"
#include "streams/lock.h"
#include "workers/databases.h"
#include "workers/delivery_slots.h"
#include "workers/launcher.h"
#include "workers/pending_lists.h"
#include "workers/worker_slots.h"

PG_MODULE_MAGIC;

int			factstr_early_lock_release = FACTSTR_EARLY_RELEASE_AUTO;
bool		factstr_notify = true;
bool		factstr_background_delivery = true;
int			factstr_delivery_workers = 2;
int			factstr_handler_timeout = 0;
bool		factstr_log_lock_times = false;

static const struct config_enum_entry early_lock_release_options[] = {
	{"off", FACTSTR_EARLY_RELEASE_OFF, false},
	{"facts_only", FACTSTR_EARLY_RELEASE_FACTS_ONLY, false},
	{"auto", FACTSTR_EARLY_RELEASE_AUTO, false},
	{"always", FACTSTR_EARLY_RELEASE_ALWAYS, false},
	{"on", FACTSTR_EARLY_RELEASE_AUTO, true},
	{NULL, 0, false}
};

static void
reserve_memory(void)
{
	fs_alone_reserve_memory();
	fs_in_flight_reserve_memory();
	fs_group_flush_reserve_memory();
	fs_listeners_reserve_memory();
	fs_log_head_reserve_memory();
	fs_wakeup_reserve_memory();
	fs_lock_wait_reserve_memory();
	fs_databases_reserve_memory();
	fs_delivery_slots_reserve_memory();
	fs_worker_slots_reserve_memory();
	fs_pending_lists_reserve_memory();
}

static shmem_startup_hook_type previous_startup = NULL;

/*
 * Creates the structures that are there only if every process has the library, and takes the memory of a large one
 * before others, such as the server's locks, grow into it.  After a crash, the server calls this again, with new
 * memory: what it knows of the old one is void.
 */
static void
take_memory(void)
{
	if (previous_startup)
		previous_startup();
	fs_alone_attach();
	fs_in_flight_attach();
	fs_group_flush_attach();
	fs_listeners_attach();
	fs_log_head_attach();
}

void		_PG_init(void);

void
_PG_init(void)
{
	DefineCustomEnumVariable("factstr.early_lock_release",
							 "When an append releases its locks before its commit is flushed to disk.",
							 "The client is answered after the flush in any case. auto: in all transactions that appended, "
							 "if the library is preloaded, so that readers wait for commits that are not on disk yet; otherwise as "
							 "facts_only. facts_only: in transactions that wrote nothing but facts. always: in all that "
							 "appended; without preloading, other sessions may see the transaction's other writes before "
							 "they are on disk. off: never. In PostgreSQL 16 and earlier, auto and facts_only leave out a session "
							 "that appends alone, and nothing but facts: there, its commits take less time in the usual order.",
							 &factstr_early_lock_release,
							 FACTSTR_EARLY_RELEASE_AUTO,
							 early_lock_release_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("factstr.notify",
							 "Send a notification on channel factstr for each committed batch.",
							 "If the library is preloaded, only while a session of the database listens.",
							 &factstr_notify,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("factstr.background_delivery",
							 "Deliver durable streams to subscribed functions in background workers.",
							 "off: factstr_deliver delivers by hand.",
							 &factstr_background_delivery,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("factstr.log_lock_times",
							 "Log when a session ends how long its appends waited for the append lock and held it.",
							 NULL,
							 &factstr_log_lock_times,
							 false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("factstr.delivery_workers",
							"How many background workers deliver the subscriptions of a database, at most.",
							"All databases of the server together have half of max_worker_processes.",
							&factstr_delivery_workers,
							2, 1, FACTSTR_MAX_DELIVERY_WORKERS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("factstr.handler_timeout",
							"How long a subscribed function may take for a batch in a background worker.",
							"0: as long as it likes. A statement_timeout of its subscriber holds, too.",
							&factstr_handler_timeout,
							0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	MarkGUCPrefixReserved("factstr");

	if (IsBinaryUpgrade)
		return;

	fs_relations_init();
	fs_store_known_init();
	fs_durability_init();
	fs_append_lock_init();
	fs_log_head_init();
	fs_notify_init();
	fs_lock_times_init();
	fs_pre_commit_init();
	fs_stream_lock_init();
	fs_wakeup_init();
	fs_databases_init();
	fs_launcher_init();
	if (process_shared_preload_libraries_in_progress)
	{
		compat_on_shared_memory_request(reserve_memory);
		previous_startup = shmem_startup_hook;
		shmem_startup_hook = take_memory;
		fs_listeners_init();
		fs_rows_out_init();
		fs_launcher_register();
	}
}
