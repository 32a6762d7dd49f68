/*
 * store.c
 *		Finds the tables and indexes of a log.
 *
 * They live in the schema of the function that was called, whatever the search_path says.  The extension's script
 * creates those of the log "main", and factstr_create_log those of others, under names derived from the log's
 * (definition.c).  They are compared with their definitions when they are found, and the result is kept for the
 * session, until one of them is changed.  So a call finds its log without a look into a catalog.
 *
 * The table of records says which other logs exist, and which are sealed.  It is read when a log is looked up;
 * creating, sealing and dropping a log invalidate its table in all sessions.
 *
 * The other tables are opened when they are used: a call that does not use them must not wait for a lock on them.
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "compat.h"
#include "log_names.h"
#include "log_records.h"
#include "rows.h"
#include "store.h"

/* A log that this session has used. */
typedef struct KnownLog
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];	/* the key */
	FactstrStore store;
	bool		is_known;		/* if the generation is the present one */
	uint64		generation;
	Oid			index_of_redactions;	/* InvalidOid as long as it is not known */
} KnownLog;

/* To which of them a relation belongs. */
typedef struct KnownRelation
{
	Oid			relation;		/* the key */
	KnownLog   *log;
} KnownRelation;

/* Created when they are needed.  Entries are never removed, because a session uses few. */
static HTAB *logs = NULL;
static HTAB *relations = NULL;

/* Most sessions use no other. */
static KnownLog main_log;

/* Of the tables that logs share. */
static Oid	shared_tables[TABLES];
static Oid	index_of_streams = InvalidOid;
static Oid	index_of_parked = InvalidOid;

static uint64 generation = 1;	/* results of look-ups in an earlier one may be outdated */
static uint64 changes = 0;		/* of anything */

static bool
is_known(const KnownLog *known)
{
	return known->is_known && known->generation == generation;
}

/* Forgets all logs. */
static void
forget_all(void)
{
	generation++;
	index_of_streams = InvalidOid;
	index_of_parked = InvalidOid;
}

static bool
is_shared_table(Oid relation)
{
	for (TableId id = TABLES_OF_A_LOG; id < TABLES; id++)
	{
		if (shared_tables[id] == relation)
			return true;
	}
	return false;
}

/*
 * A log is forgotten as soon as one of its relations changes, all of them as soon as anything might have.  May be
 * called at any time.
 */
static void
forget_relation(Datum argument, Oid relation)
{
	KnownRelation *known = NULL;

	changes++;
	if (relation == InvalidOid || is_shared_table(relation))
	{
		forget_all();
		return;
	}
	if (relation == index_of_streams)
		index_of_streams = InvalidOid;
	if (relation == index_of_parked)
		index_of_parked = InvalidOid;
	if (relations != NULL)
		known = hash_search(relations, &relation, HASH_FIND, NULL);
	if (known != NULL)
	{
		known->log->is_known = false;
		known->log->index_of_redactions = InvalidOid;
	}
}

void
fs_store_init(void)
{
	strlcpy(main_log.log, FACTSTR_MAIN_LOG, sizeof(main_log.log));
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
}

/* In memory that lasts. */
static HTAB *
make_table(const char *name, Size key_size, Size entry_size, int flags)
{
	HASHCTL		control = {0};

	control.keysize = key_size;
	control.entrysize = entry_size;
	control.hcxt = TopMemoryContext;
	return hash_create(name, 64, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

/* NULL if this session has not used the log. */
static KnownLog *
find_known(const char *log)
{
	if (likely(strcmp(log, FACTSTR_MAIN_LOG) == 0))
		return &main_log;
	return logs == NULL ? NULL : hash_search(logs, log, HASH_FIND, NULL);
}

static KnownLog *
add_known(const char *log)
{
	KnownLog   *known;

	if (logs == NULL)
		logs = make_table("factstr logs", sizeof(main_log.log), sizeof(KnownLog), HASH_STRINGS);
	known = hash_search(logs, log, HASH_ENTER, NULL);
	memset((char *) known + sizeof(known->log), 0, sizeof(KnownLog) - sizeof(known->log));
	return known;
}

/* NULL if there is no such log: names of none are not kept. */
static KnownLog *
find_or_add_known(Oid schema, const char *log)
{
	KnownLog   *known = find_known(log);

	if (known == NULL && fs_log_exists(schema, log))
		known = add_known(log);
	return known;
}

static void
remember_relation(KnownLog *known, Oid relation)
{
	KnownRelation *entry;
	bool		found;

	if (!OidIsValid(relation))
		return;
	if (relations == NULL)
		relations = make_table("factstr relations", sizeof(Oid), sizeof(KnownRelation), HASH_BLOBS);
	entry = hash_search(relations, &relation, HASH_ENTER, &found);
	entry->log = known;
}

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

	remember_relation(known, store->events);
	remember_relation(known, store->by_sequence_number);
	remember_relation(known, store->by_event_type);
	remember_relation(known, store->by_payload);
	remember_relation(known, store->by_idempotency_key);
	remember_relation(known, store->redactions);
	remember_relation(known, store->rights);
}

/* False if there is no such log. */
static bool
look_up(KnownLog *known, Oid schema)
{
	FactstrStore *store = &known->store;

	strlcpy(store->log, known->log, sizeof(store->log));
	shared_tables[TABLE_LOG_RECORDS] = fs_log_find_table(TABLE_LOG_RECORDS, store->log, schema);
	if (!fs_log_record_find(schema, store->log, &store->is_sealed) && known != &main_log)
		return false;
	look_up_log(store, schema);
	store->rights = InvalidOid;
	if (OidIsValid(shared_tables[TABLE_LOG_RECORDS]))
		store->rights = fs_store_require_rights(store->log, schema);
	store->streams = shared_tables[TABLE_STREAMS] = fs_definition_require_table(TABLE_STREAMS, store->log, schema);
	store->redactions = fs_log_find_table(TABLE_REDACTIONS, store->log, schema);
	store->parked = shared_tables[TABLE_PARKED] = fs_log_find_table(TABLE_PARKED, store->log, schema);
	remember_relations(known);
	return true;
}

/*
 * The flag is set first: a change that is noticed during the lookups takes it back.  So does a change of a relation
 * that is remembered only now, since then the number of changes is another one.
 *
 * In a database that still has 0.1.0 some tables are missing.  An update makes every session look again.
 */
static void
look_up_store(KnownLog *known, Oid schema)
{
	uint64		changes_before = changes;

	known->is_known = true;
	known->generation = generation;
	known->index_of_redactions = InvalidOid;
	PG_TRY();
	{
		if (!look_up(known, schema))
			known->is_known = false;
	}
	PG_CATCH();
	{
		known->is_known = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (changes != changes_before)
		known->is_known = false;
}

/*
 * Locks the log against changes of its shape until the end of the transaction, before its indexes
 * are looked up: waiting for the lock, the session learns of changes that others have made. False
 * if the session's knowledge of the store has turned out to be outdated: the log may have been dropped.
 */
static bool
lock_store(KnownLog *known, Oid schema)
{
	Oid			events = is_known(known) ? known->store.events :
	fs_log_find_table(TABLE_EVENTS, known->log, schema);

	if (!OidIsValid(events))
	{
		if (fs_log_exists(schema, known->log))
			(void) fs_definition_require_table(TABLE_EVENTS, known->log, schema);
		return false;
	}
	LockRelationOid(events, AccessShareLock);
	if (!is_known(known) && OidIsValid(schema))
		look_up_store(known, schema);
	if (is_known(known) && known->store.events == events)
		return true;
	UnlockRelationOid(events, AccessShareLock);
	return false;
}

/* The log of this name in the schema of the extension, locked. */
FactstrStore
fs_store_of_name(Oid schema, const char *log)
{
	KnownLog   *known = find_or_add_known(schema, log);

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
	KnownLog   *known = find_known(log);

	if (unlikely(known == NULL || !is_known(known) || !lock_store(known, InvalidOid)))
		return false;
	*result = known->store;
	return true;
}

/* Nothing is appended to a sealed log.  For the holder of the append lock, which the one who seals it has had, too. */
void
fs_store_refuse_sealed(const FactstrStore *store)
{
	KnownLog   *known = find_known(store->log);
	bool		is_sealed = store->is_sealed;

	AcceptInvalidationMessages();
	if (unlikely(known == NULL || !is_known(known)))
		(void) fs_log_record_find(fs_store_schema(store), store->log, &is_sealed);
	if (unlikely(is_sealed))
		fs_log_record_refuse_sealed(store->log);
}

/* The index of a table that is open: compared with its definition, as the table is, unless it is known. */
static Oid
index_of_table(Oid *known, TableId table_id, IndexId index_id, const char *log, Relation table)
{
	uint64		changes_before = changes;
	Oid			index = *known;

	if (OidIsValid(index))
		return index;
	fs_definition_require_columns(table_id, table);
	index = fs_definition_require_index(index_id, log, table);
	if (changes == changes_before)
		*known = index;
	return index;
}

/* By name and log; in 0.1.0, which had no other logs, by name. */
Oid
fs_store_index_of_streams(Relation streams)
{
	bool		has_logs = fs_row_log_column(RelationGetDescr(streams)) != InvalidAttrNumber;

	return index_of_table(&index_of_streams, TABLE_STREAMS, has_logs ? INDEX_OF_STREAMS : INDEX_OF_STREAMS_0_1,
						  FACTSTR_MAIN_LOG, streams);
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
	KnownLog   *known = find_known(store->log);
	Oid			index;

	/* All may have been forgotten since the call has found its log. */
	if (!is_known(known))
		known->index_of_redactions = InvalidOid;
	index = index_of_table(&known->index_of_redactions, TABLE_REDACTIONS, INDEX_OF_REDACTIONS, store->log, redactions);
	remember_relation(known, index);
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
	return index_of_table(&index_of_parked, TABLE_PARKED, INDEX_OF_PARKED, FACTSTR_MAIN_LOG, parked);
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
		known = find_or_add_known(extension.extnamespace, log);
		/* It may have been dropped since. */
		if (known == NULL)
			return false;
		(void) lock_store(known, extension.extnamespace);
	}
	return true;
}
