/*
 * durability.h
 *		When commits of facts reach the disk, and when their locks are released.
 */
#ifndef FACTSTR_DURABILITY_H
#define FACTSTR_DURABILITY_H

#include "access/xlogdefs.h"
#include "executor/tuptable.h"

extern void factstr_durability_init(void);
extern void factstr_append_begins(void);
extern void factstr_append_ends(bool wrote);
extern void factstr_append_follows(int64 head, XLogRecPtr head_commit_position);
extern int64 factstr_newest_committed(void);
extern XLogRecPtr factstr_commit_position(TupleTableSlot *row);
extern void factstr_flush_before_answer(XLogRecPtr position);

#endif							/* FACTSTR_DURABILITY_H */
