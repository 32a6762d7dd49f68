/*
 * streams/subscribed.h
 *		The durable streams with a handler.
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
	Oid			role;			/* its subscriber; InvalidOid if the role no longer exists */
	TimestampTz served_at;		/* when its cursor last moved; 0 if never */
} SubscribedStream;

extern List *fs_subscribed_list(const FactstrStore *store);

#endif							/* FACTSTR_STREAMS_SUBSCRIBED_H */
