/*
 * commit/notify.h
 *		Announces new facts to processes of this server and to clients.
 */
#ifndef FACTSTR_COMMIT_NOTIFY_H
#define FACTSTR_COMMIT_NOTIFY_H

#include "store.h"

extern void fs_notify_batch(const FactstrStore *store, int64 first_sequence_number, int64 last_sequence_number);
extern void fs_notify_init(void);

#endif							/* FACTSTR_COMMIT_NOTIFY_H */
