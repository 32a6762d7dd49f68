/*
 * commit/alone.h
 *		Whether a session seems to be the only one that appends to a log.
 */
#ifndef FACTSTR_COMMIT_ALONE_H
#define FACTSTR_COMMIT_ALONE_H

extern void fs_alone_reserve_memory(void);
extern void fs_alone_attach(void);

/* For an append that finds the lock taken. */
extern void fs_alone_note_waiting(Oid events);

/* For the holder of the lock. */
extern bool fs_alone_in_log(Oid events);
extern void fs_alone_note_commit(Oid events);

#endif							/* FACTSTR_COMMIT_ALONE_H */
