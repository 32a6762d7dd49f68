/*
 * postgres_server.c
 *		For tests of the PostgreSQL store: a database of the test's own, and a session beside it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "postgres_server.h"

PGconn	   *server_administrator;
PGconn	   *server_session;
char		server_database[64];

const char *
server_url(const char *options)
{
	static char url[700];

	(void) snprintf(url, sizeof(url), "postgresql:///%s%s%s", server_database,
					*options != '\0' ? "?" : "", options);
	return url;
}

static const char *
server_log(void)
{
	const char *log = getenv("FACTSTR_TEST_LOG");

	return log == NULL || *log == '\0' ? NULL : log;
}

bool
server_has_other_log(void)
{
	return server_log() != NULL;
}

const char *
server_store_url(const char *options)
{
	char		with_log[300];

	if (server_log() == NULL)
		return server_url(options);
	(void) snprintf(with_log, sizeof(with_log), "%s%sfactstr_log=%s", options, *options != '\0' ? "&" : "",
					server_log());
	return server_url(with_log);
}

/* Writes a command with the log's table in place of that of main. */
static void
name_table(const char *command, char *text, size_t size)
{
	static const char table[] = "factstr_events";
	const char *found = server_log() == NULL ? NULL : strstr(command, table);

	if (found == NULL)
		(void) snprintf(text, size, "%s", command);
	else
		(void) snprintf(text, size, "%.*sfactstr_%s_events%s", (int) (found - command), command, server_log(),
						found + strlen(table));
}

const char *
server_run(PGconn *session, const char *format,...)
{
	static char text[200];
	char		given[2000];
	char		command[2100];
	PGresult   *result;
	va_list		arguments;

	va_start(arguments, format);
	(void) vsnprintf(given, sizeof(given), format, arguments);
	va_end(arguments);
	name_table(given, command, sizeof(command));
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

/* Functions that are not told a log mean this one. */
static const char make_log[] =
	"DO $$"
	"DECLARE"
	"	definition text;"
	" BEGIN"
	"	PERFORM factstr_create_log('%s');"
	"	FOR definition IN"
	"		SELECT replace(pg_get_functiondef(p.oid), $d$log text DEFAULT 'main'::text$d$,"
	"				$d$log text DEFAULT '%s'::text$d$)"
	"		FROM pg_proc p"
	"		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'"
	"		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'factstr'"
	"		WHERE pg_get_function_arguments(p.oid) LIKE $d$%%log text DEFAULT 'main'::text%%$d$"
	"	LOOP"
	"		EXECUTE definition;"
	"	END LOOP;"
	" END $$";

static void
make_extension(void)
{
	(void) server_run(server_session, "CREATE EXTENSION factstr");
	if (server_has_other_log())
		(void) server_run(server_session, make_log, server_log(), server_log());
}

void
server_make_new(void)
{
	if (server_has_other_log())
		(void) server_run(server_session, "SELECT factstr_drop_log('%s', '%s')", server_log(), server_log());
	(void) server_run(server_session, "DROP EXTENSION factstr CASCADE");
	make_extension();
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
	make_extension();
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
	return store_open(server_store_url(options));
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
