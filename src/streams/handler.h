/*
 * streams/handler.h
 *		Functions that are subscribed to durable streams.
 */
#ifndef FACTSTR_STREAMS_HANDLER_H
#define FACTSTR_STREAMS_HANDLER_H

#include "fmgr.h"
#include "storage/itemptr.h"
#include "utils/jsonb.h"

/* A handler that was looked up, for calls by its subscriber. */
typedef struct Handler
{
	FmgrInfo	function;		/* fn_oid is InvalidOid until one was found */
	TransactionId version;		/* of its row in the catalog */
	ItemPointerData place;		/* of that row */
	int			statement_timeout;	/* from its settings, in ms; -1: none */
} Handler;

extern void fs_handler_check(Oid function, Oid subscriber);
extern char *fs_handler_name(Oid function);
extern void fs_handler_find(const char *name, Oid subscriber, Handler *handler);
extern bool fs_handler_call(Handler *handler, Jsonb *event_records);

#endif							/* FACTSTR_STREAMS_HANDLER_H */
