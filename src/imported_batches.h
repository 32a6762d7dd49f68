/*
 * imported_batches.h
 *		Batches of another log, as an import is given them.
 */
#ifndef FACTSTR_IMPORTED_BATCHES_H
#define FACTSTR_IMPORTED_BATCHES_H

#include "fact_writer.h"

typedef struct ImportedBatch
{
	int64		first_sequence_number;
	NewFacts	facts;			/* with their times, and the batch's key */
} ImportedBatch;

extern ImportedBatch *imported_batches_parse(Jsonb *document, int *count);

#endif							/* FACTSTR_IMPORTED_BATCHES_H */
