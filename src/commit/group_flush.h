/*
 * commit/group_flush.h
 *		Processes that wait for the disk at the same time share a flush.
 */
#ifndef FACTSTR_COMMIT_GROUP_FLUSH_H
#define FACTSTR_COMMIT_GROUP_FLUSH_H

#include "access/xlogdefs.h"

extern void fs_group_flush_reserve_memory(void);
extern void fs_group_flush_attach(void);
extern void fs_group_flush(XLogRecPtr position);

#endif							/* FACTSTR_COMMIT_GROUP_FLUSH_H */
