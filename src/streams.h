/*
 * streams.h
 *		Durable streams: their rows, and the lock of the one consumer.
 */
#ifndef FACTSTR_STREAMS_H
#define FACTSTR_STREAMS_H

#include "access/htup.h"
#include "utils/jsonb.h"

#include "matching.h"
#include "store.h"

typedef struct Stream
{
	HeapTuple	row;			/* NULL if there is no such stream */
	fs_event_query *query;
	int64		cursor;			/* the last number that is done with; 0 at the beginning */
} Stream;

extern void stream_lock(const FactstrStore *store, text *name, bool nowait);
extern Stream stream_find(const FactstrStore *store, text *name);
extern Stream stream_get(const FactstrStore *store, text *name);
extern void stream_insert(const FactstrStore *store, text *name, Jsonb *event_query, int64 cursor);
extern void stream_move(const FactstrStore *store, const Stream *stream, int64 cursor);
extern void stream_delete(const FactstrStore *store, const Stream *stream);

#endif							/* FACTSTR_STREAMS_H */
