/*
 * read/merge.h
 *		Ordered sources of facts, merged into one stream.
 */
#ifndef FACTSTR_READ_MERGE_H
#define FACTSTR_READ_MERGE_H

#include "access/sdir.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "read/candidates.h"

typedef struct FactMerge FactMerge;

extern FactMerge *fs_merge_create(Relation events, Snapshot snapshot,
								  ScanDirection direction);
extern void fs_merge_add_index(FactMerge *merge, Oid index, ScanKey keys, int key_count);
extern void fs_merge_add_candidates(FactMerge *merge, CandidateList *candidates);
extern int	fs_merge_count(const FactMerge *merge);
extern void fs_merge_start(FactMerge *merge);
extern TupleTableSlot *fs_merge_next(FactMerge *merge);
extern void fs_merge_clear(FactMerge *merge);
extern void fs_merge_free(FactMerge *merge);

#endif							/* FACTSTR_READ_MERGE_H */
