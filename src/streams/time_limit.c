/*
 * streams/time_limit.c
 *		Limits the time of a handler in a worker.
 *
 * The limits are factstr.handler_timeout, and the statement_timeout of the function itself or else of its
 * session. PostgreSQL limits statements; a worker has none, and a function does not begin one.  At the end of the
 * time the handler is cancelled, like a statement.  One that catches the cancel and continues is not cancelled
 * again: after the same time, its process ends.
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

/* In a worker, after its connection, which initializes timeouts. */
void
fs_time_limit_init(void)
{
	limit = RegisterTimeout(USER_TIMEOUT, cancel);
	last_limit = RegisterTimeout(USER_TIMEOUT, terminate);
	is_worker = true;
}

/*
 * Called before the handler, with the limit of the function itself, in ms; -1: none.  Changes that the handler
 * makes to the settings do not affect its limits.
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

/* Did factstr.handler_timeout cancel the last handler? */
bool
fs_time_limit_is_over(void)
{
	return is_worker && get_timeout_indicator(limit, true);
}
