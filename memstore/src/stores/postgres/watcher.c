/*
 * stores/postgres/watcher.c
 *		Notices the commits of other processes.
 *
 * A thread listens for the notifications of the extension over a separate connection, and wakes the
 * hub.  They are hints: a stream that is woken reads the log by position, so nothing is missed when some
 * do not come, and the hub is woken now and then anyway.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"
#include "base/threads.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/postgres/backend.h"

/* How often to look without a notification: where they come, and where they cannot.  In ms. */
#define FS_LOOK_INTERVAL 1000
#define FS_LOOK_INTERVAL_DEAF 50

/* How long before trying to listen again: a standby may have been promoted.  In ms. */
#define FS_DEAF_TIME 5000

/*
 * Each notification costs the appender the wake-up of every listener.  When so many come at once,
 * the log is looked at in short intervals for a while instead.  In ms.
 */
#define FS_MANY_NOTIFICATIONS 6
#define FS_BUSY_INTERVAL 20
#define FS_BUSY_TIME 1000

/* The pause before a lost connection is made again, which doubles.  In ms. */
#define FS_FIRST_PAUSE 100
#define FS_LONGEST_PAUSE 5000

struct fs_watcher
{
	fs_backend *backend;
	pthread_t	thread;
	int			end[2];			/* a pipe, which is closed when the thread is to end */
	fs_connection *connection;
	PGconn	   *libpq;			/* the same */
};

typedef enum fs_wait_result
{
	FS_WAIT_END,				/* the thread is to end */
	FS_WAIT_READY,
	FS_WAIT_TIMED_OUT
} fs_wait_result;

/*
 * Waits until the socket is ready, the thread must end, or the timeout in ms ends.  fd may be -1.
 */
static fs_wait_result
fs_wait_for(fs_watcher *watcher, int fd, short events, int64_t timeout)
{
	struct pollfd fds[2] = {
		{.fd = watcher->end[0], .events = POLLIN},
		{.fd = fd, .events = events}
	};
	int			ready;

	do
		ready = poll(fds, 2, timeout < 0 ? -1 : (int) timeout);
	while (ready < 0 && errno == EINTR);
	if (fds[0].revents != 0)
		return FS_WAIT_END;
	return ready > 0 ? FS_WAIT_READY : FS_WAIT_TIMED_OUT;
}

/* Wakes the hub in intervals for a time.  False if the thread is to end. */
static bool
fs_look_for(fs_watcher *watcher, int64_t interval, int64_t time)
{
	int64_t		deadline = fs_deadline(time);

	while (fs_time_left(deadline) > 0)
	{
		if (fs_wait_for(watcher, -1, 0, interval) == FS_WAIT_END)
			return false;
		fs_hub_wake(watcher->backend->hub);
	}
	return true;
}

/* verb: LISTEN or UNLISTEN. */
static bool
fs_command(fs_watcher *watcher, const char *verb)
{
	char		command[FS_LISTEN_SIZE];
	PGresult   *result = PQexec(watcher->libpq, fs_listen_command(watcher->backend, verb, command));
	bool		succeeded = PQresultStatus(result) == PGRES_COMMAND_OK;

	PQclear(result);
	return succeeded;
}

/* The commits of this store have already woken the hub. */
static int
fs_take_notifications(fs_watcher *watcher, bool *are_of_others)
{
	PGnotify   *notification;
	int			count = 0;

	*are_of_others = false;
	while ((notification = PQnotifies(watcher->libpq)) != NULL)
	{
		count++;
		if (!*are_of_others)
			*are_of_others = !fs_connection_is_own(watcher->backend, notification->be_pid);
		PQfreemem(notification);
	}
	return count;
}

/* False if the connection is lost, or the thread is to end. */
static bool
fs_pass_on_notifications(fs_watcher *watcher)
{
	bool		are_of_others;

	if (!PQconsumeInput(watcher->libpq))
		return false;
	if (fs_take_notifications(watcher, &are_of_others) >= FS_MANY_NOTIFICATIONS)
	{
		if (!fs_command(watcher, "UNLISTEN"))
			return false;
		if (!fs_look_for(watcher, FS_BUSY_INTERVAL, FS_BUSY_TIME) ||
			!fs_command(watcher, "LISTEN"))
			return false;
		are_of_others = true;
	}
	if (are_of_others)
		fs_hub_wake(watcher->backend->hub);
	return true;
}

/* Until the connection is lost, or the thread is to end. */
static void
fs_listen(fs_watcher *watcher)
{
	bool		goes_on = true;

	while (goes_on)
	{
		switch (fs_wait_for(watcher, PQsocket(watcher->libpq), POLLIN, FS_LOOK_INTERVAL))
		{
			case FS_WAIT_END:
				return;
			case FS_WAIT_READY:
				goes_on = fs_pass_on_notifications(watcher);
				break;
			case FS_WAIT_TIMED_OUT:
				fs_hub_wake(watcher->backend->hub);
				break;
		}
	}
}

/* LISTEN does not work on a standby. */
static void
fs_watch_over_connection(fs_watcher *watcher)
{
	bool		goes_on = true;

	while (goes_on && PQstatus(watcher->libpq) == CONNECTION_OK)
	{
		if (fs_command(watcher, "LISTEN"))
		{
			/* Looks for earlier commits now. */
			fs_hub_wake(watcher->backend->hub);
			fs_listen(watcher);
			return;
		}
		goes_on = fs_look_for(watcher, FS_LOOK_INTERVAL_DEAF, FS_DEAF_TIME);
	}
}

/* Watches until the connection is lost.  False if there was none to be had. */
static bool
fs_connect_and_watch(fs_watcher *watcher)
{
	factstr_error error;

	watcher->connection = fs_connection_open(watcher->backend, &error);
	if (watcher->connection == NULL)
		return false;
	watcher->libpq = fs_connection_libpq(watcher->connection);
	fs_watch_over_connection(watcher);
	fs_connection_close(watcher->backend, watcher->connection);
	return true;
}

/*
 * While the server is away for a short time, streams are left in peace.  After a while they are
 * woken, to see for themselves: perhaps it only has no connection left for this thread.
 */
static void *
fs_watch(void *argument)
{
	fs_watcher *watcher = argument;
	int64_t		pause = FS_FIRST_PAUSE;

	do
	{
		if (fs_connect_and_watch(watcher))
			pause = FS_FIRST_PAUSE;
		else if (pause < FS_LONGEST_PAUSE / 2)
			pause *= 2;
		else
		{
			pause = FS_LONGEST_PAUSE;
			fs_hub_wake(watcher->backend->hub);
		}
	}
	while (fs_wait_for(watcher, -1, 0, pause) != FS_WAIT_END);
	return NULL;
}

int
fs_postgres_watch(fs_backend *backend, factstr_error *error)
{
	fs_watcher *watcher = calloc(1, sizeof(fs_watcher));

	if (watcher == NULL)
		return fs_error_no_memory(error);
	watcher->backend = backend;
	if (!fs_pipe_open(watcher->end))
	{
		free(watcher);
		return fs_error(error, FACTSTR_NO_MEMORY, "cannot open a pipe");
	}
	if (!fs_thread_start(&watcher->thread, fs_watch, watcher))
	{
		(void) close(watcher->end[0]);
		(void) close(watcher->end[1]);
		free(watcher);
		return fs_error(error, FACTSTR_NO_MEMORY, "cannot start a thread");
	}
	backend->watcher = watcher;
	return FACTSTR_OK;
}

void
fs_postgres_unwatch(fs_backend *backend)
{
	fs_watcher *watcher = backend->watcher;

	backend->watcher = NULL;
	(void) close(watcher->end[1]);
	(void) pthread_join(watcher->thread, NULL);
	(void) close(watcher->end[0]);
	free(watcher);
}
