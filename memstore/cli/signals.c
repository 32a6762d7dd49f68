/*
 * signals.c
 *		Ending a command that would go on for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "signals.h"

/* A byte in it wakes the main thread. */
static int	cli_pipe[2];
static atomic_bool cli_stopping;

void
cli_request_stop(void)
{
	int			saved_errno = errno;

	atomic_store(&cli_stopping, true);
	(void) !write(cli_pipe[1], "", 1);	/* if it is full, that does it */
	errno = saved_errno;
}

static void
cli_take_signal(int number)
{
	(void) number;
	cli_request_stop();
}

bool
cli_is_stopping(void)
{
	return atomic_load(&cli_stopping);
}

bool
cli_signals_begin(void)
{
	struct sigaction action = {.sa_handler = cli_take_signal, .sa_flags = (int) SA_RESETHAND};

	(void) sigemptyset(&action.sa_mask);
	if (pipe2(cli_pipe, O_CLOEXEC | O_NONBLOCK) != 0 || sigaction(SIGINT, &action, NULL) != 0 ||
		sigaction(SIGTERM, &action, NULL) != 0)
	{
		(void) cli_fail_with("cannot prepare for signals: %s", strerror(errno));
		return false;
	}
	return true;
}

bool
cli_wait_for_stop(int timeout)
{
	/* Errors and a reader that has gone are reported without being asked for. */
	struct pollfd waited[2] = {
		{.fd = cli_pipe[0], .events = POLLIN},
		{.fd = STDOUT_FILENO, .events = 0}
	};

	if (!cli_is_stopping() && poll(waited, 2, timeout) > 0 &&
		(waited[1].revents & (POLLERR | POLLHUP)) != 0)
		return true;
	return cli_is_stopping();
}
