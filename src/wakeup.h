/*
 * wakeup.h
 *		Waiting for what other sessions do: commit facts, change a stream, end an append.
 */
#ifndef FACTSTR_WAKEUP_H
#define FACTSTR_WAKEUP_H

typedef struct WakeupPoint WakeupPoint;

extern void wakeup_reserve_memory(void);
extern void wakeup_init(void);
extern WakeupPoint *wakeup_of_facts(void);
extern WakeupPoint *wakeup_of_stream(uint64 stream_hash);
extern WakeupPoint *wakeup_of_append_lock(void);
extern void wakeup_at_commit(WakeupPoint *point);
extern void wakeup_one(WakeupPoint *point);
extern uint64 wakeup_generation(WakeupPoint *point);
extern bool wakeup_wait(WakeupPoint *point, uint64 generation, long timeout);

#endif							/* FACTSTR_WAKEUP_H */
