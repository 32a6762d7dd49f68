/*
 * stream_lock.h
 *		The lock of a durable stream's one consumer.
 */
#ifndef FACTSTR_STREAM_LOCK_H
#define FACTSTR_STREAM_LOCK_H

#include "store.h"

extern void stream_lock_init(void);
extern uint64 stream_hash(text *name);
extern bool stream_try_lock(const FactstrStore *store, text *name);
extern void stream_lock(const FactstrStore *store, text *name, bool nowait);

/* Holds, which last longer than a transaction. */
extern void stream_hold(const FactstrStore *store, text *name);
extern bool stream_is_held(const FactstrStore *store, text *name);
extern bool stream_release(const FactstrStore *store, text *name);

#endif							/* FACTSTR_STREAM_LOCK_H */
