/*
 * measuring.h
 *		Shared by the benchmarks: clocks, and ending with an error.
 */
#ifndef FACTSTR_MEASURING_H
#define FACTSTR_MEASURING_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

/* Seconds on a clock: CLOCK_MONOTONIC, or CLOCK_THREAD_CPUTIME_ID for the thread's own work. */
static inline double
seconds_on(clockid_t clock)
{
	struct timespec time;

	(void) clock_gettime(clock, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

#endif							/* FACTSTR_MEASURING_H */
