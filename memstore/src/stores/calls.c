/*
 * stores/calls.c
 *		The current calls of a store.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/threads.h"
#include "results/error.h"
#include "stores/calls.h"

struct fs_calls
{
	pid_t		process;		/* does not change */

	/* Atomic, because signal handlers may call factstr_interrupt. */
	atomic_uint interruptions;

	pthread_mutex_t mutex;
	pthread_cond_t left;		/* count has become 0 */

	/* Changed with the mutex held. */
	atomic_bool is_closing;
	size_t		count;			/* without those of handlers, which are covered by waiting for their streams */
};

fs_calls *
fs_calls_new(void)
{
	fs_calls   *calls = calloc(1, sizeof(fs_calls));

	if (calls == NULL || !fs_mutex_and_condition_init(&calls->mutex, &calls->left))
	{
		free(calls);
		return NULL;
	}
	calls->process = getpid();
	return calls;
}

void
fs_calls_free(fs_calls *calls)
{
	if (calls == NULL)
		return;
	(void) pthread_cond_destroy(&calls->left);
	(void) pthread_mutex_destroy(&calls->mutex);
	free(calls);
}

int
fs_calls_refuse(factstr_error *error)
{
	return fs_error_of_call(error, FS_CALL_IS_CLOSED);
}

pid_t
fs_calls_process(const fs_calls *calls)
{
	return calls->process;
}

int
fs_process_check(pid_t process, factstr_error *error)
{
	if (process == getpid())
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MISUSE, "the store was opened by another process");
	fs_error_hint(error, "After fork, open it again in the process that uses it.");
	return FACTSTR_MISUSE;
}

int
fs_calls_enter(fs_calls *calls, bool within_handler, fs_entered *entered, factstr_error *error)
{
	bool		may_enter;
	int			code = fs_process_check(calls->process, error);

	if (code != FACTSTR_OK)
		return code;
	(void) pthread_mutex_lock(&calls->mutex);
	may_enter = within_handler || !atomic_load(&calls->is_closing);
	if (may_enter && !within_handler)
		calls->count++;
	(void) pthread_mutex_unlock(&calls->mutex);
	if (!may_enter)
		return fs_calls_refuse(error);
	entered->calls = calls;
	entered->within_handler = within_handler;
	fs_current_call_begin(&entered->current, within_handler ? NULL : &calls->is_closing,
						  &calls->interruptions);
	return FACTSTR_OK;
}

/* The last action of a call on its store, which may be gone right afterwards. */
void
fs_calls_leave(fs_entered *entered)
{
	fs_calls   *calls = entered->calls;

	fs_current_call_end(&entered->current);
	if (entered->within_handler)
		return;
	(void) pthread_mutex_lock(&calls->mutex);
	if (--calls->count == 0)
		(void) pthread_cond_broadcast(&calls->left);
	(void) pthread_mutex_unlock(&calls->mutex);
}

int
fs_calls_check(factstr_error *error)
{
	return fs_error_of_call(error, fs_current_call_state());
}

void
fs_calls_interrupt(fs_calls *calls)
{
	(void) atomic_fetch_add(&calls->interruptions, 1);
}

bool
fs_calls_begin_closing(fs_calls *calls)
{
	bool		was_closing;

	(void) pthread_mutex_lock(&calls->mutex);
	was_closing = atomic_exchange(&calls->is_closing, true);
	(void) pthread_mutex_unlock(&calls->mutex);
	return !was_closing;
}

void
fs_calls_await_none(fs_calls *calls)
{
	(void) pthread_mutex_lock(&calls->mutex);
	while (calls->count > 0)
		(void) fs_condition_wait(&calls->left, &calls->mutex, FS_NO_DEADLINE);
	(void) pthread_mutex_unlock(&calls->mutex);
}
