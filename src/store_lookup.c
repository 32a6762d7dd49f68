/*
 * store_lookup.c
 *		Finds the tables and indexes of a log.
 *
 * They are in the schema of the function that was called; search_path is not used.  The extension's script
 * creates those of the log "main", and factstr_create_log those of others, under names derived from the log's
 * (definition.c).  They are compared with their definitions when they are found, and the result is kept for the
 * session, until one of them is changed (store_known.c).  So a call finds its log without reading a catalog.
 *
 * The table of records says which other logs exist, and which are sealed.  It is read when a log is looked up;
 * creating, sealing and dropping a log invalidate its table in all sessions.
 *
 * The other tables are opened when they are used: a call that does not use them must not wait for a lock on them.
 */
#include "postgres.h"

#include "access/table.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "log_names.h"
#include "log_records.h"
#include "rows.h"
#include "store.h"
#include "store_known.h"

/*
 * Looking up
 */

static void
look_up_log(FactstrStore *store, Oid schema)
{
	Relation	events;

	store->events = fs_definition_require_table(TABLE_EVENTS, store->log, schema);
	events = table_open(store->events, AccessShareLock);
	fs_definition_require_columns(TABLE_EVENTS, events);
	store->by_sequence_number = fs_definition_require_index(INDEX_OF_NUMBERS, store->log, events);
	store->by_event_type = fs_definition_require_index(INDEX_OF_EVENT_TYPES, store->log, events);
	store->by_payload = fs_definition_require_index(INDEX_OF_PAYLOADS, store->log, events);
	store->by_idempotency_key = fs_definition_require_index(INDEX_OF_KEYS, store->log, events);
	table_close(events, NoLock);
}

static void
remember_relations(KnownLog *known)
{
	const FactstrStore *store = &known->store;

	fs_store_known_relation(known, store->events);
	fs_store_known_relation(known, store->by_sequence_number);
	fs_store_known_relation(known, store->by_event_type);
	fs_store_known_relation(known, store->by_payload);
	fs_store_known_relation(known, store->by_idempotency_key);
	fs_store_known_relation(known, store->redactions);
	fs_store_known_relation(known, store->rights);
}

static Oid
shared_table(TableId id, Oid table)
{
	fs_store_known_shared_table(id, table);
	return table;
}

/* False if there is no such log. */
static bool
look_up(KnownLog *known, Oid schema)
{
	FactstrStore *store = &known->store;
	Oid			records = shared_table(TABLE_LOG_RECORDS, fs_log_find_table(TABLE_LOG_RECORDS, known->log, schema));

	strlcpy(store->log, known->log, sizeof(store->log));
	if (!fs_log_record_find(schema, store->log, &store->is_sealed) && !fs_store_is_main(store))
		return false;
	look_up_log(store, schema);
	store->rights = InvalidOid;
	if (OidIsValid(records))
		store->rights = fs_store_require_rights(store->log, schema);
	store->streams = shared_table(TABLE_STREAMS, fs_definition_require_table(TABLE_STREAMS, store->log, schema));
	store->redactions = fs_log_find_table(TABLE_REDACTIONS, store->log, schema);
	store->parked = shared_table(TABLE_PARKED, fs_log_find_table(TABLE_PARKED, store->log, schema));
	remember_relations(known);
	return true;
}

/* In a database that still has 0.1.0 some tables are missing.  An update makes every session look again. */
static void
look_up_store(KnownLog *known, Oid schema)
{
	volatile bool found = false;

	fs_store_known_begin(known);
	PG_TRY();
	{
		found = look_up(known, schema);
	}
	PG_FINALLY();
	{
		fs_store_known_end(known, found);
	}
	PG_END_TRY();
}

/*
 * Locks the log against changes of its shape until the end of the transaction, before its indexes
 * are looked up: waiting for the lock, the session learns of changes that others have made. False
 * if the session's knowledge of the store has turned out to be outdated: the log may have been dropped.
 */
static bool
lock_store(KnownLog *known, Oid schema)
{
	Oid			events = fs_store_known_is_current(known) ? known->store.events :
	fs_log_find_table(TABLE_EVENTS, known->log, schema);

	if (!OidIsValid(events))
	{
		if (fs_log_exists(schema, known->log))
			(void) fs_definition_require_table(TABLE_EVENTS, known->log, schema);
		return false;
	}
	LockRelationOid(events, AccessShareLock);
	if (!fs_store_known_is_current(known) && OidIsValid(schema))
		look_up_store(known, schema);
	if (fs_store_known_is_current(known) && known->store.events == events)
		return true;
	UnlockRelationOid(events, AccessShareLock);
	return false;
}

/* The log of this name in the schema of the extension, locked. */
FactstrStore
fs_store_of_name(Oid schema, const char *log)
{
	KnownLog   *known = fs_store_known_find_or_add(schema, log);

	if (known == NULL)
		fs_log_record_refuse_missing(log);
	while (!lock_store(known, schema))
	{
		if (!fs_log_exists(schema, log))
			fs_log_record_refuse_missing(log);
	}
	return known->store;
}

/* The same if the session knows it, which takes no look into a catalog. */
bool
fs_store_of_known(const char *log, FactstrStore *result)
{
	KnownLog   *known = fs_store_known_find(log);

	if (unlikely(known == NULL || !fs_store_known_is_current(known) || !lock_store(known, InvalidOid)))
		return false;
	*result = known->store;
	return true;
}

/* Raises an error if the log is sealed.  The caller holds the append lock, which sealing also takes. */
void
fs_store_refuse_sealed(const FactstrStore *store)
{
	KnownLog   *known = fs_store_known_find(store->log);
	bool		is_sealed;

	AcceptInvalidationMessages();
	if (likely(known != NULL && fs_store_known_is_current(known)))
		is_sealed = known->store.is_sealed;
	else
		(void) fs_log_record_find(fs_store_schema(store), store->log, &is_sealed);
	if (unlikely(is_sealed))
		fs_log_record_refuse_sealed(store->log);
}

/* The index of a table that is open: compared with its definition, as the table is, unless it is known. */
static Oid
index_of_table(Oid *known, TableId table_id, IndexId index_id, const char *log, Relation table)
{
	uint64		changes_before = fs_store_known_changes();
	Oid			index = *known;

	if (OidIsValid(index))
		return index;
	fs_definition_require_columns(table_id, table);
	index = fs_definition_require_index(index_id, log, table);
	if (fs_store_known_changes() == changes_before)
		*known = index;
	return index;
}

/* By name and log; in 0.1.0, which had no other logs, by name. */
Oid
fs_store_index_of_streams(Relation streams)
{
	bool		has_logs = fs_row_log_column(RelationGetDescr(streams)) != InvalidAttrNumber;

	return index_of_table(fs_store_known_shared_index(SHARED_INDEX_OF_STREAMS), TABLE_STREAMS,
						  has_logs ? INDEX_OF_STREAMS : INDEX_OF_STREAMS_0_1, FACTSTR_MAIN_LOG, streams);
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
fs_store_index_of_redactions(const FactstrStore *store, Relation redactions)
{
	KnownLog   *known = fs_store_known_find(store->log);
	Oid			index;

	/* All may have been forgotten since the call has found its log. */
	if (!fs_store_known_is_current(known))
		known->index_of_redactions = InvalidOid;
	index = index_of_table(&known->index_of_redactions, TABLE_REDACTIONS, INDEX_OF_REDACTIONS, store->log, redactions);
	fs_store_known_relation(known, index);
	return index;
}

Relation
fs_store_open_redactions(const FactstrStore *store, LOCKMODE lock)
{
	Relation	redactions = table_open(store->redactions, lock);

	(void) fs_store_index_of_redactions(store, redactions);
	return redactions;
}

/* By log, stream and first number. */
Oid
fs_store_index_of_parked(Relation parked)
{
	return index_of_table(fs_store_known_shared_index(SHARED_INDEX_OF_PARKED), TABLE_PARKED, INDEX_OF_PARKED,
						  FACTSTR_MAIN_LOG, parked);
}

Relation
fs_store_open_parked(const FactstrStore *store, LOCKMODE lock)
{
	Relation	parked = table_open(store->parked, lock);

	(void) fs_store_index_of_parked(parked);
	return parked;
}

/* For background workers: a log of the database they are in, locked; false if there is none. */
bool
fs_store_of_database(const char *log, FactstrStore *result)
{
	while (!fs_store_of_known(log, result))
	{
		FormData_pg_extension extension;
		KnownLog   *known;

		if (!fs_store_find_extension(&extension) || !fs_log_exists(extension.extnamespace, log))
			return false;
		known = fs_store_known_find_or_add(extension.extnamespace, log);
		/* It may have been dropped since. */
		if (known == NULL)
			return false;
		(void) lock_store(known, extension.extnamespace);
	}
	return true;
}
