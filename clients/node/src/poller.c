/*
 * poller.c
 *		See poller.h.  The thread uses no stream: it waits for descriptors and passes the numbers of streams to
 *		JavaScript, which must request each watch.  The kernel forgets a descriptor that is closed meanwhile.
 */
#include "poller.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define END_OF_POLLER UINT64_MAX
#define MOST_EVENTS 64

struct fn_poller
{
	napi_env	env;
	napi_threadsafe_function wake;
	pthread_t	thread;
	int			epoll;
	int			end;			/* readable: the thread ends */
};

/* Runs on JavaScript's thread.  The environment may be ending. */
static void
call_javascript(napi_env env, napi_value function, void *context, void *data)
{
	napi_value	undefined;
	napi_value	number;

	(void) context;
	if (env == NULL || function == NULL)
		return;
	if (napi_get_undefined(env, &undefined) == napi_ok &&
		napi_create_uint32(env, (uint32_t) (uintptr_t) data, &number) == napi_ok)
		(void) napi_call_function(env, undefined, function, 1, &number, NULL);
}

static void *
poll_streams(void *argument)
{
	fn_poller  *poller = argument;
	struct epoll_event events[MOST_EVENTS];
	bool		ended = false;

	while (!ended)
	{
		int			count = epoll_wait(poller->epoll, events, MOST_EVENTS, -1);

		if (count < 0 && errno != EINTR)
			break;
		for (int i = 0; i < count && !ended; i++)
		{
			ended = events[i].data.u64 == END_OF_POLLER;
			if (!ended)
				(void) napi_call_threadsafe_function(poller->wake, (void *) (uintptr_t) events[i].data.u64,
													 napi_tsfn_nonblocking);
		}
	}
	(void) napi_release_threadsafe_function(poller->wake, napi_tsfn_release);
	return NULL;
}

static void
free_poller(fn_poller *poller)
{
	if (poller->epoll >= 0)
		close(poller->epoll);
	if (poller->end >= 0)
		close(poller->end);
	free(poller);
}

/* Called when the environment ends. */
static void
end_poller(void *argument)
{
	fn_poller  *poller = argument;

	if (eventfd_write(poller->end, 1) == 0)
		pthread_join(poller->thread, NULL);
	free_poller(poller);
}

static bool
open_descriptors(fn_poller *poller)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = END_OF_POLLER};

	poller->epoll = epoll_create1(EPOLL_CLOEXEC);
	poller->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return poller->epoll >= 0 && poller->end >= 0
		&& epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->end, &event) == 0;
}

/* The thread blocks all signals, which the program handles. */
static bool
start_thread(fn_poller *poller)
{
	sigset_t	all;
	sigset_t	before;
	int			failure;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&poller->thread, NULL, poll_streams, poller);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failure == 0;
}

static bool
create_function(fn_poller *poller, napi_value function)
{
	napi_value	name;

	return napi_create_string_utf8(poller->env, "factstr", NAPI_AUTO_LENGTH, &name) == napi_ok
		&& napi_create_threadsafe_function(poller->env, function, NULL, name, 0, 1, NULL, NULL, NULL,
										   call_javascript, &poller->wake) == napi_ok
		&& napi_unref_threadsafe_function(poller->env, poller->wake) == napi_ok;
}

fn_poller *
fn_poller_start(napi_env env, napi_value function)
{
	fn_poller  *poller = calloc(1, sizeof(*poller));

	if (poller == NULL)
		return NULL;
	poller->env = env;
	poller->epoll = poller->end = -1;
	if (!open_descriptors(poller) || !create_function(poller, function))
	{
		free_poller(poller);
		return NULL;
	}
	if (!start_thread(poller))
	{
		(void) napi_release_threadsafe_function(poller->wake, napi_tsfn_abort);
		free_poller(poller);
		return NULL;
	}
	(void) napi_add_env_cleanup_hook(env, end_poller, poller);
	return poller;
}

bool
fn_poller_watch(fn_poller *poller, fn_handle *stream, uint32_t number)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = number};
	void	   *object = fn_handle_enter(stream, FN_STREAM);
	bool	   *watched = fn_handle_watched(stream);
	int			descriptor = -1;
	bool		done;

	if (object == NULL)
		return false;
	done = factstr_stream_fd(object, &descriptor, NULL) == FACTSTR_OK
		&& epoll_ctl(poller->epoll, *watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) == 0;
	*watched = *watched || done;
	fn_handle_leave(stream);
	return done;
}

void
fn_poller_hold(fn_poller *poller, bool hold)
{
	if (hold)
		(void) napi_ref_threadsafe_function(poller->env, poller->wake);
	else
		(void) napi_unref_threadsafe_function(poller->env, poller->wake);
}
