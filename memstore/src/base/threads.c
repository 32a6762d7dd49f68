/*
 * base/threads.c
 *		Waiting with a limit, and threads that leave signals alone.
 */
#include <signal.h>
#include <time.h>

#include "base/threads.h"

/* The stack that factstr.h promises to handlers. */
#define FS_MIN_STACK_SIZE ((size_t) 2 * 1024 * 1024)

bool
fs_mutex_and_condition_init(pthread_mutex_t *mutex, pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	bool		initialised = false;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
		pthread_mutex_init(mutex, NULL) == 0)
	{
		initialised = pthread_cond_init(condition, &attributes) == 0;
		if (!initialised)
			(void) pthread_mutex_destroy(mutex);
	}
	(void) pthread_condattr_destroy(&attributes);
	return initialised;
}

int64_t
fs_monotonic_time(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
fs_deadline(int64_t timeout_ms)
{
	int64_t		now = fs_monotonic_time();

	return timeout_ms < 0 || timeout_ms > FS_NO_DEADLINE - now ? FS_NO_DEADLINE : now + timeout_ms;
}

int64_t
fs_time_left(int64_t deadline)
{
	int64_t		now = fs_monotonic_time();

	return deadline > now ? deadline - now : 0;
}

bool
fs_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline)
{
	struct timespec moment;

	/* Beyond the range of any time_t. */
	if (deadline / 1000 > INT32_MAX)
		return pthread_cond_wait(condition, mutex) == 0;
	moment.tv_sec = (time_t) (deadline / 1000);
	moment.tv_nsec = (long) (deadline % 1000) * 1000000;
	return pthread_cond_timedwait(condition, mutex, &moment) == 0;
}

/*
 * The stack of a thread, on which handlers run.  The default is the C library's and the limits': 8 MB
 * as a rule in glibc, 128 KB in musl.
 */
static bool
fs_set_stack_size(pthread_attr_t *attributes)
{
	size_t		size;

	return pthread_attr_getstacksize(attributes, &size) == 0 &&
		(size >= FS_MIN_STACK_SIZE || pthread_attr_setstacksize(attributes, FS_MIN_STACK_SIZE) == 0);
}

/* All signals are blocked here, which the thread inherits. */
static bool
fs_thread_create(pthread_t *thread, void *(*work) (void *), void *argument)
{
	pthread_attr_t attributes;
	bool		created;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	created = fs_set_stack_size(&attributes) &&
		pthread_create(thread, &attributes, work, argument) == 0;
	(void) pthread_attr_destroy(&attributes);
	return created;
}

bool
fs_thread_start(pthread_t *thread, void *(*work) (void *), void *argument)
{
	sigset_t	all;
	sigset_t	before;
	bool		started;

	(void) sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return false;
	started = fs_thread_create(thread, work, argument);
	(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}
