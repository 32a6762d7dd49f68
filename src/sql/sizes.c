/*
 * sql/sizes.c
 *		How large the files of a log's table of events are, and the pending list of its payload index.
 *
 * A view asks for thousands of logs.  pg_relation_size would have PostgreSQL make a relation of each index and TOAST
 * table, which takes several times as long as to look at its files.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/genam.h"
#include "access/ginblock.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

#include "compat.h"
#include "sql/sizes.h"

#define SEGMENT_BYTES ((off_t) RELSEG_SIZE * BLCKSZ)

/* The bytes of all segments of a file, each full but the last; 0 if there is none. */
static int64
file_bytes(const char *path)
{
	int64		bytes = 0;

	for (int segment = 0; bytes == segment * SEGMENT_BYTES; segment++)
	{
		char		name[MAXPGPATH];
		struct stat file;

		CHECK_FOR_INTERRUPTS();
		if (segment == 0)
			strlcpy(name, path, sizeof(name));
		else
			snprintf(name, sizeof(name), "%s.%d", path, segment);
		if (stat(name, &file) != 0)
		{
			if (errno != ENOENT)
				ereport(ERROR,
						(errcode_for_file_access(),
						 errmsg("could not stat file \"%s\": %m", name)));
			break;
		}
		bytes += file.st_size;
	}
	return bytes;
}

static Oid
tablespace_of(Form_pg_class form)
{
	return OidIsValid(form->reltablespace) ? form->reltablespace : MyDatabaseTableSpace;
}

/* The size of a table's or index's forks up to the last; locks it so that its files stay.  0 if it was dropped. */
static int64
relation_bytes(Oid relation, ForkNumber last_fork)
{
	HeapTuple	tuple;
	Form_pg_class form;
	int64		bytes = 0;

	LockRelationOid(relation, AccessShareLock);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (!HeapTupleIsValid(tuple))
		return 0;
	form = (Form_pg_class) GETSTRUCT(tuple);
	for (ForkNumber fork = MAIN_FORKNUM; fork <= last_fork; fork++)
		bytes += file_bytes(compat_relation_path(MyDatabaseId, tablespace_of(form), form->relfilenode, fork));
	ReleaseSysCache(tuple);
	return bytes;
}

List *
fs_size_list_indexes(Oid table)
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

/* Like pg_relation_size. */
int64
fs_size_of_table(Oid table)
{
	return relation_bytes(table, MAIN_FORKNUM);
}

/*
 * Like pg_total_relation_size of the TOAST table.  An index has no visibility map, and the one fork that is left out
 * of both is of unlogged tables only.
 */
int64
fs_size_of_toast(Oid table)
{
	int64		bytes = relation_bytes(table, VISIBILITYMAP_FORKNUM);
	ListCell   *cell;

	foreach(cell, fs_size_list_indexes(table))
		bytes += relation_bytes(lfirst_oid(cell), FSM_FORKNUM);
	return bytes;
}

/* An object: the size of each index by its name. */
Jsonb *
fs_size_of_indexes(List *indexes)
{
	CompatJsonbState state = {0};
	ListCell   *cell;

	compat_push_jsonb(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(cell, indexes)
	{
		int64		bytes = relation_bytes(lfirst_oid(cell), MAIN_FORKNUM);
		char	   *name = get_rel_name(lfirst_oid(cell));
		JsonbValue	key = {.type = jbvString};
		JsonbValue	value = {.type = jbvNumeric};

		if (name == NULL)
			continue;
		key.val.string.val = name;
		key.val.string.len = (int) strlen(name);
		value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(bytes)));
		compat_push_jsonb(&state, WJB_KEY, &key);
		compat_push_jsonb(&state, WJB_VALUE, &value);
	}
	compat_push_jsonb(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

/* The number of pages that the first page of a GIN index has on record; -1 if it cannot be read without opening it. */
static int64
pending_pages(Oid index)
{
	HeapTuple	tuple;
	Form_pg_class form;
	Buffer		buffer = InvalidBuffer;
	int64		pages;

	LockRelationOid(index, AccessShareLock);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return -1;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind == RELKIND_INDEX && form->relam == GIN_AM_OID)
		buffer = compat_read_page(MyDatabaseId, tablespace_of(form), form->relfilenode, GIN_METAPAGE_BLKNO);
	ReleaseSysCache(tuple);
	if (!BufferIsValid(buffer))
		return -1;
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	pages = GinPageGetMeta(BufferGetPage(buffer))->nPendingPages;
	UnlockReleaseBuffer(buffer);
	return pages;
}

/* The size of the pending list of a table's index; -1 if there is no such index, or it must be opened. */
int64
fs_size_of_pending_list(List *indexes, const char *name)
{
	ListCell   *cell;

	foreach(cell, indexes)
	{
		char	   *found = get_rel_name(lfirst_oid(cell));

		if (found != NULL && strcmp(found, name) == 0)
			return pending_pages(lfirst_oid(cell));
	}
	return -1;
}
