/*
 * stores/postgres/call.c
 *		Calls of the extension's functions over any free connection, and their repetition after a lost
 *		connection.
 */
#include <poll.h>

#include "base/threads.h"
#include "results/error.h"
#include "stores/calls.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

/* How long a call is repeated, and the first pause before that, which doubles.  In ms. */
#define FS_REPEAT_TIME 5000
#define FS_FIRST_PAUSE 50

static bool
fs_is_disconnected(int code)
{
	return code == FACTSTR_CONNECTION_LOST || code == FACTSTR_NOT_CONNECTED;
}

/* Calls once.  *was_sent says whether the server can have got it. */
static int
fs_try_call(fs_backend *backend, const fs_call *call, const fs_answer *answer, bool *was_sent,
			factstr_error *error)
{
	fs_connection *connection = fs_connection_take(backend, error);
	int			code;

	*was_sent = connection != NULL;
	if (connection == NULL)
		return error->code;
	code = fs_prepare(backend, connection, call->statement, error);
	*was_sent = code == FACTSTR_OK;
	if (code == FACTSTR_OK)
		code = fs_call_over(backend, connection, call, answer, error);
	if (code == FACTSTR_CONNECTION_LOST)
		fs_connection_close(backend, connection);
	else
		fs_connection_give_back(backend, connection);
	return code == FACTSTR_OK || *was_sent ? code : fs_nothing_was_done(error);
}

/* The last try may have found no server, and one before has been lost over the call. */
static int
fs_outcome_unknown(factstr_error *error)
{
	error->code = FACTSTR_CONNECTION_LOST;
	fs_error_detail(error, "The connection was lost after the call had been sent.");
	return FACTSTR_CONNECTION_LOST;
}

static int
fs_call_for_seconds(fs_backend *backend, const fs_call *call, const fs_answer *answer,
					factstr_error *error)
{
	int64_t		deadline = fs_deadline(FS_REPEAT_TIME);
	int64_t		pause = FS_FIRST_PAUSE;
	factstr_error ignored;		/* the outcome is unknown, with or without an interruption */
	bool		was_sent;
	bool		was_ever_sent = false;
	int			code;

	while (fs_is_disconnected(code = fs_try_call(backend, call, answer, &was_sent, error)))
	{
		was_ever_sent = was_ever_sent || was_sent;
		if (fs_time_left(deadline) <= pause || fs_calls_check(&ignored) != FACTSTR_OK)
			return was_ever_sent ? fs_outcome_unknown(error) : code;
		(void) poll(NULL, 0, (int) pause);
		pause *= 2;
	}
	return code;
}

int
fs_call_server(fs_backend *backend, const fs_call *call, const fs_answer *answer,
			   fs_repetition repetition, factstr_error *error)
{
	bool		was_sent;
	int			code;

	if (repetition == FS_REPEAT_FOR_SECONDS)
		return fs_call_for_seconds(backend, call, answer, error);
	code = fs_try_call(backend, call, answer, &was_sent, error);
	if (fs_is_disconnected(code) && (repetition == FS_REPEAT_ONCE || !was_sent))
		code = fs_try_call(backend, call, answer, &was_sent, error);
	if (code != FACTSTR_OK && repetition == FS_REPEAT_ONCE)
		code = fs_nothing_was_done(error);
	return code;
}
