/*
 * stores/postgres/error.c
 *		From SQLSTATEs and libpq's messages to codes of the library, once there is a connection.
 *
 * A server's message never quotes the parameters of a statement, but its detail and its hint may, so
 * they are passed on only if the error is one of the extension or of the server's resources.
 */
#include <string.h>

#include "results/error.h"
#include "stores/calls.h"
#include "stores/postgres/backend.h"

#define FS_INSUFFICIENT_PRIVILEGE "42501"

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
	{"FS008", FACTSTR_NO_SUCH_LOG},
	{"FS009", FACTSTR_LOG_SEALED},
	{"08", FACTSTR_CONNECTION_LOST},
	{"0A", FACTSTR_UNSUPPORTED},
	{"22", FACTSTR_MALFORMED},
	{"25006", FACTSTR_READ_ONLY},	/* a standby, or a database that is read only */
	{"3F", FACTSTR_INCOMPATIBLE},	/* the extension was dropped or replaced meanwhile */
	{"40", FACTSTR_BUSY},
	{FS_INSUFFICIENT_PRIVILEGE, FACTSTR_PERMISSION_DENIED},
	{"42710", FACTSTR_LOG_EXISTS},	/* nothing else is created */
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
fs_connection_error(PGconn *connection, factstr_error *error)
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
	return fs_error(error, FACTSTR_CONNECTION_LOST, "%s", length == 0 ? "the connection failed" :
					line);
}

int
fs_nothing_was_done(factstr_error *error)
{
	if (error->code == FACTSTR_CONNECTION_LOST)
		error->code = FACTSTR_NOT_CONNECTED;
	return error->code;
}

/* The connection is gone, or will be: the server says so, or does not answer. */
static bool
fs_is_lost(PGconn *connection, const char *sqlstate)
{
	return sqlstate == NULL || PQstatus(connection) == CONNECTION_BAD ||
		fs_code_of_sqlstate(sqlstate) == FACTSTR_CONNECTION_LOST;
}

/* The rights that the functions and tables of a store are used by. */
static const struct
{
	const char *beginning;		/* of the server's message, if that is in English */
	const char *right;
}			fs_rights[] =
{
	{"permission denied for function ", "EXECUTE"},
	{"permission denied for procedure ", "EXECUTE"},
	{"permission denied for schema ", "USAGE"},
	{"permission denied for table ", "SELECT"},
	{"permission denied for view ", "SELECT"},
	{NULL, NULL}
};

/* The server names the object, but neither the role nor the missing right. */
static void
fs_explain_rights(PGconn *connection, factstr_error *error)
{
	size_t		i = 0;

	while (fs_rights[i].beginning != NULL &&
		   strncmp(error->message, fs_rights[i].beginning, strlen(fs_rights[i].beginning)) != 0)
		i++;
	if (fs_rights[i].beginning != NULL)
		fs_error_detail(error, "Role \"%s\" needs the right %s on %s.", PQuser(connection), fs_rights[i].right,
						error->message + strlen("permission denied for "));
	else
		fs_error_detail(error, "The role is \"%s\".", PQuser(connection));
	fs_error_hint(error, "The owner of the extension gives the right with GRANT; \"Rights\" in "
				  "docs/sql-reference.md lists the statements.");
}

/* Which right on a log is missing, the extension says itself. */
static bool
fs_concerns_log(const char *message)
{
	static const char beginning[] = "permission denied for log ";

	return message != NULL && strncmp(message, beginning, strlen(beginning)) == 0;
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
			return fs_connection_error(connection, error);
		return fs_error(error, FACTSTR_CONNECTION_LOST, "%s", message);
	}
	if (strcmp(sqlstate, "57014") == 0 && fs_calls_check(error) != FACTSTR_OK)
		return error->code;		/* it is ours: see statement.c */
	(void) fs_error(error, fs_code_of_sqlstate(sqlstate), "%s",
					message == NULL ? "the server gives no reason" : message);
	if (strcmp(sqlstate, FS_INSUFFICIENT_PRIVILEGE) == 0 && !fs_concerns_log(message))
		fs_explain_rights(connection, error);
	else if (fs_may_be_told_more(sqlstate) || fs_concerns_log(message))
		fs_explain(result, error);
	return fs_code_of_sqlstate(sqlstate);
}
