/*
 * calls.c
 *		That a thread is in a call.
 *
 * Nothing in the API shows it.  But a thread that has said that it begins a call, and then sleeps, sleeps
 * there; and one that has worked for a while since does so there.  Linux tells both of each thread.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More work, in ticks of a hundredth of a second, than between the announcement and the call. */
#define WORKED_TICKS 3

void
fc_begin_call(fc_worker *worker)
{
	(void) pthread_mutex_lock(&worker->test->lock);
	worker->caller = (pid_t) syscall(SYS_gettid);
	(void) pthread_mutex_unlock(&worker->test->lock);
}

/* Its state, and how long it has worked.  False if the thread has ended, or the system does not tell. */
static bool
look_at_thread(pid_t thread, char *state, unsigned long *ticks)
{
	char		path[64];
	char		line[512];
	unsigned long in_user;
	unsigned long in_system;
	const char *after_name;
	FILE	   *file;
	bool		found;

	(void) snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int) thread);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	found = fgets(line, sizeof(line), file) != NULL && (after_name = strrchr(line, ')')) != NULL &&
		sscanf(after_name, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", state, &in_user,
			   &in_system) == 3;
	(void) fclose(file);
	*ticks = found ? in_user + in_system : 0;
	return found;
}

typedef struct call_watch
{
	fc_worker  *worker;
	unsigned long ticks_before;
	bool		has_begun;
} call_watch;

static bool
is_in_call(fc_test *test, void *context)
{
	call_watch *watch = context;
	unsigned long ticks;
	pid_t		caller;
	char		state;

	(void) pthread_mutex_lock(&test->lock);
	caller = watch->worker->caller;
	(void) pthread_mutex_unlock(&test->lock);
	if (caller == 0)
		return false;
	if (!look_at_thread(caller, &state, &ticks))
		return true;
	if (!watch->has_begun)
		watch->ticks_before = ticks;
	watch->has_begun = true;
	return state == 'S' || ticks >= watch->ticks_before + WORKED_TICKS;
}

void
fc_await_call(fc_worker *worker)
{
	call_watch	watch = {.worker = worker};

	fc_expect(worker->test, fc_comes_true(worker->test, is_in_call, &watch),
			  "the call neither waits nor works");
}
