/*
 * postgres_error.c
 *		From SQLSTATEs and libpq's messages to codes of the library.
 *
 * A server's message never quotes what a statement was given, but its detail and its hint may, so
 * they are passed on only where the extension or the resources of the server are concerned.
 */
#include <string.h>

#include "postgres_store.h"

/* The first rule whose beginning the SQLSTATE has. */
static const struct
{
	const char *sqlstate;
	factstr_code code;
}			fs_sqlstates[] =
{
	{"FS001", FACTSTR_CONFLICT},
	{"FS002", FACTSTR_EMPTY_APPEND},
	{"FS003", FACTSTR_STREAM_QUERY_DIFFERS},
	{"FS004", FACTSTR_STREAM_ACTIVE},
	{"FS005", FACTSTR_NO_SUCH_STREAM},
	{"FS006", FACTSTR_IDEMPOTENCY_KEY_REUSED},
	{"FS007", FACTSTR_WAIT_TIMED_OUT},
	{"08", FACTSTR_CONNECTION_LOST},
	{"0A", FACTSTR_UNSUPPORTED},
	{"22", FACTSTR_MALFORMED},
	{"25006", FACTSTR_UNSUPPORTED}, /* a standby, or a database that is read only */
	{"3F", FACTSTR_INCOMPATIBLE},	/* the extension was dropped or replaced meanwhile */
	{"40", FACTSTR_BUSY},
	{"42883", FACTSTR_INCOMPATIBLE},
	{"42P01", FACTSTR_INCOMPATIBLE},
	{"53200", FACTSTR_NO_MEMORY},
	{"54", FACTSTR_MALFORMED},		/* larger than the server takes */
	{"55P03", FACTSTR_BUSY},
	{"57014", FACTSTR_BUSY},
	{"57P", FACTSTR_CONNECTION_LOST},
	{"", FACTSTR_STORAGE}
};

static factstr_code
fs_code_of_sqlstate(const char *sqlstate)
{
	size_t		i = 0;

	while (strncmp(sqlstate, fs_sqlstates[i].sqlstate, strlen(fs_sqlstates[i].sqlstate)) != 0)
		i++;
	return fs_sqlstates[i].code;
}

static bool
fs_may_be_told_more(const char *sqlstate)
{
	return strncmp(sqlstate, "FS", 2) == 0 || strcmp(sqlstate, "22023") == 0 ||
		sqlstate[0] == '5';
}

int
fs_libpq_error(PGconn *connection, factstr_code code, factstr_error *error)
{
	const char *message = PQerrorMessage(connection);
	char		line[sizeof(error->message)];
	size_t		length = 0;

	for (; *message != '\0' && length < sizeof(line) - 1; message++)
	{
		if (strchr(" \n\t", *message) == NULL)
			line[length++] = *message;
		else if (length > 0 && line[length - 1] != ' ')
			line[length++] = ' ';
	}
	if (length > 0 && line[length - 1] == ' ')
		length--;
	line[length] = '\0';
	return fs_error(error, code, "%s", length == 0 ? "the connection failed" : line);
}

/* The connection is gone, or will be: the server says so, or nobody answers. */
static bool
fs_is_lost(PGconn *connection, const char *sqlstate)
{
	return sqlstate == NULL || PQstatus(connection) == CONNECTION_BAD ||
		fs_code_of_sqlstate(sqlstate) == FACTSTR_CONNECTION_LOST;
}

static void
fs_explain(const PGresult *result, factstr_error *error)
{
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	if (detail != NULL)
		fs_error_detail(error, "%s", detail);
	if (hint != NULL)
		fs_error_hint(error, "%s", hint);
}

int
fs_postgres_error(PGconn *connection, const PGresult *result, factstr_error *error)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (fs_is_lost(connection, sqlstate))
	{
		if (message == NULL)
			return fs_libpq_error(connection, FACTSTR_CONNECTION_LOST, error);
		return fs_error(error, FACTSTR_CONNECTION_LOST, "%s", message);
	}
	(void) fs_error(error, fs_code_of_sqlstate(sqlstate), "%s",
					message == NULL ? "the server gives no reason" : message);
	if (fs_may_be_told_more(sqlstate))
		fs_explain(result, error);
	return fs_code_of_sqlstate(sqlstate);
}
