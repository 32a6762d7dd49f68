/*
 * streams/sharing.h
 *		Whether the next batch may share the transaction of the last one.
 */
#ifndef FACTSTR_STREAMS_SHARING_H
#define FACTSTR_STREAMS_SHARING_H

#include "store.h"

extern bool fs_sharing_is_over(const FactstrStore *store);
extern bool fs_sharing_streams_are_locked(const FactstrStore *store);
extern void fs_sharing_unlock_streams(const FactstrStore *store);

#endif							/* FACTSTR_STREAMS_SHARING_H */
