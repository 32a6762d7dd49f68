/*
 * sql/batches.h
 *		Batches as rows, for all functions that return them.
 */
#ifndef FACTSTR_SQL_BATCHES_H
#define FACTSTR_SQL_BATCHES_H

#include "access/tupdesc.h"

#include "read/batches.h"

extern Datum fs_batch_row(TupleDesc descriptor, const FactBatch *batch);

#endif							/* FACTSTR_SQL_BATCHES_H */
