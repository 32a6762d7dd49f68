/*
 * streams/last_written.c
 *		The location of the stream's row that this session wrote last.
 *
 * A transaction that moves a cursor repeatedly leaves as many versions of the row, which a scan of the index
 * would visit one by one; the newest is remembered here.  It is only a hint: the row at this location may have
 * been moved, dropped, or belong to another stream.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "definition.h"
#include "rows.h"
#include "streams/last_written.h"

static struct
{
	Oid			table;
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];	/* of the stream */
	Oid			file;			/* a rewritten table has other places */
	ItemPointerData place;
} last_written;

void
fs_last_written_remember(Relation streams, const char *log, HeapTuple written)
{
	strlcpy(last_written.log, log, sizeof(last_written.log));
	last_written.table = RelationGetRelid(streams);
	last_written.file = streams->rd_rel->relfilenode;
	last_written.place = written->t_self;
}

bool
fs_last_written_find(Relation streams, const char *log, text *name, Snapshot snapshot, TupleTableSlot *row)
{
	bool		isnull;

	return last_written.table == RelationGetRelid(streams) && strcmp(last_written.log, log) == 0 &&
		last_written.file == streams->rd_rel->relfilenode &&
		fs_row_fetch(streams, &last_written.place, snapshot, row) &&
		DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID,
											 slot_getattr(row, FACTSTR_STREAM_NAME, &isnull),
											 PointerGetDatum(name)));
}
