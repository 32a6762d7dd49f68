/*
 * clock.h
 *		A monotonic clock for durations.
 *
 * The time of day may be set back while a process waits for a time or measures a duration.
 */
#ifndef FACTSTR_CLOCK_H
#define FACTSTR_CLOCK_H

#include "portability/instr_time.h"

/* In microseconds, since an arbitrary time. */
static inline int64
fs_clock_now(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

/* The time after the given milliseconds. */
static inline int64
fs_clock_after(long milliseconds)
{
	return fs_clock_now() + milliseconds * INT64CONST(1000);
}

/* The milliseconds until that time; 0 if it has passed. */
static inline long
fs_clock_until(int64 time)
{
	int64		rest = time - fs_clock_now();

	return rest <= 0 ? 0 : (long) Min(rest / 1000 + (rest % 1000 > 0), PG_INT32_MAX);
}

#endif							/* FACTSTR_CLOCK_H */
