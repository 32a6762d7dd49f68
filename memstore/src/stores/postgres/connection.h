/*
 * stores/postgres/connection.h
 *		A connection to the server.  Belongs to one thread at a time.
 */
#ifndef FACTSTR_STORES_POSTGRES_CONNECTION_H
#define FACTSTR_STORES_POSTGRES_CONNECTION_H

#include "stores/postgres/backend.h"

struct fs_connection
{
	PGconn	   *libpq;
	int			server_pid;
	bool		is_prepared[FS_STATEMENT_COUNT];
	bool		is_unusable;	/* half a message, or a cancel, may be on its way */

	/* Guarded by the backend's mutex. */
	fs_connection *previous;
	fs_connection *next;
	fs_connection *next_idle;
};

#endif							/* FACTSTR_STORES_POSTGRES_CONNECTION_H */
