/*
 * signals.c
 *		Ending a command that would run forever.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"
#include "messages.h"
#include "signals.h"

/* A byte in it wakes the main thread. */
static int	cli_pipe[2];
static atomic_bool cli_stopping;
static _Atomic(factstr_store *) cli_interrupted;

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
	factstr_interrupt(atomic_load(&cli_interrupted));
}

void
cli_interrupt_at_stop(factstr_store *store)
{
	atomic_store(&cli_interrupted, store);
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
	if (!fs_pipe_open(cli_pipe) || sigaction(SIGINT, &action, NULL) != 0 ||
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
