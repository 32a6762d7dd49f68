/*
 * postgres_server.h
 *		For tests of the PostgreSQL store: a database of the test's own, and a session beside it.
 *
 * The environment leads to the server, as for any client of libpq.
 */
#ifndef FACTSTR_TEST_POSTGRES_SERVER_H
#define FACTSTR_TEST_POSTGRES_SERVER_H

#include <libpq-fe.h>

#include "stores.h"

extern PGconn *server_administrator;	/* in the database postgres */
extern PGconn *server_session;	/* in the test's own */
extern char server_database[64];

/* Makes the test's own database, with the extension.  False if there is no server to test with. */
bool		server_begin(const char *test);

/* Drops the extension and makes it again, with an empty log. */
void		server_make_new(void);

/* Removes it; the exit status. */
int			server_end(void);

/*
 * With FACTSTR_TEST_LOG=NAME, the stores of a test are another log than main: server_open opens it, and in the SQL
 * of server_run, functions mean it, and factstr_events its table.
 */
bool		server_has_other_log(void);

/* The URL of the test's own database, with options behind a "?", or ""; and that of a store in it. */
const char *server_url(const char *options);
const char *server_store_url(const char *options);

factstr_store *server_open(const char *options);
PGconn	   *server_connect(const char *url);

/* Runs a command that must succeed; gives the text of the first column of the first row. */
const char *server_run(PGconn *session, const char *format,...) TAP_FORMAT(2, 3);

/* How many connections of stores there are for which a condition of pg_stat_activity holds. */
int			server_count(const char *condition);

/* Ends those connections; true when they are gone. */
bool		server_terminate(const char *condition);

#endif							/* FACTSTR_TEST_POSTGRES_SERVER_H */
