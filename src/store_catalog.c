/*
 * store_catalog.c
 *		The extension and the tables of a log in PostgreSQL's catalogs.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "log_names.h"
#include "relations.h"
#include "store.h"

bool
fs_store_is_main(const FactstrStore *store)
{
	return strcmp(store->log, FACTSTR_MAIN_LOG) == 0;
}

/* The schema of the extension. */
Oid
fs_store_schema(const FactstrStore *store)
{
	return get_rel_namespace(store->events);
}

Oid
fs_store_owner(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "relation %u does not exist", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The view on which rights on a log are granted.  Without it, the log would be open to all roles; 0.1.0 had none. */
Oid
fs_store_require_rights(const char *log, Oid schema)
{
	char	   *name = fs_log_rights_name(log);
	Oid			view = fs_relation_named(name, schema);

	if (!OidIsValid(view))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" of extension factstr is missing from schema \"%s\"", name,
						get_namespace_name(schema)),
				 errhint("Create it: CREATE VIEW %s AS SELECT %s::text AS log.",
						 quote_qualified_identifier(get_namespace_name(schema), name), quote_literal_cstr(log))));
	pfree(name);
	return view;
}

/* The extension in this database, as its catalog has it; false if it is not there. */
bool
fs_store_find_extension(FormData_pg_extension *extension)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("factstr"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		memcpy(extension, GETSTRUCT(tuple), sizeof(*extension));
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/*
 * The subscription of logical replication that has the log among its tables, disabled or not, or InvalidOid.
 * Lists are cached, empty ones too, so each append can afford to ask.
 */
Oid
fs_store_subscription(const FactstrStore *store)
{
	CatCList   *list = SearchSysCacheList1(SUBSCRIPTIONRELMAP, ObjectIdGetDatum(store->events));
	Oid			subscription = InvalidOid;

	if (list->n_members > 0)
		subscription = ((Form_pg_subscription_rel)
						GETSTRUCT(&list->members[0]->tuple))->srsubid;
	ReleaseSysCacheList(list);
	return subscription;
}

/*
 * Does the trigger keep everybody from deleting facts?  It may be disabled, and 0.1.0 had none.
 */
bool
fs_store_is_guarded(const FactstrStore *store)
{
	Relation	events = table_open(store->events, NoLock);
	TriggerDesc *triggers = events->trigdesc;
	bool		is_guarded = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !is_guarded; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		is_guarded = strcmp(trigger->tgname, "factstr_events_stay") == 0 &&
			TRIGGER_FOR_DELETE(trigger->tgtype) && TRIGGER_FOR_TRUNCATE(trigger->tgtype) &&
			trigger->tgenabled == TRIGGER_FIRES_ALWAYS;
	}
	table_close(events, NoLock);
	return is_guarded;
}
