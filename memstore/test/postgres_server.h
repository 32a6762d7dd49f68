/*
 * postgres_server.h
 *		For tests of the PostgreSQL store: a database of the test's own, and a session beside it.
 *
 * The environment leads to the server, as for any client of libpq.
 */
#ifndef FACTSTR_POSTGRES_SERVER_H
#define FACTSTR_POSTGRES_SERVER_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "recorder.h"

#include "tap.h"

static PGconn *server_administrator;	/* in the database postgres */
static PGconn *server_session;	/* in the test's own */
static char server_database[64];

/* The URL of the test's own database, with options behind a "?", or "". */
static inline const char *
server_url(const char *options)
{
	static char url[300];

	(void) snprintf(url, sizeof(url), "postgresql:///%s%s%s", server_database,
					*options != '\0' ? "?" : "", options);
	return url;
}

static inline void
server_give_up(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	exit(1);
}

/* Runs a command that must succeed; gives the text of the first column of the first row. */
static inline const char *__attribute__((format(printf, 2, 3)))
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
		server_give_up(command, PQerrorMessage(session));
	(void) snprintf(text, sizeof(text), "%s",
					PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return text;
}

static inline PGconn *
server_connect(const char *url)
{
	PGconn	   *connection = PQconnectdb(url);

	if (PQstatus(connection) != CONNECTION_OK)
		server_give_up("cannot connect", PQerrorMessage(connection));
	(void) server_run(connection, "SET client_min_messages = error");
	return connection;
}

/* Makes the test's own database, with the extension.  False if there is no server to test with. */
static inline bool
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

static inline int
server_end(void)
{
	PQfinish(server_session);
	(void) server_run(server_administrator, "DROP DATABASE %s WITH (FORCE)", server_database);
	PQfinish(server_administrator);
	return tap_finish();
}

static inline factstr_store *
server_open(const char *options)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open(server_url(options), &store, &error) != FACTSTR_OK)
		server_give_up("cannot open the store", error.message);
	return store;
}

/* How many connections of stores there are for which a condition of pg_stat_activity holds. */
static inline int
server_count(const char *condition)
{
	return atoi(server_run(server_administrator,
						   "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'"
						   " AND application_name = 'factstr' AND %s", server_database, condition));
}

/* Ends those connections; true when they are gone. */
static inline bool
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

#endif							/* FACTSTR_POSTGRES_SERVER_H */
