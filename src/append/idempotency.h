/*
 * append/idempotency.h
 *		Repeated appends: rule 33 of the contract.
 */
#ifndef FACTSTR_APPEND_IDEMPOTENCY_H
#define FACTSTR_APPEND_IDEMPOTENCY_H

#include "access/xlogdefs.h"
#include "utils/snapshot.h"

#include "append/writer.h"
#include "store.h"

/*
 * An earlier batch: its first and last number, and the position up to which the log must be flushed before they are
 * returned.
 */
typedef struct EarlierBatch
{
	int64		first_sequence_number;
	int64		last_sequence_number;
	XLogRecPtr	commit_position;
} EarlierBatch;

extern void fs_idempotency_check_key(text *idempotency_key);
extern bool fs_idempotency_find_batch(const FactstrStore *store, Snapshot snapshot,
									  const NewFacts *facts, EarlierBatch *batch);
extern void fs_idempotency_refuse_known_key(const FactstrStore *store, Snapshot snapshot,
											const NewFacts *facts);

#endif							/* FACTSTR_APPEND_IDEMPOTENCY_H */
