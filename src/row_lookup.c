/*
 * row_lookup.c
 *		Finds one row of a table by its key.
 *
 * The key is the first column of an index.  The row, which the snapshot sees, goes into the caller's
 * slot; without one, false is returned.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/pg_collation.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "row_lookup.h"

static bool
find_row(Relation table, Oid index_oid, Snapshot snapshot, ScanKey key, TupleTableSlot *row)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	IndexScanDesc scan = factstr_index_beginscan(table, index, snapshot, 1);
	bool		found;

	index_rescan(scan, key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row);
	index_endscan(scan);
	index_close(index, NoLock);
	return found;
}

/* By a text of collation "C". */
bool
find_row_by_text(Relation table, Oid index, Snapshot snapshot, Datum key, TupleTableSlot *row)
{
	ScanKeyData scan_key;

	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, key);
	return find_row(table, index, snapshot, &scan_key, row);
}

bool
find_row_by_number(Relation table, Oid index, Snapshot snapshot, int64 key, TupleTableSlot *row)
{
	ScanKeyData scan_key;

	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key));
	return find_row(table, index, snapshot, &scan_key, row);
}
