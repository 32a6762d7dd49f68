/*
 * append/lock_wait.h
 *		Waiting for the append lock beside PostgreSQL's queue.
 */
#ifndef FACTSTR_APPEND_LOCK_WAIT_H
#define FACTSTR_APPEND_LOCK_WAIT_H

typedef struct LockWait LockWait;

extern void fs_lock_wait_reserve_memory(void);
extern LockWait *fs_lock_wait_of(Oid events);
extern uint64 fs_lock_wait_generation(LockWait *wait);
extern void fs_lock_wait_sleep(LockWait *wait, uint64 generation, long timeout);
extern void fs_lock_wait_wake_one(LockWait *wait);

#endif							/* FACTSTR_APPEND_LOCK_WAIT_H */
