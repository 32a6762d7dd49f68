/*
 * store.c
 *		Finds the store's tables and indexes.
 *
 * They live in the schema of the function that was called, whatever the search_path says. They are
 * compared with their definitions when they are found, and the result is kept for the session, until
 * one of them is changed.
 *
 * The other tables are looked into when they are used: nobody who does without
 * them should wait for a lock on them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "storage/lmgr.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "store.h"

static FactstrStore kept;
static bool store_is_known = false;

/* The indexes of the other tables, InvalidOid as long as they are not known. */
static Oid	index_of_streams = InvalidOid;
static Oid	index_of_redactions = InvalidOid;
static Oid	index_of_parked = InvalidOid;

/* What was found before this has changed may be found no more. */
static uint64 changes = 0;

/* The cached store, forgotten as soon as one of its relations changes or anything might have. */
static void
forget_store(Datum argument, Oid relation)
{
	changes++;
	if (relation == InvalidOid ||
		relation == kept.events ||
		relation == kept.by_sequence_number ||
		relation == kept.by_event_type ||
		relation == kept.by_payload ||
		relation == kept.by_idempotency_key ||
		relation == kept.streams ||
		relation == kept.redactions ||
		relation == kept.parked)
		store_is_known = false;
	if (!store_is_known || relation == index_of_streams)
		index_of_streams = InvalidOid;
	if (!store_is_known || relation == index_of_redactions)
		index_of_redactions = InvalidOid;
	if (!store_is_known || relation == index_of_parked)
		index_of_parked = InvalidOid;
}

void
fs_store_init(void)
{
	CacheRegisterRelcacheCallback(forget_store, (Datum) 0);
}

static void
look_up_log(Oid schema)
{
	Relation	events;

	kept.events = fs_definition_require_table(TABLE_EVENTS, schema);
	events = table_open(kept.events, AccessShareLock);
	fs_definition_require_columns(TABLE_EVENTS, events);
	kept.by_sequence_number = fs_definition_require_index(INDEX_OF_NUMBERS, events);
	kept.by_event_type = fs_definition_require_index(INDEX_OF_EVENT_TYPES, events);
	kept.by_payload = fs_definition_require_index(INDEX_OF_PAYLOADS, events);
	kept.by_idempotency_key = fs_definition_require_index(INDEX_OF_KEYS, events);
	table_close(events, NoLock);
}

/*
 * The flag is set first: a change that is noticed during the lookups takes it back.
 *
 * The library may be newer than the extension in the database: 0.1.0 had no redactions and no parked batches.  An
 * update makes the tables, and with the triggers it gives to the log it has every session look again.
 */
static void
look_up_store(Oid schema)
{
	store_is_known = true;
	PG_TRY();
	{
		look_up_log(schema);
		kept.streams = fs_definition_require_table(TABLE_STREAMS, schema);
		kept.redactions = get_relname_relid(fs_definition_table_name(TABLE_REDACTIONS), schema);
		kept.parked = get_relname_relid(fs_definition_table_name(TABLE_PARKED), schema);
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
	Oid			events = OidIsValid(schema) ? fs_definition_require_table(TABLE_EVENTS, schema) :
	kept.events;

	LockRelationOid(events, AccessShareLock);
	if (!store_is_known && OidIsValid(schema))
		look_up_store(schema);
	if (store_is_known && kept.events == events)
		return true;
	UnlockRelationOid(events, AccessShareLock);
	return false;
}

/* The store that the called function belongs to. */
FactstrStore
fs_store_of_call(FunctionCallInfo fcinfo)
{
	while (!lock_store(store_is_known ? InvalidOid :
					   get_func_namespace(fcinfo->flinfo->fn_oid)))
		continue;
	return kept;
}

/* The index of a table that is open: compared with its definition, as the table is, unless it is known. */
static Oid
index_of_table(Oid *known, TableId table_id, IndexId index_id, Relation table)
{
	uint64		changes_before = changes;
	Oid			index = *known;

	if (OidIsValid(index))
		return index;
	fs_definition_require_columns(table_id, table);
	index = fs_definition_require_index(index_id, table);
	if (changes == changes_before)
		*known = index;
	return index;
}

/* By name. */
Oid
fs_store_index_of_streams(Relation streams)
{
	return index_of_table(&index_of_streams, TABLE_STREAMS, INDEX_OF_STREAMS, streams);
}

Relation
fs_store_open_streams(const FactstrStore *store, LOCKMODE lock)
{
	Relation	streams = table_open(store->streams, lock);

	(void) fs_store_index_of_streams(streams);
	return streams;
}

/* By the number of the fact. */
Oid
fs_store_index_of_redactions(Relation redactions)
{
	return index_of_table(&index_of_redactions, TABLE_REDACTIONS, INDEX_OF_REDACTIONS, redactions);
}

Relation
fs_store_open_redactions(const FactstrStore *store, LOCKMODE lock)
{
	Relation	redactions = table_open(store->redactions, lock);

	(void) fs_store_index_of_redactions(redactions);
	return redactions;
}

/* By stream and first number. */
Oid
fs_store_index_of_parked(Relation parked)
{
	return index_of_table(&index_of_parked, TABLE_PARKED, INDEX_OF_PARKED, parked);
}

Relation
fs_store_open_parked(const FactstrStore *store, LOCKMODE lock)
{
	Relation	parked = table_open(store->parked, lock);

	(void) fs_store_index_of_parked(parked);
	return parked;
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

/* For background workers: the store of the database they are in; false if there is none. */
bool
fs_store_of_database(FactstrStore *result)
{
	bool		is_locked = false;

	while (!is_locked)
	{
		FormData_pg_extension extension = {0};

		if (!store_is_known && !fs_store_find_extension(&extension))
			return false;
		is_locked = lock_store(extension.extnamespace);
	}
	*result = kept;
	return true;
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
