/*
 * commit/listeners.h
 *		Whether a session of this database listens for notifications.
 */
#ifndef FACTSTR_COMMIT_LISTENERS_H
#define FACTSTR_COMMIT_LISTENERS_H

extern void fs_listeners_init(void);
extern void fs_listeners_reserve_memory(void);
extern void fs_listeners_attach(void);

/* For a commit. */
extern bool fs_listeners_begin_silent_commit(void);

#endif							/* FACTSTR_COMMIT_LISTENERS_H */
