/*
 * store_known.c
 *		The logs that this session has found, until a change makes this outdated.
 *
 * PostgreSQL informs every session of changes of relations.  So the result of a look-up is kept until one of the
 * log's relations changes.  A relation may also change during the look-up, after it was found: changed relations are
 * recorded from the beginning of a look-up on, and compared with the result at its end.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/relcache.h"

#include "log_names.h"
#include "log_records.h"
#include "store_known.h"

/* To which log a relation belongs. */
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

/* The tables that logs share, and their indexes. */
static Oid	shared_tables[TABLES];
static Oid	shared_indexes[SHARED_INDEXES];

static uint64 generation = 1;	/* results of look-ups in an earlier one may be outdated */
static uint64 changes = 0;		/* of anything */

/* Relations that have changed since the look-up began; if there are more, it must be repeated. */
#define MOST_CHANGED 256
static Oid	changed[MOST_CHANGED];
static int	changed_count = 0;

bool
fs_store_known_is_current(const KnownLog *known)
{
	return known->is_known && known->generation == generation;
}

/* Counts changes of any relation. */
uint64
fs_store_known_changes(void)
{
	return changes;
}

/* InvalidOid as long as it is not known; the caller may set it. */
Oid *
fs_store_known_shared_index(SharedIndex index)
{
	return &shared_indexes[index];
}

/*
 * Forgetting
 */

/* Forgets all logs. */
static void
forget_all(void)
{
	generation++;
	memset(shared_indexes, 0, sizeof(shared_indexes));
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

static void
forget_shared_index(Oid relation)
{
	for (int i = 0; i < SHARED_INDEXES; i++)
	{
		if (shared_indexes[i] == relation)
			shared_indexes[i] = InvalidOid;
	}
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
	if (changed_count < MOST_CHANGED)
		changed[changed_count++] = relation;
	forget_shared_index(relation);
	if (relations != NULL)
		known = hash_search(relations, &relation, HASH_FIND, NULL);
	if (known != NULL)
	{
		known->log->is_known = false;
		known->log->index_of_redactions = InvalidOid;
	}
}

void
fs_store_known_init(void)
{
	strlcpy(main_log.log, FACTSTR_MAIN_LOG, sizeof(main_log.log));
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
}

/*
 * Logs
 */

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
KnownLog *
fs_store_known_find(const char *log)
{
	if (likely(strcmp(log, FACTSTR_MAIN_LOG) == 0))
		return &main_log;
	return logs == NULL ? NULL : hash_search(logs, log, HASH_FIND, NULL);
}

static KnownLog *
add(const char *log)
{
	KnownLog   *known;

	if (logs == NULL)
		logs = make_table("factstr logs", sizeof(main_log.log), sizeof(KnownLog), HASH_STRINGS);
	known = hash_search(logs, log, HASH_ENTER, NULL);
	memset((char *) known + sizeof(known->log), 0, sizeof(KnownLog) - sizeof(known->log));
	return known;
}

/* NULL if there is no such log: names of none are not kept. */
KnownLog *
fs_store_known_find_or_add(Oid schema, const char *log)
{
	KnownLog   *known = fs_store_known_find(log);

	if (known == NULL && fs_log_exists(schema, log))
		known = add(log);
	return known;
}

/*
 * Looking up
 */

/* A look-up begins: its result is known unless it changes meanwhile. */
void
fs_store_known_begin(KnownLog *known)
{
	known->is_known = true;
	known->generation = generation;
	known->index_of_redactions = InvalidOid;
	changed_count = 0;
}

/* A table that all logs share, as soon as it is found. */
void
fs_store_known_shared_table(TableId id, Oid table)
{
	shared_tables[id] = table;
}

static bool
has_changed(Oid relation)
{
	for (int i = 0; i < changed_count; i++)
	{
		if (changed[i] == relation)
			return true;
	}
	return false;
}

/* A relation of the log, after it was found. */
void
fs_store_known_relation(KnownLog *known, Oid relation)
{
	KnownRelation *entry;

	if (!OidIsValid(relation))
		return;
	if (relations == NULL)
		relations = make_table("factstr relations", sizeof(Oid), sizeof(KnownRelation), HASH_BLOBS);
	entry = hash_search(relations, &relation, HASH_ENTER, NULL);
	entry->log = known;
	if (has_changed(relation))
		known->is_known = false;
}

/* The look-up ends. */
void
fs_store_known_end(KnownLog *known, bool found)
{
	if (!found || changed_count == MOST_CHANGED)
		known->is_known = false;
}
