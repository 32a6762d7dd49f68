/*
 * commit/log_head.h
 *		The position of the log after its last commit, in shared memory.
 */
#ifndef FACTSTR_COMMIT_LOG_HEAD_H
#define FACTSTR_COMMIT_LOG_HEAD_H

#include "commit/durability.h"
#include "store.h"

extern void fs_log_head_reserve_memory(void);
extern void fs_log_head_attach(void);
extern void fs_log_head_init(void);
extern int64 fs_log_head_expected(const FactstrStore *store);
extern void fs_log_head_seen(const FactstrStore *store, int64 head);
extern int64 fs_log_head_of_last_commit(const FactstrStore *store);

/* The caller must hold the append lock. */
extern bool fs_log_head_is_known(const FactstrStore *store, FactPosition *head);
extern void fs_log_head_found(const FactstrStore *store, int64 head, bool is_guarded);
extern void fs_log_head_moved(const FactstrStore *store, int64 head);
extern void fs_log_head_has_strangers(const FactstrStore *store);

#endif							/* FACTSTR_COMMIT_LOG_HEAD_H */
