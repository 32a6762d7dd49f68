/*
 * read/facts.h
 *		Single facts: the newest of the log, the newest that matches, the newest before a time, the first
 *		after a position.
 */
#ifndef FACTSTR_READ_FACTS_H
#define FACTSTR_READ_FACTS_H

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

#include "commit/durability.h"
#include "read/matching.h"
#include "store.h"

/* A fact without its content; its number is 0 if there is none. */
typedef struct FactHeading
{
	int64		sequence_number;
	int64		batch_first;
	TimestampTz occurred_at;
	XLogRecPtr	commit_position;
} FactHeading;

/* The next number, or the same if there is none. */
static inline int64
fs_fact_next_number(int64 sequence_number)
{
	return sequence_number < PG_INT64_MAX ? sequence_number + 1 : sequence_number;
}

extern FactPosition fs_fact_head_of_table(const FactstrStore *store, Snapshot snapshot);
extern FactPosition fs_fact_head(const FactstrStore *store, Snapshot snapshot);
extern int64 fs_fact_head_to_tell(const FactstrStore *store, Snapshot snapshot);
extern int64 fs_fact_head_now_to_tell(const FactstrStore *store);
extern FactPosition fs_fact_newest_match(const FactstrStore *store, const fs_event_query *query,
										 Snapshot snapshot, int64 after, int64 up_to);
extern FactHeading fs_fact_first_after(const FactstrStore *store, Snapshot snapshot, int64 after,
									   int64 up_to);
extern FactHeading fs_fact_newest_before(const FactstrStore *store, Snapshot snapshot,
										 TimestampTz time);

#endif							/* FACTSTR_READ_FACTS_H */
