/*
 * streams.h
 *		Durable streams: their rows.
 */
#ifndef FACTSTR_STREAMS_H
#define FACTSTR_STREAMS_H

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "matching.h"
#include "store.h"

typedef struct Stream
{
	HeapTuple	row;			/* NULL if there is no such stream */
	text	   *name;
	fs_event_query *query;
	int64		cursor;			/* the last number that is done with; 0 at the beginning */
	char	   *handler;		/* NULL if no function is subscribed */
	char	   *subscriber;		/* the role that did */
	int32		failure_count;	/* of its consumer, in a row */
	TimestampTz retry_at;		/* 0 unless it has failed */
	AttrNumber	token_column;	/* InvalidAttrNumber if the table has no tokens */
	int64		token;			/* of its last consumer; 0: it has had none */
} Stream;

extern Stream stream_find(const FactstrStore *store, text *name);
extern Stream stream_get(const FactstrStore *store, text *name);
extern List *stream_list_subscribed(const FactstrStore *store);

extern void stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor);
extern void stream_move(const FactstrStore *store, const Stream *stream, int64 cursor);
extern void stream_seek(const FactstrStore *store, const Stream *stream, int64 cursor);
extern int64 stream_hand_over(const FactstrStore *store, const Stream *stream);
extern void stream_subscribe(const FactstrStore *store, const Stream *stream, const char *handler,
							 const char *subscriber);
extern void stream_unsubscribe(const FactstrStore *store, const Stream *stream);
extern void stream_fail(const FactstrStore *store, const Stream *stream, const char *error,
						TimestampTz retry_at);
extern void stream_delete(const FactstrStore *store, const Stream *stream);

#endif							/* FACTSTR_STREAMS_H */
