/*
 * factstr.c
 *		The module's entry: settings, and the hooks that last as long as the session.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "append_lock.h"
#include "compat.h"
#include "durability.h"
#include "launcher.h"
#include "notify.h"
#include "settings.h"
#include "store.h"
#include "stream_lock.h"
#include "wakeup.h"
#include "worker_slots.h"

PG_MODULE_MAGIC;

int			factstr_early_lock_release = FACTSTR_EARLY_RELEASE_FACTS_ONLY;
bool		factstr_notify = true;
bool		factstr_background_delivery = true;

static const struct config_enum_entry early_lock_release_options[] = {
	{"off", FACTSTR_EARLY_RELEASE_OFF, false},
	{"facts_only", FACTSTR_EARLY_RELEASE_FACTS_ONLY, false},
	{"always", FACTSTR_EARLY_RELEASE_ALWAYS, false},
	{"on", FACTSTR_EARLY_RELEASE_FACTS_ONLY, true},
	{NULL, 0, false}
};

static void
reserve_memory(void)
{
	wakeup_reserve_memory();
	worker_slots_reserve_memory();
}

void		_PG_init(void);

void
_PG_init(void)
{
	DefineCustomEnumVariable("factstr.early_lock_release",
							 "When an append releases its locks before its commit is flushed to disk.",
							 "The client is answered after the flush in any case. facts_only: in transactions that "
							 "wrote nothing but facts. always: in all that appended; then other sessions may see the "
							 "transaction's other writes before they are on disk. off: never.",
							 &factstr_early_lock_release,
							 FACTSTR_EARLY_RELEASE_FACTS_ONLY,
							 early_lock_release_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("factstr.notify",
							 "Send a notification on channel factstr for each committed batch.",
							 NULL,
							 &factstr_notify,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("factstr.background_delivery",
							 "Deliver durable streams to subscribed functions in background workers.",
							 "off: factstr_deliver delivers by hand.",
							 &factstr_background_delivery,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("factstr");

	if (IsBinaryUpgrade)
		return;

	factstr_store_init();
	factstr_durability_init();
	append_lock_init();
	factstr_notify_init();
	stream_lock_init();
	wakeup_init();
	launcher_init();
	if (process_shared_preload_libraries_in_progress)
	{
		factstr_on_shared_memory_request(reserve_memory);
		launcher_register();
	}
}
