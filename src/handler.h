/*
 * handler.h
 *		Functions that are subscribed to durable streams.
 */
#ifndef FACTSTR_HANDLER_H
#define FACTSTR_HANDLER_H

#include "utils/jsonb.h"

extern void handler_check(Oid function, Oid subscriber);
extern char *handler_name(Oid function);
extern void handler_call(const char *name, Oid subscriber, Jsonb *event_records);

#endif							/* FACTSTR_HANDLER_H */
