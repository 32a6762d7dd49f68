/*
 * commit/pre_commit.h
 *		Work that a transaction defers to its commit.
 */
#ifndef FACTSTR_COMMIT_PRE_COMMIT_H
#define FACTSTR_COMMIT_PRE_COMMIT_H

typedef void (*PreCommitWork) (void *argument);

extern void fs_pre_commit_init(void);
extern MemoryContext fs_pre_commit_memory(void);
extern void fs_pre_commit_add(PreCommitWork work, void *argument);
extern void fs_pre_commit_run_current(void);

#endif							/* FACTSTR_COMMIT_PRE_COMMIT_H */
