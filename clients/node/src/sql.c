/*
 * sql.c
 *		See sql.h.  As in the library, libpq is loaded when it is needed: a program on memory or a file does not
 *		need it.
 */
#include "sql.h"

#include "errors.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

typedef struct fn_libpq
{
	void	   *library;
	PGconn	   *(*connect) (const char *);
	ConnStatusType (*status) (const PGconn *);
	char	   *(*connection_message) (const PGconn *);
	void		(*finish) (PGconn *);
	PGresult   *(*exec) (PGconn *, const char *);
	ExecStatusType (*result_status) (const PGresult *);
	char	   *(*result_field) (const PGresult *, int);
	void		(*clear) (PGresult *);
} fn_libpq;

/* Finds a function of the library; false if there is none. */
static bool
find(const fn_libpq *libpq, const char *name, void *function)
{
	void	   *found = dlsym(libpq->library, name);

	memcpy(function, &found, sizeof(found));
	return found != NULL;
}

static bool
load(fn_libpq *libpq)
{
	libpq->library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	return libpq->library != NULL
		&& find(libpq, "PQconnectdb", &libpq->connect) && find(libpq, "PQstatus", &libpq->status)
		&& find(libpq, "PQerrorMessage", &libpq->connection_message) && find(libpq, "PQfinish", &libpq->finish)
		&& find(libpq, "PQexec", &libpq->exec) && find(libpq, "PQresultStatus", &libpq->result_status)
		&& find(libpq, "PQresultErrorField", &libpq->result_field) && find(libpq, "PQclear", &libpq->clear);
}

static int
execute(const fn_libpq *libpq, PGconn *connection, const char *sql, char **result)
{
	PGresult   *answer;
	const char *message;
	int			code = FACTSTR_OK;

	if (libpq->status(connection) != CONNECTION_OK)
	{
		*result = fn_failure_document(FACTSTR_NOT_CONNECTED, libpq->connection_message(connection), NULL);
		return FACTSTR_NOT_CONNECTED;
	}
	answer = libpq->exec(connection, sql);
	if (libpq->result_status(answer) == PGRES_COMMAND_OK)
		*result = strdup("{}");
	else
	{
		message = libpq->result_field(answer, PG_DIAG_MESSAGE_PRIMARY);
		code = FACTSTR_STORAGE;
		*result = fn_failure_document(code, message == NULL ? libpq->connection_message(connection) : message,
									  libpq->result_field(answer, PG_DIAG_SQLSTATE));
	}
	libpq->clear(answer);
	return code;
}

int
fn_execute_sql(const char *url, const char *sql, char **result)
{
	fn_libpq	libpq;
	PGconn	   *connection;
	int			code;

	if (!load(&libpq))
	{
		*result = fn_failure_document(FACTSTR_CANNOT_OPEN,
									  "libpq.so.5 cannot be loaded; install PostgreSQL's client library", NULL);
		return FACTSTR_CANNOT_OPEN;
	}
	connection = libpq.connect(url);
	code = execute(&libpq, connection, sql, result);
	libpq.finish(connection);
	return code;
}
