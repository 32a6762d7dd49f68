/*
 * store.h
 *		Where the store's tables and indexes are.
 */
#ifndef FACTSTR_STORE_H
#define FACTSTR_STORE_H

#include "fmgr.h"

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

/* Columns of factstr_streams; the one for tokens, which 0.1.0 did not have, is looked for (streams.c). */
enum
{
	FACTSTR_STREAM_NAME = 1,
	FACTSTR_STREAM_EVENT_QUERY,
	FACTSTR_STREAM_CURSOR,
	FACTSTR_STREAM_LAST_SUCCESS_AT,
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

typedef struct FactstrStore
{
	Oid			events;
	Oid			by_sequence_number;
	Oid			by_event_type;
	Oid			by_payload;
	Oid			by_idempotency_key;
	Oid			streams;
	Oid			redactions;		/* InvalidOid if the database has 0.1.0, as for the next */
	Oid			redactions_by_number;
} FactstrStore;

extern void factstr_store_init(void);
extern FactstrStore factstr_store(FunctionCallInfo fcinfo);
extern bool factstr_store_of_database(FactstrStore *result);

#endif							/* FACTSTR_STORE_H */
