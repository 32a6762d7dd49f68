/*
 * streams/time_limit.c
 *		How long a handler may take in a worker.
 *
 * As long as factstr.handler_timeout says, and no longer than the statement_timeout of its session, of which a
 * worker has no statements.  At its end the handler is cancelled, as a statement is.  One that catches that and
 * goes on is not cancelled again: after the same time once more its process ends.
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

/* Before the handler is called.  What that does to the settings does not move its limits. */
void
fs_time_limit_begin(void)
{
	if (!is_worker)
		return;
	if (StatementTimeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
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
