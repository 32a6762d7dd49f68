/*
 * read/batches.h
 *		Committed batches, filtered and complete, one after another.
 */
#ifndef FACTSTR_READ_BATCHES_H
#define FACTSTR_READ_BATCHES_H

#include "utils/jsonb.h"
#include "utils/snapshot.h"

#include "read/facts.h"
#include "read/matching.h"
#include "store.h"

typedef struct BatchReader BatchReader;

/* Numbers and key of the whole batch, and the records of its matching facts. */
typedef struct FactBatch
{
	int64		first_sequence_number;
	int64		last_sequence_number;
	text	   *idempotency_key;	/* NULL if it has none */
	Jsonb	   *event_records;
} FactBatch;

extern BatchReader *fs_batch_reader_begin(const FactstrStore *store, const fs_event_query *query,
										  Snapshot snapshot, int64 after, int64 up_to,
										  int64 max_batches);
extern void fs_batch_reader_add_redactions(BatchReader *reader);
extern bool fs_batch_reader_next(BatchReader *reader, FactBatch *batch);
extern FactPosition fs_batch_reader_head(const BatchReader *reader);
extern void fs_batch_reader_end(BatchReader *reader);

#endif							/* FACTSTR_READ_BATCHES_H */
