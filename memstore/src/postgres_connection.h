/*
 * postgres_connection.h
 *		A connection to the server.  Belongs to one thread at a time.
 */
#ifndef FACTSTR_POSTGRES_CONNECTION_H
#define FACTSTR_POSTGRES_CONNECTION_H

#include "postgres_store.h"

struct fs_connection
{
	PGconn	   *libpq;
	int			server_pid;
	bool		is_prepared[FS_STATEMENT_COUNT];

	/* Guarded by the backend's mutex. */
	fs_connection *previous;
	fs_connection *next;
	fs_connection *next_idle;
};

#endif							/* FACTSTR_POSTGRES_CONNECTION_H */
