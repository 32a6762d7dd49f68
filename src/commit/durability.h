/*
 * commit/durability.h
 *		When commits of facts reach the disk, and when their locks are released.
 */
#ifndef FACTSTR_COMMIT_DURABILITY_H
#define FACTSTR_COMMIT_DURABILITY_H

#include "access/xlogdefs.h"
#include "executor/tuptable.h"

#include "store.h"

/*
 * The number of a fact, 0 for none, and the position up to which the log must be flushed before the number is
 * returned.
 */
typedef struct FactPosition
{
	int64		sequence_number;
	XLogRecPtr	commit_position;
} FactPosition;

extern void fs_durability_init(void);
extern void fs_durability_append_begins(void);
extern void fs_durability_append_ends(void);
extern void fs_durability_append_follows(const FactstrStore *store, const FactPosition *head);
extern int64 fs_durability_newest_committed(const FactstrStore *store);
extern bool fs_durability_has_appended(void);
extern XLogRecPtr fs_durability_preceding_commit(void);
extern void fs_durability_commit_in_order(void);
extern void fs_durability_commit_sends_notifications(void);
extern bool fs_durability_waits_for_standbys(void);
extern XLogRecPtr fs_durability_commit_position(TupleTableSlot *row);
extern void fs_durability_flush_before_answer(XLogRecPtr position);

#endif							/* FACTSTR_COMMIT_DURABILITY_H */
