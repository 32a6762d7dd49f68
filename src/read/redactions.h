/*
 * read/redactions.h
 *		The record of redactions, by fact.
 */
#ifndef FACTSTR_READ_REDACTIONS_H
#define FACTSTR_READ_REDACTIONS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/snapshot.h"

#include "store.h"

/* One row of factstr_redactions. */
typedef struct Redaction
{
	int64		sequence_number;
	TimestampTz redacted_at;
	NameData	redacted_by;
	text	   *reason;
} Redaction;

extern bool fs_redactions_exist(const FactstrStore *store);
extern bool fs_redaction_exists(const FactstrStore *store, Snapshot snapshot, int64 sequence_number);
extern int64 fs_redactions_count(const FactstrStore *store, Snapshot snapshot);
extern List *fs_redactions_of_fact(const FactstrStore *store, Snapshot snapshot,
								   int64 sequence_number);
extern Jsonb *fs_redactions_as_json(const List *redactions);

#endif							/* FACTSTR_READ_REDACTIONS_H */
