/*
 * sql/streams.h
 *		Shared code of the SQL functions of durable streams: opening streams, and taking them for a change.
 */
#ifndef FACTSTR_SQL_STREAMS_H
#define FACTSTR_SQL_STREAMS_H

#include "fmgr.h"

#include "streams/streams.h"

typedef struct StreamOpening
{
	text	   *name;
	Jsonb	   *query_document;
	fs_event_query *query;
	int64		start;			/* the cursor of a new stream */
	int			partitions;		/* 0: it has none */
	text	   *partition_key;
} StreamOpening;

extern StreamOpening fs_argument_stream_opening(FunctionCallInfo fcinfo, const FactstrStore *store,
												int start_argument);
extern void fs_argument_partitions(FunctionCallInfo fcinfo, int argument, text *default_key,
								   StreamOpening *opening);
extern List *fs_stream_make(const FactstrStore *store, const StreamOpening *opening);
extern List *fs_stream_open(const FactstrStore *store, const StreamOpening *opening,
							const char *function);
extern int64 fs_streams_cursor(List *streams);
extern List *fs_stream_take_all(const FactstrStore *store, text *name, bool nowait,
								const char *function);
extern List *fs_stream_take_whole(const FactstrStore *store, text *name, bool nowait,
								  const char *function);
extern Stream fs_stream_take(const FactstrStore *store, text *name, bool nowait,
							 const char *function);
extern void fs_stream_refuse_unsubscribed(const Stream *stream);

#endif							/* FACTSTR_SQL_STREAMS_H */
