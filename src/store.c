/*
 * store.c
 *		Finds the store's tables and indexes.
 *
 * They live in the schema of the function that was called, whatever the search_path says. The
 * result is kept for the session, until one of them is changed.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

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
		relation == store.streams_by_name)
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

/* The store that the called function belongs to. */
FactstrStore
factstr_store(FunctionCallInfo fcinfo)
{
	Oid			schema;

	if (store_is_known)
		return store;

	schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	store.events = find_relation(schema, "factstr_events");
	store.by_sequence_number = find_relation(schema, "factstr_events_pkey");
	store.by_event_type = find_relation(schema, "factstr_events_event_type_idx");
	store.by_payload = find_relation(schema, "factstr_events_payload_idx");
	store.by_idempotency_key = find_relation(schema, "factstr_events_idempotency_key_idx");
	store.streams = find_relation(schema, "factstr_streams");
	store.streams_by_name = find_relation(schema, "factstr_streams_pkey");
	store_is_known = true;
	return store;
}
