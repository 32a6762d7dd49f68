/*
 * streams/lock.h
 *		The lock of a durable stream's only consumer.
 */
#ifndef FACTSTR_STREAMS_LOCK_H
#define FACTSTR_STREAMS_LOCK_H

#include "storage/lock.h"

#include "store.h"

extern void fs_stream_lock_init(void);
extern uint64 fs_stream_lock_hash(const char *log, text *name);
extern bool fs_stream_lock_try(const FactstrStore *store, text *name);
extern bool fs_stream_lock_try_free(const FactstrStore *store, text *name);
extern void fs_stream_lock_acquire(const FactstrStore *store, text *name, bool nowait);

/* Holds, which last longer than a transaction. */
extern void fs_stream_lock_hold(const FactstrStore *store, text *name);
extern bool fs_stream_lock_is_held(const FactstrStore *store, text *name);
extern bool fs_stream_lock_release(const FactstrStore *store, text *name);
extern void fs_stream_lock_release_all(void);

/* A worker's lock, which lasts longer than its transaction. */
extern LOCKTAG fs_stream_lock_tag(const FactstrStore *store, text *name);
extern bool fs_stream_lock_keep(const LOCKTAG *lock);
extern void fs_stream_lock_let_go(const LOCKTAG *lock);

#endif							/* FACTSTR_STREAMS_LOCK_H */
