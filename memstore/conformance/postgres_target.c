/*
 * postgres_target.c
 *		PostgreSQL as a target: a few databases, which cases have one after the other.
 *
 * A separate database for each case would take a second each, for the checkpoints and the files.
 * So a database is emptied after a case for the next one: all rows of the extension's tables
 * are deleted.
 */
#include "libpq.h"
#include "targets.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


/* A case has one store, or two. */
#define MAX_DATABASES 4

/* The log of each database that is no case's own store. */
#define BESIDE "conformance_beside"

typedef struct database
{
	PGconn	   *connection;		/* to make it empty; NULL: not made yet */
	bool		is_taken;
	char		name[100];
	char		server_url[2000];	/* for libpq */
	char		url[2200];		/* of the store */
	char		beside_url[2200];	/* of another log */
} database;

typedef struct server
{
	char	   *given;			/* the URL that was given, without the log */
	char		log[100];		/* empty: main */
	PGconn	   *connection;		/* to its database, where databases are made */
	database	databases[MAX_DATABASES];
} server;

static bool run(PGconn *connection, char *message, const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* Runs a statement.  On failure the reason is in message, if that is not NULL. */
static bool
run(PGconn *connection, char *message, const char *format,...)
{
	char		statement[500];
	va_list		arguments;
	PGresult   *result;
	bool		succeeded;

	va_start(arguments, format);
	(void) vsnprintf(statement, sizeof(statement), format, arguments);
	va_end(arguments);
	result = PQexec(connection, statement);
	succeeded = PQresultStatus(result) == PGRES_COMMAND_OK ||
		PQresultStatus(result) == PGRES_TUPLES_OK;
	if (!succeeded && message != NULL)
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "%s",
						PQerrorMessage(connection));
	PQclear(result);
	return succeeded;
}

/* NULL on failure.  libpq's words may quote the URL. */
static PGconn *
connect_to(const char *url, char *message)
{
	PGconn	   *connection = PQconnectdb(url);

	if (PQstatus(connection) != CONNECTION_OK)
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "cannot connect to the server");
	else if (run(connection, message, "SET client_min_messages = error"))
		return connection;
	PQfinish(connection);
	return NULL;
}

/* The library understands the URL, and gets to a server; or it says why not. */
static bool
is_reachable(const char *url, char *message)
{
	factstr_store *store;
	factstr_error error;
	int			code = factstr_open(url, &store, &error);

	if (code == FACTSTR_OK)
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	if (code == FACTSTR_OK || code == FACTSTR_INCOMPATIBLE || code == FACTSTR_NO_SUCH_LOG)
		return true;
	(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "%s", error.message);
	return false;
}

/* The given URL with another database, which is the part between the host and a "?". */
static void
put_database(const server *of, const char *name, char *url, size_t size)
{
	const char *authority = strstr(of->given, "://") + 3;
	const char *user_end = authority + strcspn(authority, "@/");
	const char *host = *user_end == '@' ? user_end + 1 : authority;
	const char *path = host + strcspn(host, "/?");
	const char *options = path + strcspn(path, "?");

	(void) snprintf(url, size, "%.*s/%s%s", (int) (path - of->given), of->given, name, options);
}

/* Takes the log out of a URL, which the library has understood.  It is written there without percent signs. */
static void
take_log(char *url, char *log, size_t size)
{
	static const char option[] = "factstr_log=";
	char	   *found = strstr(url, option);
	size_t		length;

	*log = '\0';
	if (found == NULL)
		return;
	length = strcspn(found, "&");
	(void) snprintf(log, size, "%.*s", (int) (length - strlen(option)), found + strlen(option));
	if (found[length] == '&')
		(void) memmove(found, found + length + 1, strlen(found + length + 1) + 1);
	else
		found[-1] = '\0';
}

/* The URL of a log, whose name may be empty for main, in a database. */
static void
put_log(const char *server_url, const char *log, char *url, size_t size)
{
	if (log[0] == '\0')
		(void) snprintf(url, size, "%s", server_url);
	else
		(void) snprintf(url, size, "%s%sfactstr_log=%s", server_url, strchr(server_url, '?') == NULL ? "?" : "&", log);
}

/* A function that empties all tables of any log, but keeps the logs. */
static const char make_reset[] =
	"CREATE FUNCTION conformance_reset() RETURNS void LANGUAGE plpgsql AS $$"
	" DECLARE emptied text;"
	" BEGIN"
	"  FOR emptied IN SELECT relid::regclass FROM pg_stat_user_tables"
	"   WHERE relname <> 'factstr_log_records' LOOP"
	"   EXECUTE 'DELETE FROM ' || emptied;"
	"  END LOOP;"
	" END $$";

/* Facts are not to be deleted, but in a database that is only there to be emptied. */
static const char let_go_of_facts[] =
	"DO $$ DECLARE guarded regclass;"
	" BEGIN"
	"  FOR guarded IN SELECT relid FROM pg_stat_user_tables LOOP"
	"   EXECUTE 'ALTER TABLE ' || guarded || ' DISABLE TRIGGER USER';"
	"  END LOOP;"
	" END $$";

static bool
make_database(server *here, database *made, char *message)
{
	(void) snprintf(made->name, sizeof(made->name), "factstr_conformance_%lx_%lx_%d",
					(unsigned long) time(NULL), (unsigned long) getpid(),
					(int) (made - here->databases));
	put_database(here, made->name, made->server_url, sizeof(made->server_url));
	put_log(made->server_url, here->log, made->url, sizeof(made->url));
	put_log(made->server_url, BESIDE, made->beside_url, sizeof(made->beside_url));
	if (!run(here->connection, message, "CREATE DATABASE %s", made->name))
		return false;
	made->connection = connect_to(made->server_url, message);
	return made->connection != NULL && run(made->connection, message, "CREATE EXTENSION factstr") &&
		(here->log[0] == '\0' || run(made->connection, message, "SELECT factstr_create_log('%s')", here->log)) &&
		run(made->connection, message, "SELECT factstr_create_log('" BESIDE "')") &&
		run(made->connection, message, "CREATE TABLE conformance_effects (number int)") &&
		run(made->connection, message, "%s", make_reset) &&
		run(made->connection, message, "%s", let_go_of_facts) &&
		run(made->connection, message, "SET synchronous_commit = off");
}

/* Remaining connections, such as those of a killed process, have nothing to lose. */
static bool
make_empty(database *used, char *message)
{
	return run(used->connection, message,
			   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			   " WHERE datname = current_database() AND pid <> pg_backend_pid()"
			   " AND backend_type = 'client backend'") &&
		run(used->connection, message, "SELECT conformance_reset()");
}

static const char *
fresh(void *context, char *message)
{
	server	   *here = context;
	database   *chosen = here->databases;
	bool		ready;

	while (chosen < here->databases + MAX_DATABASES && chosen->is_taken)
		chosen++;
	if (chosen == here->databases + MAX_DATABASES)
	{
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE, "a case has more than %d stores",
						MAX_DATABASES);
		return NULL;
	}
	ready = chosen->connection == NULL ? make_database(here, chosen, message) :
		make_empty(chosen, message);
	chosen->is_taken = ready;
	return ready ? chosen->url : NULL;
}

static database *
database_of(server *here, const char *url)
{
	for (size_t i = 0; i < MAX_DATABASES; i++)
	{
		if (strcmp(here->databases[i].url, url) == 0)
			return &here->databases[i];
	}
	return NULL;
}

/* It is made with the database. */
static const char *
beside(void *context, const char *url, char *message)
{
	(void) message;
	return database_of(context, url)->beside_url;
}

static void
discard(void *context, const char *url)
{
	database_of(context, url)->is_taken = false;
}

static bool
effect(void *context, void *transaction, int number)
{
	(void) context;
	return run(transaction, NULL, "INSERT INTO conformance_effects VALUES (%d)", number);
}

static long
effects(void *context, const char *url, int number)
{
	char		message[FACTSTR_CONFORMANCE_MESSAGE_SIZE];
	PGconn	   *connection = connect_to(database_of(context, url)->server_url, message);
	char		statement[100];
	PGresult   *result;
	long		count = -1;

	if (connection == NULL)
		return -1;
	(void) snprintf(statement, sizeof(statement),
					"SELECT count(*) FROM conformance_effects WHERE number = %d", number);
	result = PQexec(connection, statement);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		count = atol(PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(connection);
	return count;
}

/* FORCE: the server may not have noticed yet that a process which was killed has left. */
static void
free_server(void *context)
{
	server	   *here = context;

	for (size_t i = 0; i < MAX_DATABASES; i++)
	{
		const database *made = &here->databases[i];

		if (made->name[0] == '\0')
			continue;
		PQfinish(made->connection);
		(void) run(here->connection, NULL, "DROP DATABASE IF EXISTS %s WITH (FORCE)", made->name);
	}
	PQfinish(here->connection);
	free(here->given);
	free(here);
}

bool
fc_make_postgres_target(factstr_conformance_target *target, const char *url, char *message)
{
	server	   *here;

	if (strstr(url, "dbname=") != NULL)
	{
		(void) snprintf(message, FACTSTR_CONFORMANCE_MESSAGE_SIZE,
						"the URL must name its database in the path, not in an option");
		return false;
	}
	if (!is_reachable(url, message))
		return false;
	if (!fc_libpq_load(message))
		return false;
	here = calloc(1, sizeof(server));
	if (here == NULL || (here->given = strdup(url)) == NULL)
		abort();
	take_log(here->given, here->log, sizeof(here->log));
	here->connection = connect_to(here->given, message);
	if (here->connection == NULL || !make_database(here, &here->databases[0], message))
	{
		free_server(here);
		return false;
	}
	*target = (factstr_conformance_target) {
		.name = here->log[0] == '\0' ? "PostgreSQL" : "a log in PostgreSQL", .context = here, .fresh = fresh, .beside = beside, .discard = discard,
		.persistent = true, .effect = effect, .effects = effects,
		.read_only = "options=-c%20default_transaction_read_only%3Don", .free = free_server,
	};
	return true;
}
