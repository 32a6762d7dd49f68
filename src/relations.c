/*
 * relations.c
 *		Relations in PostgreSQL's catalogs, by name and by number, also thousands of them.
 *
 * PostgreSQL's caches read a relation's row by an index when a session first asks for it, and a view asks for a dozen
 * relations of each log.  A statement that asks for very many therefore reads the catalogs from beginning to end, which
 * takes a tenth of the time, and the session keeps the result.
 *
 * PostgreSQL informs the session of changes.  A relation that has changed, or that was not there, is looked up in
 * PostgreSQL's caches.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "relations.h"

/* A relation as it was read. */
typedef struct ReadRelation
{
	Oid			oid;			/* the key */
	bool		has_changed;	/* since then; or one of its indexes */
	CatalogRelation relation;
	struct ReadRelation *first_index;
	struct ReadRelation *next_index;	/* of the same table */
} ReadRelation;

typedef struct ReadName
{
	char		name[NAMEDATALEN];	/* the key */
	ReadRelation *read;
} ReadName;

/* What was read: the relations of a schema, and all TOAST tables with their indexes. */
static bool is_read = false;
static Oid	read_schema;
static HTAB *by_number;
static HTAB *by_name;			/* those of the schema */
static MemoryContext memory = NULL;

static uint64 changes = 0;		/* of any relation */

/*
 * Reading
 */

static void
copy_row(Form_pg_class row, CatalogRelation *relation)
{
	relation->name = row->relname;
	relation->kind = row->relkind;
	relation->access_method = row->relam;
	relation->tablespace = OidIsValid(row->reltablespace) ? row->reltablespace : MyDatabaseTableSpace;
	relation->file = row->relfilenode;
}

static void
add_relation(Form_pg_class row)
{
	ReadRelation *read = hash_search(by_number, &row->oid, HASH_ENTER, NULL);

	read->has_changed = false;
	copy_row(row, &read->relation);
	read->first_index = read->next_index = NULL;
	if (row->relnamespace == read_schema)
		((ReadName *) hash_search(by_name, NameStr(row->relname), HASH_ENTER, NULL))->read = read;
}

static void
read_relations(void)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class row = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (row->relnamespace == read_schema || row->relnamespace == PG_TOAST_NAMESPACE)
			add_relation(row);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static ReadRelation *
find_by_number(Oid oid)
{
	return hash_search(by_number, &oid, HASH_FIND, NULL);
}

static void
read_indexes(void)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index row = (Form_pg_index) GETSTRUCT(tuple);
		ReadRelation *table = find_by_number(row->indrelid);
		ReadRelation *index = find_by_number(row->indexrelid);

		CHECK_FOR_INTERRUPTS();
		if (table == NULL || index == NULL)
			continue;
		index->next_index = table->first_index;
		table->first_index = index;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static HTAB *
make_table(const char *name, Size key_size, Size entry_size, long entries, int flags)
{
	HASHCTL		control = {0};

	control.keysize = key_size;
	control.entrysize = entry_size;
	control.hcxt = memory;
	return hash_create(name, entries, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

/* About as many relations as a page of their catalog has. */
#define RELATIONS_OF_A_PAGE 32

/* A change that the session learns of while it reads may be of a row that it has read already. */
static void
read_catalogs(Oid schema, BlockNumber pages)
{
	uint64		changes_before = changes;
	long		relations = (long) pages * RELATIONS_OF_A_PAGE;

	is_read = false;
	if (memory == NULL)
		memory = AllocSetContextCreate(TopMemoryContext, "factstr relations", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(memory);
	by_number = make_table("factstr relations by number", sizeof(Oid), sizeof(ReadRelation), relations, HASH_BLOBS);
	by_name = make_table("factstr relations by name", NAMEDATALEN, sizeof(ReadName), relations, HASH_STRINGS);
	read_schema = schema;
	read_relations();
	read_indexes();
	is_read = changes == changes_before;
}

static BlockNumber
catalog_pages(void)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	BlockNumber pages = RelationGetNumberOfBlocks(catalog);

	table_close(catalog, AccessShareLock);
	return pages;
}

/* How many relations are looked up for a log.  As many as pg_class has pages take about as long as to read it. */
#define LOOK_UPS_OF_A_LOG 8

/*
 * Call before looking up all relations of a log.  Once a statement has looked up so many that the catalogs could have
 * been read instead, they are read.
 */
void
fs_relations_expect(Oid schema)
{
	static TimestampTz statement = 0;
	static uint32 logs = 0;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	BlockNumber pages;

	if (is_read && schema == read_schema)
		return;
	if (now != statement)
		logs = 0;
	statement = now;
	if (++logs % LOOK_UPS_OF_A_LOG != 0 || (pages = catalog_pages()) > logs * LOOK_UPS_OF_A_LOG)
		return;
	logs = 0;
	read_catalogs(schema, pages);
}

/*
 * Forgetting
 */

/* May be called at any time. */
static void
forget(Datum argument, Oid relation)
{
	ReadRelation *read;

	changes++;
	if (!OidIsValid(relation))
		is_read = false;
	read = is_read ? find_by_number(relation) : NULL;
	if (read != NULL)
		read->has_changed = true;
}

void
fs_relations_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
}

/*
 * Answers
 */

/* NULL if the catalog must be asked. */
static ReadRelation *
find_unchanged(Oid oid)
{
	ReadRelation *read = is_read ? find_by_number(oid) : NULL;

	return read != NULL && !read->has_changed ? read : NULL;
}

static ReadRelation *
find_unchanged_name(const char *name, Oid schema)
{
	ReadName   *found = is_read && schema == read_schema ? hash_search(by_name, name, HASH_FIND, NULL) : NULL;

	return found != NULL && !found->read->has_changed ? found->read : NULL;
}

/* InvalidOid if there is none. */
Oid
fs_relation_named(const char *name, Oid schema)
{
	ReadRelation *read = find_unchanged_name(name, schema);

	return read != NULL ? read->oid : get_relname_relid(name, schema);
}

/* False if there is none. */
bool
fs_relation_find(Oid oid, CatalogRelation *relation)
{
	ReadRelation *read = find_unchanged(oid);
	HeapTuple	tuple;

	if (read != NULL)
	{
		*relation = read->relation;
		return true;
	}
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		return false;
	copy_row((Form_pg_class) GETSTRUCT(tuple), relation);
	ReleaseSysCache(tuple);
	return true;
}

bool
fs_relation_is_of_kind(Oid oid, char kind)
{
	CatalogRelation relation;

	return fs_relation_find(oid, &relation) && relation.kind == kind;
}

static List *
look_up_indexes(Oid table)
{
	Relation	indexes = table_open(IndexRelationId, AccessShareLock);
	List	   *found = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = lappend_oid(found, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
	return found;
}

/* Those of a table. */
List *
fs_relation_indexes(Oid table)
{
	ReadRelation *read = find_unchanged(table);
	List	   *found = NIL;

	if (read == NULL)
		return look_up_indexes(table);
	for (ReadRelation *index = read->first_index; index != NULL; index = index->next_index)
		found = lappend_oid(found, index->oid);
	return found;
}
