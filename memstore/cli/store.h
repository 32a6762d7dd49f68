/*
 * store.h
 *		Opening the store that a command works on.
 */
#ifndef FACTSTR_CLI_STORE_H
#define FACTSTR_CLI_STORE_H

#include "factstr.h"

/* A command that only reads makes no store: a path would be mistyped, and the answer empty. */
typedef enum cli_store_mode
{
	CLI_EXISTING_STORE,
	CLI_NEW_STORE				/* made if it does not exist */
} cli_store_mode;

/*
 * The URL of a store and of a log, which may be NULL, as the library is given it: a new text for free, or NULL if
 * there is no memory.  A store that is one log by itself takes no other, which the library says.
 */
char	   *cli_make_url(const char *url, const char *log, cli_store_mode mode);

/* NULL after an error, which has been printed. */
factstr_store *cli_open_url(const char *url, cli_store_mode mode);

/* The same for the store of --store, or else of the environment; neither is a usage error. */
factstr_store *cli_open_store(cli_store_mode mode);

/* For commands on all logs of a database: the store of main in that database, even if the URL names another log. */
factstr_store *cli_open_database(void);

#endif							/* FACTSTR_CLI_STORE_H */
