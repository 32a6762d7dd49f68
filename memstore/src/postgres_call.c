/*
 * postgres_call.c
 *		Calls of the extension's functions: prepared statements, and what to do when the server is
 *		lost over one.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "postgres_connection.h"
#include "threads.h"

/* Microseconds from 1970-01-01 to 2000-01-01, where the server's times begin. */
#define FS_POSTGRES_EPOCH INT64_C(946684800000000)

#define FS_DAY INT64_C(86400000000)
#define FS_MONTH (30 * FS_DAY)

/* How long a call is repeated, and the first pause before that, which doubles.  In ms. */
#define FS_REPEAT_TIME 5000
#define FS_FIRST_PAUSE 50

/* The room for the name of a prepared statement. */
#define FS_NAME_SIZE 24

static const char *
fs_statement_name(fs_statement statement, char *name)
{
	(void) snprintf(name, FS_NAME_SIZE, "factstr_%d", (int) statement);
	return name;
}

static int
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

/* Takes what a result holds.  An error replaces whatever was found before. */
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

/* Up to the end, since only then is it known whether the statement was committed. */
static int
fs_take_results(fs_connection *connection, const fs_answer *answer, factstr_error *error)
{
	PGresult   *result;
	int			code = FACTSTR_OK;

	while ((result = PQgetResult(connection->libpq)) != NULL)
	{
		code = fs_take_result(connection, result, answer, code, error);
		PQclear(result);
	}
	return code;
}

int
fs_call_over(fs_backend *backend, fs_connection *connection, const fs_call *call,
			 const fs_answer *answer, factstr_error *error)
{
	char		name[FS_NAME_SIZE];
	int			code = fs_prepare(backend, connection, call->statement, error);

	if (code != FACTSTR_OK)
		return code;
	if (answer != NULL && answer->begin != NULL)
		answer->begin(answer->target);
	if (!PQsendQueryPrepared(connection->libpq, fs_statement_name(call->statement, name),
							 call->parameter_count, call->parameters, NULL, NULL, 1))
		return fs_libpq_error(connection->libpq, FACTSTR_CONNECTION_LOST, error);
	if (answer != NULL && answer->one_by_one)
		(void) PQsetSingleRowMode(connection->libpq);
	return fs_take_results(connection, answer, error);
}

int
fs_command_over(fs_connection *connection, const char *command, factstr_error *error)
{
	if (!PQsendQuery(connection->libpq, command))
		return fs_libpq_error(connection->libpq, FACTSTR_CONNECTION_LOST, error);
	return fs_take_results(connection, NULL, error);
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
	return code;
}

static int
fs_call_for_seconds(fs_backend *backend, const fs_call *call, const fs_answer *answer,
					factstr_error *error)
{
	int64_t		deadline = fs_deadline(FS_REPEAT_TIME);
	int64_t		pause = FS_FIRST_PAUSE;
	bool		was_sent;
	int			code;

	while ((code = fs_try_call(backend, call, answer, &was_sent, error)) ==
		   FACTSTR_CONNECTION_LOST && fs_time_left(deadline) > pause)
	{
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
	if (code == FACTSTR_CONNECTION_LOST && (repetition == FS_REPEAT_ONCE || !was_sent))
		code = fs_try_call(backend, call, answer, &was_sent, error);
	return code;
}

/*
 * Values
 */

static uint64_t
fs_read_big_endian(const char *bytes, int count)
{
	uint64_t	value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | (unsigned char) bytes[i];
	return value;
}

int64_t
fs_value_int8(const PGresult *rows, int row, int column)
{
	if (PQgetlength(rows, row, column) != 8)
		return 0;
	return (int64_t) fs_read_big_endian(PQgetvalue(rows, row, column), 8);
}

int32_t
fs_value_int4(const PGresult *rows, int row, int column)
{
	if (PQgetlength(rows, row, column) != 4)
		return 0;
	return (int32_t) fs_read_big_endian(PQgetvalue(rows, row, column), 4);
}

bool
fs_value_bool(const PGresult *rows, int row, int column)
{
	return PQgetlength(rows, row, column) == 1 && PQgetvalue(rows, row, column)[0] != 0;
}

/* Infinite times are as far away as there are times. */
int64_t
fs_value_time(const PGresult *rows, int row, int column)
{
	int64_t		time = fs_value_int8(rows, row, column);

	if (PQgetisnull(rows, row, column))
		return 0;
	return time > INT64_MAX - FS_POSTGRES_EPOCH ? INT64_MAX : time + FS_POSTGRES_EPOCH;
}

/* The server sends microseconds, days and months. */
int64_t
fs_value_interval(const PGresult *rows, int row, int column)
{
	const char *bytes = PQgetvalue(rows, row, column);

	if (PQgetlength(rows, row, column) != 16)
		return 0;
	return (int64_t) fs_read_big_endian(bytes, 8) +
		(int32_t) fs_read_big_endian(bytes + 8, 4) * FS_DAY +
		(int32_t) fs_read_big_endian(bytes + 12, 4) * FS_MONTH;
}

char *
fs_value_text(const PGresult *rows, int row, int column)
{
	return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

/* A byte for the version of the format comes first. */
char *
fs_value_jsonb(const PGresult *rows, int row, int column)
{
	return PQgetlength(rows, row, column) < 1 ? NULL : PQgetvalue(rows, row, column) + 1;
}

const char *
fs_integer_parameter(uint64_t integer, char *text)
{
	(void) snprintf(text, FS_INTEGER_SIZE, "%" PRIu64, integer);
	return text;
}
