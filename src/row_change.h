/*
 * row_change.h
 *		Changes one row of a table, with all that hangs on it.
 */
#ifndef FACTSTR_ROW_CHANGE_H
#define FACTSTR_ROW_CHANGE_H

#include "access/htup.h"
#include "utils/relcache.h"

extern void change_row(Relation table, HeapTuple old_tuple, HeapTuple new_tuple);

#endif							/* FACTSTR_ROW_CHANGE_H */
