/*
 * stores/postgres/connection.c
 *		Connections to the server: made when one is needed, kept for the next call.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "results/error.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

/* This many unused connections stay open. */
#define FS_MAX_IDLE 16

/* Settings that roles and databases may have changed: an append must see all earlier facts. */
#define FS_SESSION_SETTINGS \
	"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"

/* The server's notices are for people at a terminal. */
static void
fs_ignore_notice(void *argument, const PGresult *notice)
{
	(void) argument;
	(void) notice;
}

static void
fs_add_connection(fs_backend *backend, fs_connection *connection)
{
	(void) pthread_mutex_lock(&backend->mutex);
	connection->next = backend->connections;
	if (connection->next != NULL)
		connection->next->previous = connection;
	backend->connections = connection;
	(void) pthread_mutex_unlock(&backend->mutex);
}

static void
fs_remove_connection(fs_backend *backend, fs_connection *connection)
{
	(void) pthread_mutex_lock(&backend->mutex);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		backend->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	(void) pthread_mutex_unlock(&backend->mutex);
}

fs_connection *
fs_connection_open(fs_backend *backend, factstr_error *error)
{
	fs_connection *connection = calloc(1, sizeof(fs_connection));

	if (connection == NULL)
	{
		(void) fs_error_no_memory(error);
		return NULL;
	}
	connection->libpq = fs_connect(backend->url);
	if (PQstatus(connection->libpq) != CONNECTION_OK)
	{
		(void) fs_connect_error(backend, connection->libpq, error);
		PQfinish(connection->libpq);
		free(connection);
		return NULL;
	}
	(void) PQsetNoticeReceiver(connection->libpq, fs_ignore_notice, NULL);
	connection->server_pid = PQbackendPID(connection->libpq);
	fs_add_connection(backend, connection);
	if (fs_command_over(connection, FS_SESSION_SETTINGS, error) == FACTSTR_OK)
		return connection;
	fs_connection_close(backend, connection);
	(void) fs_nothing_was_done(error);
	return NULL;
}

PGconn *
fs_connection_libpq(fs_connection *connection)
{
	return connection->libpq;
}

void
fs_connection_close(fs_backend *backend, fs_connection *connection)
{
	fs_remove_connection(backend, connection);
	PQfinish(connection->libpq);
	free(connection);
}

void
fs_connections_close_all(fs_backend *backend)
{
	while (backend->connections != NULL)
		fs_connection_close(backend, backend->connections);
}

/*
 * A server has nothing to say to an idle client but that it ends the connection, so one that can be
 * read from is no longer of use.  Sending would not show that.
 */
static bool
fs_seems_to_work(const fs_connection *connection)
{
	struct pollfd server = {.fd = PQsocket(connection->libpq), .events = POLLIN};

	return poll(&server, 1, 0) == 0;
}

static fs_connection *
fs_take_idle(fs_backend *backend)
{
	fs_connection *connection;

	(void) pthread_mutex_lock(&backend->mutex);
	connection = backend->idle;
	if (connection != NULL)
	{
		backend->idle = connection->next_idle;
		backend->idle_count--;
	}
	(void) pthread_mutex_unlock(&backend->mutex);
	return connection;
}

fs_connection *
fs_connection_take(fs_backend *backend, factstr_error *error)
{
	fs_connection *connection;

	while ((connection = fs_take_idle(backend)) != NULL)
	{
		if (fs_seems_to_work(connection))
			return connection;
		fs_connection_close(backend, connection);
	}
	return fs_connection_open(backend, error);
}

void
fs_connection_give_back(fs_backend *backend, fs_connection *connection)
{
	bool		is_kept = false;

	if (!connection->is_unusable && PQstatus(connection->libpq) == CONNECTION_OK &&
		PQtransactionStatus(connection->libpq) == PQTRANS_IDLE)
	{
		(void) pthread_mutex_lock(&backend->mutex);
		is_kept = backend->idle_count < FS_MAX_IDLE;
		if (is_kept)
		{
			connection->next_idle = backend->idle;
			backend->idle = connection;
			backend->idle_count++;
		}
		(void) pthread_mutex_unlock(&backend->mutex);
	}
	if (!is_kept)
		fs_connection_close(backend, connection);
}

bool
fs_connection_is_own(fs_backend *backend, int server_pid)
{
	bool		found = false;

	(void) pthread_mutex_lock(&backend->mutex);
	for (fs_connection *each = backend->connections; each != NULL && !found; each = each->next)
		found = each->server_pid == server_pid;
	(void) pthread_mutex_unlock(&backend->mutex);
	return found;
}
