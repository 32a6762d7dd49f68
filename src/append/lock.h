/*
 * append/lock.h
 *		The lock that admits one append at a time.
 */
#ifndef FACTSTR_APPEND_LOCK_H
#define FACTSTR_APPEND_LOCK_H

#include "store.h"

extern void fs_append_lock_init(void);
extern void fs_append_lock_acquire(const FactstrStore *store);
extern void fs_append_lock_release(const FactstrStore *store);
extern bool fs_append_lock_is_held(const FactstrStore *store);

#endif							/* FACTSTR_APPEND_LOCK_H */
