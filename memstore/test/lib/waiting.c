/*
 * waiting.c
 *		A call on a separate thread, with a check that it waits.
 */
#include <time.h>

#include "await.h"
#include "waiting.h"

/* The call of the current thread, or NULL. */
static _Thread_local waiting_call *own_call;

bool		__real_fs_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
									 int64_t deadline);
bool		__wrap_fs_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
									 int64_t deadline);
int			__real_nanosleep(const struct timespec *duration, struct timespec *left);
int			__wrap_nanosleep(const struct timespec *duration, struct timespec *left);

static void
note_waiting(void)
{
	if (own_call != NULL)
		atomic_store(&own_call->has_waited, true);
}

/* The caller has checked its condition, and holds the mutex until it waits. */
bool
__wrap_fs_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline)
{
	note_waiting();
	return __real_fs_condition_wait(condition, mutex, deadline);
}

int
__wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
	note_waiting();
	return __real_nanosleep(duration, left);
}

static void *
work(void *argument)
{
	waiting_call *call = argument;

	own_call = call;
	call->run(call->argument);
	atomic_store(&call->has_returned, true);
	return NULL;
}

void
waiting_start(waiting_call *call, void (*run) (void *argument), void *argument)
{
	call->run = run;
	call->argument = argument;
	atomic_init(&call->has_waited, false);
	atomic_init(&call->has_returned, false);
	if (pthread_create(&call->thread, NULL, work, call) != 0)
		tap_bail_out("no thread can be started");
}

bool
waiting_is_reached(waiting_call *call)
{
	return AWAIT(atomic_load(&call->has_waited) || atomic_load(&call->has_returned)) &&
		!atomic_load(&call->has_returned);
}

bool
waiting_ends(waiting_call *call)
{
	if (!AWAIT(atomic_load(&call->has_returned)))
		return false;
	(void) pthread_join(call->thread, NULL);
	return true;
}
