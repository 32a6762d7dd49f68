/*
 * row_lookup.h
 *		Finds one row of a table by its key.
 */
#ifndef FACTSTR_ROW_LOOKUP_H
#define FACTSTR_ROW_LOOKUP_H

#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

extern bool find_row_by_text(Relation table, Oid index, Snapshot snapshot, Datum key,
							 TupleTableSlot *row);
extern bool find_row_by_number(Relation table, Oid index, Snapshot snapshot, int64 key,
							   TupleTableSlot *row);

#endif							/* FACTSTR_ROW_LOOKUP_H */
