/*
 * store.c
 *		Finds the store's tables and indexes.
 *
 * They live in the schema of the function that was called, whatever the search_path says. The
 * result is kept for the session, until one of them is changed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "store.h"

static FactstrStore store;
static bool store_is_known = false;

/* The cached store, forgotten as soon as one of its relations changes or anything might have. */
static void
forget_store(Datum argument, Oid relation)
{
	if (relation == InvalidOid ||
		relation == store.events ||
		relation == store.by_sequence_number ||
		relation == store.by_event_type ||
		relation == store.by_payload ||
		relation == store.by_idempotency_key ||
		relation == store.streams ||
		relation == store.redactions ||
		relation == store.redactions_by_number)
		store_is_known = false;
}

void
factstr_store_init(void)
{
	CacheRegisterRelcacheCallback(forget_store, (Datum) 0);
}

static Oid
find_relation(Oid schema, const char *name)
{
	Oid			relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" of extension factstr is missing from schema \"%s\"",
						name, get_namespace_name(schema)),
				 errhint("Restore it, or drop the extension and create it again.")));
	return relation;
}

/*
 * Answers come from the indexes, so one that is still being built, or of which a part is left out,
 * would make them wrong.
 */
static Oid
find_index(Oid schema, const char *name, bool is_partial)
{
	Oid			oid = find_relation(schema, name);
	Relation	index = index_open(oid, AccessShareLock);
	bool		usable = (index->rd_index->indisvalid &&
						  (RelationGetIndexPredicate(index) != NIL) == is_partial);

	index_close(index, NoLock);
	if (!usable)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of extension factstr is not usable", name),
				 errdetail("It is invalid, as an index is while it is built concurrently and after that has failed, or not defined as the extension defines it."),
				 errhint("Wait until it is built, or drop it and create it again.")));
	return oid;
}

/*
 * The library may be newer than the extension in the database: 0.1.0 had no redactions.  An update makes the
 * table, and with the triggers it gives to the log it has every session look again.
 */
static void
look_up_redactions(Oid schema)
{
	store.redactions = get_relname_relid("factstr_redactions", schema);
	store.redactions_by_number = !OidIsValid(store.redactions) ? InvalidOid :
		find_index(schema, "factstr_redactions_sequence_number_idx", false);
}

/*
 * The flag is set first: a change that is noticed during the lookups takes it back.
 */
static void
look_up_store(Oid schema)
{
	store_is_known = true;
	PG_TRY();
	{
		store.events = find_relation(schema, "factstr_events");
		store.by_sequence_number = find_index(schema, "factstr_events_pkey", false);
		store.by_event_type = find_index(schema, "factstr_events_event_type_idx", false);
		store.by_payload = find_index(schema, "factstr_events_payload_idx", false);
		store.by_idempotency_key = find_index(schema, "factstr_events_idempotency_key_idx", true);
		store.streams = find_relation(schema, "factstr_streams");
		look_up_redactions(schema);
	}
	PG_CATCH();
	{
		store_is_known = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Locks the log against changes of its shape until the end of the transaction, before its indexes
 * are looked up: waiting for the lock, the session learns of changes that others have made. False
 * if what is known of the store has turned out to be outdated.
 */
static bool
lock_store(Oid schema)
{
	Oid			events = OidIsValid(schema) ? find_relation(schema, "factstr_events") : store.events;

	LockRelationOid(events, AccessShareLock);
	if (!store_is_known && OidIsValid(schema))
		look_up_store(schema);
	if (store_is_known && store.events == events)
		return true;
	UnlockRelationOid(events, AccessShareLock);
	return false;
}

/* The store that the called function belongs to. */
FactstrStore
factstr_store(FunctionCallInfo fcinfo)
{
	while (!lock_store(store_is_known ? InvalidOid :
					   get_func_namespace(fcinfo->flinfo->fn_oid)))
		continue;
	return store;
}

/* The schema of the extension in this database, InvalidOid if it is not there. */
static Oid
schema_of_extension(void)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	Oid			schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("factstr"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return schema;
}

/* For background workers: the store of the database they are in; false if there is none. */
bool
factstr_store_of_database(FactstrStore *result)
{
	bool		is_locked = false;

	while (!is_locked)
	{
		Oid			schema = store_is_known ? InvalidOid : schema_of_extension();

		if (!store_is_known && !OidIsValid(schema))
			return false;
		is_locked = lock_store(schema);
	}
	*result = store;
	return true;
}
