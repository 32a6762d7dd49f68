/*
 * stores/postgres/ghosts.c
 *		Sessions that outlive their connections, and still hold durable streams.
 *
 * A server that is busy, or that the network has cut off, learns late that a connection is gone,
 * and until then its session holds the stream: against its own consumer, which has connected again.
 * So the store remembers the sessions that it has lost, and ends the one that is in its way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "stores/postgres/backend.h"
#include "stores/postgres/connection.h"

void
fs_ghost_note(fs_backend *backend, const char *name, int server_pid)
{
	char	   *copy = strdup(name);
	fs_ghost   *ghost;

	(void) pthread_mutex_lock(&backend->mutex);
	ghost = &backend->ghosts[backend->next_ghost++ % FS_MAX_GHOSTS];
	free(ghost->name);
	*ghost = (fs_ghost) {.name = copy, .server_pid = server_pid};
	(void) pthread_mutex_unlock(&backend->mutex);
}

void
fs_ghosts_forget(fs_backend *backend, const char *name)
{
	(void) pthread_mutex_lock(&backend->mutex);
	for (int i = 0; i < FS_MAX_GHOSTS; i++)
	{
		fs_ghost   *ghost = &backend->ghosts[i];

		if (ghost->name != NULL && (name == NULL || strcmp(ghost->name, name) == 0))
		{
			free(ghost->name);
			ghost->name = NULL;
		}
	}
	(void) pthread_mutex_unlock(&backend->mutex);
}

/* Their process ids as an array of SQL; NULL if there are none, or no memory. */
static char *
fs_ghosts_of(fs_backend *backend, const char *name)
{
	fs_buffer	out = {0};
	int			count = 0;

	(void) pthread_mutex_lock(&backend->mutex);
	for (int i = 0; i < FS_MAX_GHOSTS; i++)
	{
		const fs_ghost *ghost = &backend->ghosts[i];

		if (ghost->name == NULL || strcmp(ghost->name, name) != 0)
			continue;
		fs_buffer_append(&out, count++ == 0 ? "{" : ",", 1);
		fs_write_integer(&out, (uint64_t) ghost->server_pid);
	}
	(void) pthread_mutex_unlock(&backend->mutex);
	if (count == 0)
		return NULL;
	fs_buffer_append(&out, "}", 1);
	return fs_finish_text(&out);
}

static int
fs_take_ended(const PGresult *rows, int row, void *target, factstr_error *error)
{
	(void) rows;
	(void) row;
	(void) error;
	*(bool *) target = true;
	return FACTSTR_OK;
}

bool
fs_ghosts_exist(fs_backend *backend, const char *name)
{
	char	   *pids = fs_ghosts_of(backend, name);

	free(pids);
	return pids != NULL;
}

int
fs_ghost_end(fs_backend *backend, fs_connection *connection, const char *name, bool *was_ghost,
			 factstr_error *error)
{
	char	   *pids = fs_ghosts_of(backend, name);
	fs_call		call = {FS_STATEMENT_STREAM_END_GHOST, 2, {name, pids}};
	fs_answer	answer = {.take = fs_take_ended, .target = was_ghost};
	int			code = FACTSTR_OK;

	*was_ghost = false;
	if (pids != NULL)
		code = fs_call_over(backend, connection, &call, &answer, error);
	free(pids);

	/* If the server does not allow it, it is left at that. */
	return code == FACTSTR_CONNECTION_LOST ? code : FACTSTR_OK;
}
