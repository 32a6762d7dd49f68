/*
 * store_glance.c
 *		A log as views look at it: how far it is.
 *
 * A view may look at thousands of logs, each once in a session.  So only the indexes that it reads are looked up and
 * compared with their definitions, and no log is kept.
 */
#include "postgres.h"

#include "access/table.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "log_names.h"
#include "log_records.h"
#include "relations.h"
#include "store.h"

/* The tables of a log whose table of events is locked, and the index of its numbers. */
static void
glance_at_tables(FactstrStore *store, Oid schema)
{
	Relation	events = table_open(store->events, NoLock);

	fs_definition_require_columns(TABLE_EVENTS, events);
	store->by_sequence_number = fs_definition_require_index(INDEX_OF_NUMBERS, store->log, events);
	table_close(events, NoLock);
	store->rights = fs_store_require_rights(store->log, schema);
	store->redactions = fs_definition_require_table(TABLE_REDACTIONS, store->log, schema);
}

/*
 * Another log than main, locked, without its other indexes and the shared tables; false if there is none.  As
 * elsewhere, its lock comes first: a session that waits for it learns of the changes that others have made.
 */
bool
fs_store_glance(Oid schema, const char *log, FactstrStore *store)
{
	if (fs_store_of_known(log, store))
		return true;
	fs_relations_expect(schema);
	memset(store, 0, sizeof(*store));
	strlcpy(store->log, log, sizeof(store->log));
	for (;;)
	{
		store->events = fs_log_find_table(TABLE_EVENTS, log, schema);
		if (OidIsValid(store->events))
			LockRelationOid(store->events, AccessShareLock);
		if (!fs_log_record_find(schema, log, &store->is_sealed))
			return false;
		if (fs_definition_require_table(TABLE_EVENTS, log, schema) == store->events)
			break;
		if (OidIsValid(store->events))
			UnlockRelationOid(store->events, AccessShareLock);
	}
	glance_at_tables(store, schema);
	return true;
}

/* Its index by payload, which only a view of how long the pending list is reads. */
Oid
fs_store_glance_payloads(const FactstrStore *store)
{
	Relation	events;
	Oid			index = store->by_payload;

	if (OidIsValid(index))
		return index;
	events = table_open(store->events, NoLock);
	index = fs_definition_require_index(INDEX_OF_PAYLOADS, store->log, events);
	table_close(events, NoLock);
	return index;
}
