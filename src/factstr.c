/*
 * factstr.c
 *		The module's entry: settings, and the hooks that last as long as the session.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "compat.h"
#include "durability.h"
#include "settings.h"
#include "store.h"

PG_MODULE_MAGIC;

int			factstr_early_lock_release = FACTSTR_EARLY_RELEASE_FACTS_ONLY;
bool		factstr_notify = true;

static const struct config_enum_entry early_lock_release_options[] = {
	{"off", FACTSTR_EARLY_RELEASE_OFF, false},
	{"facts_only", FACTSTR_EARLY_RELEASE_FACTS_ONLY, false},
	{"always", FACTSTR_EARLY_RELEASE_ALWAYS, false},
	{"on", FACTSTR_EARLY_RELEASE_FACTS_ONLY, true},
	{NULL, 0, false}
};

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
	MarkGUCPrefixReserved("factstr");

	if (IsBinaryUpgrade)
		return;

	factstr_store_init();
	factstr_durability_init();
}
