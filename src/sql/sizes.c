/*
 * sql/sizes.c
 *		How large the files of a log's table of events are, and the pending list of its payload index.
 *
 * A view asks for thousands of logs.  pg_relation_size would have PostgreSQL make a relation of each index and TOAST
 * table, which takes several times as long as to look at its files.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/ginblock.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "relations.h"
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

/* The size of a table's or index's forks up to the last; locks it so that its files stay.  0 if it was dropped. */
static int64
relation_bytes(Oid oid, ForkNumber last_fork)
{
	CatalogRelation relation;
	int64		bytes = 0;

	LockRelationOid(oid, AccessShareLock);
	if (!fs_relation_find(oid, &relation))
		return 0;
	for (ForkNumber fork = MAIN_FORKNUM; fork <= last_fork; fork++)
		bytes += file_bytes(compat_relation_path(MyDatabaseId, relation.tablespace, relation.file, fork));
	return bytes;
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

	foreach(cell, fs_relation_indexes(table))
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
		CatalogRelation index;
		JsonbValue	key = {.type = jbvString};
		JsonbValue	value = {.type = jbvNumeric};

		if (!fs_relation_find(lfirst_oid(cell), &index))
			continue;
		key.val.string.val = pstrdup(NameStr(index.name));
		key.val.string.len = (int) strlen(key.val.string.val);
		value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(bytes)));
		compat_push_jsonb(&state, WJB_KEY, &key);
		compat_push_jsonb(&state, WJB_VALUE, &value);
	}
	compat_push_jsonb(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

/* The number of pages that the first page of a GIN index has on record; -1 if it cannot be read without opening it. */
static int64
pending_pages(const CatalogRelation *index)
{
	Buffer		buffer = InvalidBuffer;
	int64		pages;

	if (index->kind == RELKIND_INDEX && index->access_method == GIN_AM_OID)
		buffer = compat_read_page(MyDatabaseId, index->tablespace, index->file, GIN_METAPAGE_BLKNO);
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
		CatalogRelation index;

		LockRelationOid(lfirst_oid(cell), AccessShareLock);
		if (fs_relation_find(lfirst_oid(cell), &index) && strcmp(NameStr(index.name), name) == 0)
			return pending_pages(&index);
	}
	return -1;
}
