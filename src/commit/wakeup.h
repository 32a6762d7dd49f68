/*
 * commit/wakeup.h
 *		Waiting for other sessions to commit facts, change a stream or fill a list.
 */
#ifndef FACTSTR_COMMIT_WAKEUP_H
#define FACTSTR_COMMIT_WAKEUP_H

typedef struct WakeupPoint WakeupPoint;

extern void fs_wakeup_reserve_memory(void);
extern void fs_wakeup_init(void);
extern void fs_wakeup_tell_of_facts(void (*listener) (bool are_prepared));
extern void fs_wakeup_now_of_facts(Oid database);
extern WakeupPoint *fs_wakeup_of_facts(void);
extern WakeupPoint *fs_wakeup_of_stream(uint64 stream_hash);
extern WakeupPoint *fs_wakeup_of_pending_lists(void);
extern void fs_wakeup_at_commit(WakeupPoint *point);
extern void fs_wakeup_one(WakeupPoint *point);
extern bool fs_wakeup_is_awaited(WakeupPoint *point);
extern uint64 fs_wakeup_generation(WakeupPoint *point);
extern bool fs_wakeup_wait(WakeupPoint *point, uint64 generation, long timeout);

#endif							/* FACTSTR_COMMIT_WAKEUP_H */
