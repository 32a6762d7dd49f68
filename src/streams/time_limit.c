/*
 * streams/time_limit.c
 *		How long a handler may take in a worker.
 *
 * As long as factstr.handler_timeout says, and no longer than statement_timeout, of the function itself or else of
 * its session: PostgreSQL limits statements, of which a worker has none, and which do not begin with a function.  At
 * its end the handler is cancelled, as a statement is.  One that catches that and goes on is not cancelled again: after
 * the same time once more its process ends.
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/timeout.h"

#include "settings.h"
#include "streams/time_limit.h"

static bool is_worker = false;
static TimeoutId limit;
static TimeoutId last_limit;

static void
cancel(void)
{
	(void) kill(MyProcPid, SIGINT);
}

static void
terminate(void)
{
	(void) kill(MyProcPid, SIGTERM);
}

/* In a worker, after its connection, which sets up timeouts. */
void
fs_time_limit_init(void)
{
	limit = RegisterTimeout(USER_TIMEOUT, cancel);
	last_limit = RegisterTimeout(USER_TIMEOUT, terminate);
	is_worker = true;
}

/*
 * Before the handler is called, with the limit of its own, in ms; -1: none.  What it does to the settings does not
 * move its limits.
 */
void
fs_time_limit_begin(int own_statement_timeout)
{
	int			statement_timeout = own_statement_timeout < 0 ? StatementTimeout : own_statement_timeout;

	if (!is_worker)
		return;
	(void) get_timeout_indicator(limit, true);
	if (statement_timeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, statement_timeout);
	if (factstr_handler_timeout > 0)
	{
		enable_timeout_after(limit, factstr_handler_timeout);
		enable_timeout_after(last_limit, (int) Min(2 * (int64) factstr_handler_timeout, INT_MAX));
	}
}

/* It has returned or failed. */
void
fs_time_limit_end(void)
{
	if (!is_worker)
		return;
	disable_timeout(STATEMENT_TIMEOUT, false);
	disable_timeout(limit, true);
	disable_timeout(last_limit, false);
}

/* Was it factstr.handler_timeout that cancelled the last handler? */
bool
fs_time_limit_is_over(void)
{
	return is_worker && get_timeout_indicator(limit, true);
}
