/*
 * commit/lock_times.h
 *		How long appends hold their lock, by steps.
 */
#ifndef FACTSTR_COMMIT_LOCK_TIMES_H
#define FACTSTR_COMMIT_LOCK_TIMES_H

#include "settings.h"

/* The end of each step, in the order in which a transaction passes them. */
typedef enum LockMoment
{
	LOCK_ASKED_FOR,				/* begins the first one */
	LOCK_TAKEN,
	LOCK_CONTEXT_CHECKED,
	LOCK_ROWS_WRITTEN,
	LOCK_COMMIT_BEGUN,
	LOCK_COMMIT_VISIBLE,
	LOCK_RELEASED
} LockMoment;
#define LOCK_MOMENTS (LOCK_RELEASED + 1)

extern void fs_lock_times_init(void);
extern void fs_lock_times_measure(LockMoment moment);

/* If a transaction appends several times, the first append counts. */
static inline void
fs_lock_times_note(LockMoment moment)
{
	if (unlikely(factstr_log_lock_times))
		fs_lock_times_measure(moment);
}

#endif							/* FACTSTR_COMMIT_LOCK_TIMES_H */
