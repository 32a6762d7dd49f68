/*
 * streams/taking.h
 *		Takes a durable stream from its handler, to change it.
 */
#ifndef FACTSTR_STREAMS_TAKING_H
#define FACTSTR_STREAMS_TAKING_H

#include "store.h"

extern void fs_stream_take_from_handler(const FactstrStore *store, text *name, bool nowait);

#endif							/* FACTSTR_STREAMS_TAKING_H */
