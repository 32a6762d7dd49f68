/*
 * batch_rows.h
 *		Batches as rows: what the functions that return batches have in common.
 */
#ifndef FACTSTR_BATCH_ROWS_H
#define FACTSTR_BATCH_ROWS_H

#include "access/tupdesc.h"
#include "fmgr.h"

#include "batch_reader.h"

extern int32 argument_max_batches(FunctionCallInfo fcinfo, int argument);
extern TupleDesc batch_descriptor(FunctionCallInfo fcinfo);
extern Datum batch_row(TupleDesc descriptor, const FactBatch *batch);

#endif							/* FACTSTR_BATCH_ROWS_H */
