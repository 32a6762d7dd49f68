/*
 * streams/streams.h
 *		Durable streams: their rows.
 */
#ifndef FACTSTR_STREAMS_STREAMS_H
#define FACTSTR_STREAMS_STREAMS_H

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "read/matching.h"
#include "store.h"

typedef struct Stream
{
	HeapTuple	row;			/* NULL if there is no such stream */
	text	   *name;
	Jsonb	   *query_document;
	fs_event_query *query;
	int64		cursor;			/* the last processed number; 0 at the beginning */
	char	   *handler;		/* NULL if no function is subscribed */
	char	   *subscriber;		/* the role that did */
	int32		failure_count;	/* of its consumer, in a row */
	TimestampTz last_failed_at; /* 0 if never */
	TimestampTz retry_at;		/* 0 unless it has failed */
	AttrNumber	token_column;	/* InvalidAttrNumber if the table has no tokens */
	int64		token;			/* of its last consumer; 0: it has had none */
	text	   *last_error;		/* NULL if it has never failed */
	AttrNumber	park_after_column;	/* InvalidAttrNumber if the table has none */
	int32		park_after;		/* so many failures; 0: never */
	AttrNumber	announced_column;	/* InvalidAttrNumber if the table has none */
	bool		has_announcement;	/* the row says that a worker's process has announced a
									 * delivery */
	bool		is_announced;	/* it has, here, and has not succeeded yet */
} Stream;

extern Stream fs_stream_find(const FactstrStore *store, text *name);
extern text *fs_stream_partition_name(text *stream, int number);
extern Stream fs_stream_get(const FactstrStore *store, text *name);

extern bool fs_stream_try_row(const FactstrStore *store, text *name);
extern void fs_stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor);
extern void fs_stream_move(const FactstrStore *store, const Stream *stream, int64 cursor);
extern void fs_stream_seek(const FactstrStore *store, const Stream *stream, int64 cursor);
extern int64 fs_stream_hand_over(const FactstrStore *store, const Stream *stream);
extern void fs_stream_subscribe(const FactstrStore *store, const Stream *stream, const char *handler,
								const char *subscriber);
extern void fs_stream_unsubscribe(const FactstrStore *store, const Stream *stream);
extern void fs_stream_fail(const FactstrStore *store, const Stream *stream, int64 first, const char *error,
						   TimestampTz retry_at, TransactionId oldest_unknown);
extern void fs_stream_park_after(const FactstrStore *store, const Stream *stream, int32 failures);
extern void fs_stream_set_query(const FactstrStore *store, const Stream *stream, Jsonb *event_query);
extern void fs_stream_announce(const FactstrStore *store, const Stream *stream, int64 first);
extern void fs_stream_withdraw(const FactstrStore *store, text *name);
extern void fs_stream_delete(const FactstrStore *store, const Stream *stream);

#endif							/* FACTSTR_STREAMS_STREAMS_H */
