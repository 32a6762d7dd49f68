/*
 * streams/subscribed.h
 *		Which durable streams have a handler.
 */
#ifndef FACTSTR_STREAMS_SUBSCRIBED_H
#define FACTSTR_STREAMS_SUBSCRIBED_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "store.h"

/* A stream with a handler. */
typedef struct SubscribedStream
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	text	   *name;
	Oid			role;			/* its subscriber; InvalidOid if there is no such role any more */
	TimestampTz served_at;		/* when its cursor was moved last, 0 if never */
} SubscribedStream;

extern List *fs_subscribed_list(const FactstrStore *store);

#endif							/* FACTSTR_STREAMS_SUBSCRIBED_H */
