/*
 * postgres_server.c
 *		For tests of the PostgreSQL store: a database of the test's own, and a session beside it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "await.h"
#include "postgres_server.h"

PGconn	   *server_administrator;
PGconn	   *server_session;
char		server_database[64];

const char *
server_url(const char *options)
{
	static char url[300];

	(void) snprintf(url, sizeof(url), "postgresql:///%s%s%s", server_database,
					*options != '\0' ? "?" : "", options);
	return url;
}

const char *
server_run(PGconn *session, const char *format,...)
{
	static char text[200];
	char		command[2000];
	PGresult   *result;
	va_list		arguments;

	va_start(arguments, format);
	(void) vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	result = PQexec(session, command);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		tap_bail_out("%s: %s", command, PQerrorMessage(session));
	(void) snprintf(text, sizeof(text), "%s",
					PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return text;
}

PGconn *
server_connect(const char *url)
{
	PGconn	   *connection = PQconnectdb(url);

	if (PQstatus(connection) != CONNECTION_OK)
		tap_bail_out("cannot connect: %s", PQerrorMessage(connection));
	(void) server_run(connection, "SET client_min_messages = error");
	return connection;
}

bool
server_begin(const char *test)
{
	if (getenv("PGHOST") == NULL)
	{
		printf("1..0 # SKIP no PostgreSQL server is named by PGHOST\n");
		return false;
	}
	server_administrator = server_connect("postgresql:///postgres");
	(void) snprintf(server_database, sizeof(server_database), "factstr_%s_%d", test,
					(int) getpid());
	(void) server_run(server_administrator, "CREATE DATABASE %s", server_database);
	server_session = server_connect(server_url("application_name=beside"));
	(void) server_run(server_session, "CREATE EXTENSION factstr");
	return true;
}

int
server_end(void)
{
	PQfinish(server_session);
	(void) server_run(server_administrator, "DROP DATABASE %s WITH (FORCE)", server_database);
	PQfinish(server_administrator);
	return tap_finish();
}

factstr_store *
server_open(const char *options)
{
	return store_open(server_url(options));
}

int
server_count(const char *condition)
{
	return atoi(server_run(server_administrator,
						   "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'"
						   " AND application_name = 'factstr' AND %s", server_database, condition));
}

bool
server_terminate(const char *condition)
{
	char		pids[300];

	(void) snprintf(pids, sizeof(pids), "%s",
					server_run(server_administrator,
							   "SELECT coalesce(string_agg(pid::text, ','), '0')"
							   " FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'factstr' AND %s",
							   server_database, condition));
	(void) server_run(server_administrator,
					  "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
					  " WHERE pid IN (%s)", pids);
	return AWAIT(atoi(server_run(server_administrator,
								 "SELECT count(*) FROM pg_stat_activity WHERE pid IN (%s)",
								 pids)) == 0);
}
