/*
 * stores/postgres/statement.c
 *		Statements over one connection: prepared when they are first needed, and sent.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "results/error.h"
#include "stores/calls.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

/* How often a call that the server works on is looked at, whether it is to end.  In ms. */
#define FS_LOOK_INTERVAL 50

/* The limit for all parameters together; the rest of the message is small. */
#define FS_MAX_CALL_BYTES 1000000000

/* The room for the name of a prepared statement. */
#define FS_NAME_SIZE 24

static const char *
fs_statement_name(fs_statement statement, char *name)
{
	(void) snprintf(name, FS_NAME_SIZE, "factstr_%d", (int) statement);
	return name;
}

int
fs_prepare(fs_backend *backend, fs_connection *connection, fs_statement statement,
		   factstr_error *error)
{
	char		name[FS_NAME_SIZE];
	PGresult   *result;
	int			code = FACTSTR_OK;

	if (connection->is_prepared[statement])
		return FACTSTR_OK;
	result = PQprepare(connection->libpq, fs_statement_name(statement, name),
					   backend->statements[statement], 0, NULL);
	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		connection->is_prepared[statement] = true;
	else
		code = fs_postgres_error(connection->libpq, result, error);
	PQclear(result);
	return code;
}

/* Takes the rows of a result.  An error replaces earlier results. */
static int
fs_take_result(fs_connection *connection, const PGresult *result, const fs_answer *answer,
			   int code, factstr_error *error)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK)
		return code;
	if (status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
		return fs_postgres_error(connection->libpq, result, error);
	for (int row = 0; code == FACTSTR_OK && answer != NULL && row < PQntuples(result); row++)
		code = answer->take(result, row, answer->target, error);
	return code;
}

/* The server then ends the statement with an error, or has come to its end before. */
static void
fs_cancel(PGconn *libpq)
{
	PGcancel   *cancel = PQgetCancel(libpq);
	char		words[256];

	if (cancel != NULL)
		(void) PQcancel(cancel, words, (int) sizeof(words));
	PQfreeCancel(cancel);
}

/* A cancel that reaches the server before the statement begins does nothing, so it is repeated. */
#define LOOKS_BETWEEN_CANCELS 20

/*
 * Returns when there is a result to be taken, or the connection is lost.  A cancel may reach the server when the
 * statement has ended: a server takes it to be for the statement that ended, but a pooler in between may hand it on
 * when the next one runs.  So the connection is not used for another call.
 */
static void
fs_await_result(fs_connection *connection, bool *is_cancelled)
{
	PGconn	   *libpq = connection->libpq;
	struct pollfd server = {.fd = PQsocket(libpq), .events = POLLIN};
	factstr_error ignored;
	int			looks = 0;

	while (PQisBusy(libpq))
	{
		int			ready = poll(&server, 1, FS_LOOK_INTERVAL);

		if (*is_cancelled ? ++looks % LOOKS_BETWEEN_CANCELS == 0 :
			fs_calls_check(&ignored) != FACTSTR_OK)
		{
			fs_cancel(libpq);
			*is_cancelled = connection->is_unusable = true;
		}
		if (ready != 0 && !PQconsumeInput(libpq))
			return;
	}
}

static PGresult *
fs_next_result(fs_connection *connection, bool *is_cancelled)
{
	fs_await_result(connection, is_cancelled);
	return PQgetResult(connection->libpq);
}

/* Up to the end, since only then is it known whether the statement was committed. */
static int
fs_take_results(fs_connection *connection, const fs_answer *answer, factstr_error *error)
{
	PGresult   *result;
	bool		is_cancelled = false;
	int			code = FACTSTR_OK;

	while ((result = fs_next_result(connection, &is_cancelled)) != NULL)
	{
		code = fs_take_result(connection, result, answer, code, error);
		PQclear(result);
	}
	return code;
}

/* A server takes messages below 1 GB, and ends the connection over a longer one without a word. */
int
fs_call_check_size(const fs_call *call, factstr_error *error)
{
	uint64_t	size = 0;

	for (int i = 0; i < call->parameter_count; i++)
		size += call->parameters[i] == NULL ? 0 : strlen(call->parameters[i]);
	if (size <= FS_MAX_CALL_BYTES)
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MALFORMED, "the input is too large: it has %" PRIu64 " bytes as text", size);
	fs_error_detail(error, "A server takes at most %d bytes, white space and escapes included.", FS_MAX_CALL_BYTES);
	return FACTSTR_MALFORMED;
}

/* Nothing of a call was sent, or not so much that the server would begin with it. */
static int
fs_send_error(fs_connection *connection, factstr_error *error)
{
	if (PQstatus(connection->libpq) == CONNECTION_BAD)
		return fs_connection_error(connection->libpq, error);
	connection->is_unusable = true;
	return fs_error_no_memory(error);
}

int
fs_call_over(fs_backend *backend, fs_connection *connection, const fs_call *call,
			 const fs_answer *answer, factstr_error *error)
{
	char		name[FS_NAME_SIZE];
	int			code = fs_call_check_size(call, error);

	if (code == FACTSTR_OK)
		code = fs_prepare(backend, connection, call->statement, error);
	if (code != FACTSTR_OK)
		return code;
	if (answer != NULL && answer->begin != NULL)
		answer->begin(answer->target);
	if (!PQsendQueryPrepared(connection->libpq, fs_statement_name(call->statement, name),
							 call->parameter_count, call->parameters, NULL, NULL, 1))
		return fs_send_error(connection, error);
	if (answer != NULL && answer->one_by_one)
		(void) PQsetSingleRowMode(connection->libpq);
	return fs_take_results(connection, answer, error);
}

int
fs_command_over(fs_connection *connection, const char *command, factstr_error *error)
{
	if (!PQsendQuery(connection->libpq, command))
		return fs_send_error(connection, error);
	return fs_take_results(connection, NULL, error);
}

const char *
fs_integer_parameter(uint64_t integer, char *text)
{
	(void) snprintf(text, FS_INTEGER_SIZE, "%" PRIu64, integer < INT64_MAX ? integer : INT64_MAX);
	return text;
}
