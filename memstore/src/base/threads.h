/*
 * base/threads.h
 *		Waits with a limit, and threads that do not receive signals.
 */
#ifndef FACTSTR_BASE_THREADS_H
#define FACTSTR_BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A limit that is never reached. */
#define FS_NO_DEADLINE INT64_MAX

/* Both or none.  Only fs_condition_wait waits for the condition. */
bool		fs_mutex_and_condition_init(pthread_mutex_t *mutex, pthread_cond_t *condition);

/* Milliseconds of a monotonic clock, since an arbitrary time. */
int64_t		fs_monotonic_time(void);

/* The time on that clock after the given ms; negative: FS_NO_DEADLINE. */
int64_t		fs_deadline(int64_t timeout_ms);

/* The ms that are left until that time; 0 if it has passed. */
int64_t		fs_time_left(int64_t deadline);

/* Waits for a signal or until the deadline.  False if it has passed. */
bool		fs_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline);

/* Starts a thread that blocks all signals. */
bool		fs_thread_start(pthread_t *thread, void *(*work) (void *), void *argument);

#endif							/* FACTSTR_BASE_THREADS_H */
