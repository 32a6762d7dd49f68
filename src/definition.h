/*
 * definition.h
 *		The required definition of the extension's tables and indexes.
 */
#ifndef FACTSTR_DEFINITION_H
#define FACTSTR_DEFINITION_H

#include "utils/relcache.h"

#include "log_names.h"

/* Columns of factstr_events, and how many there are. */
enum
{
	FACTSTR_SEQUENCE_NUMBER = 1,
	FACTSTR_BATCH_FIRST,
	FACTSTR_OCCURRED_AT,
	FACTSTR_EVENT_TYPE,
	FACTSTR_PAYLOAD,
	FACTSTR_METADATA,
	FACTSTR_IDEMPOTENCY_KEY,
	FACTSTR_EVENTS_COLUMNS = FACTSTR_IDEMPOTENCY_KEY
};

/* Columns of factstr_streams; columns that 0.1.0 did not have are looked up (streams/streams.c). */
enum
{
	FACTSTR_STREAM_NAME = 1,
	FACTSTR_STREAM_EVENT_QUERY,
	FACTSTR_STREAM_CURSOR,
	FACTSTR_STREAM_CURSOR_MOVED_AT,
	FACTSTR_STREAM_HANDLER,
	FACTSTR_STREAM_SUBSCRIBER,
	FACTSTR_STREAM_FAILURE_COUNT,
	FACTSTR_STREAM_LAST_ERROR,
	FACTSTR_STREAM_LAST_FAILED_AT,
	FACTSTR_STREAM_RETRY_AT
};

/* Columns of factstr_redactions, and how many there are. */
enum
{
	FACTSTR_REDACTION_SEQUENCE_NUMBER = 1,
	FACTSTR_REDACTION_AT,
	FACTSTR_REDACTION_BY,
	FACTSTR_REDACTION_REASON,
	FACTSTR_REDACTIONS_COLUMNS = FACTSTR_REDACTION_REASON
};

/* Columns of factstr_parked_batches, and how many there are. */
enum
{
	FACTSTR_PARKED_LOG = 1,
	FACTSTR_PARKED_STREAM,
	FACTSTR_PARKED_FIRST,
	FACTSTR_PARKED_LAST,
	FACTSTR_PARKED_FAILURE_COUNT,
	FACTSTR_PARKED_ERROR,
	FACTSTR_PARKED_AT,
	FACTSTR_PARKED_COLUMNS = FACTSTR_PARKED_AT
};

/* Columns of factstr_log_records, and how many there are. */
enum
{
	FACTSTR_RECORD_LOG = 1,
	FACTSTR_RECORD_CREATED_AT,
	FACTSTR_RECORD_CREATED_BY,
	FACTSTR_RECORD_SEALED_AT,
	FACTSTR_RECORD_SEALED_BY,
	FACTSTR_RECORD_DROPPED_AT,
	FACTSTR_RECORD_DROPPED_BY,
	FACTSTR_RECORD_DROPPED_FACTS,
	FACTSTR_RECORD_COLUMNS = FACTSTR_RECORD_DROPPED_FACTS
};

extern Oid	fs_definition_require_table(TableId id, const char *log, Oid schema);
extern char *fs_definition_index_statement(IndexId id, const char *log, Oid table);
extern bool fs_definition_find_wrong_column(TableId id, Relation table, char **detail,
											char **remedy);
extern void fs_definition_require_columns(TableId id, Relation table);
extern Oid	fs_definition_require_index(IndexId id, const char *log, Relation table);

#endif							/* FACTSTR_DEFINITION_H */
