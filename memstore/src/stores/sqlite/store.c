/*
 * stores/sqlite/store.c
 *		The SQLite store: opening, closing, and the table of its functions.
 *
 * Everything is kept in one file in write-ahead-log mode; any number of processes may have it open.
 * backend.h lists the other files.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "results/error.h"
#include "stores/sqlite/backend.h"
#include "stores/store.h"

static void
fs_backend_free(fs_backend *backend)
{
	free(backend->path);
	free(backend);
}

/* All or nothing. */
static bool
fs_backend_init(fs_backend *backend)
{
	if (!fs_readers_init(&backend->readers))
		return false;
	if (fs_writer_init(&backend->writer))
	{
		if (fs_checkpointer_init(&backend->checkpointer))
		{
			if (fs_watcher_init(&backend->watcher))
				return true;
			fs_checkpointer_destroy(&backend->checkpointer);
		}
		fs_writer_destroy(&backend->writer);
	}
	fs_readers_destroy(&backend->readers);
	return false;
}

static int
fs_backend_new(fs_hub *hub, const fs_location *location, fs_backend **backend, factstr_error *error)
{
	fs_backend *made = calloc(1, sizeof(fs_backend));

	if (made == NULL)
		return fs_error_no_memory(error);
	made->hub = hub;
	made->busy_timeout = location->busy_timeout;
	made->cache_size = location->cache_size;
	if (!fs_backend_init(made))
	{
		free(made);
		return fs_error_no_memory(error);
	}
	*backend = made;
	return FACTSTR_OK;
}

static void
fs_sqlite_close(fs_backend *backend)
{
	fs_watcher_destroy(&backend->watcher);
	fs_checkpointer_destroy(&backend->checkpointer);
	fs_readers_destroy(&backend->readers);

	/* Last, as it is the last to close that copies the write-ahead log into the database. */
	fs_writer_destroy(&backend->writer);
	fs_backend_free(backend);
}

/* A file that cannot be written is read; one that does not exist is nothing to be read. */
static void
fs_choose_reading(fs_backend *backend, const fs_location *location)
{
	struct stat status;
	bool		exists = stat(location->path, &status) == 0 && S_ISREG(status.st_mode);

	backend->obstacle = exists ? fs_access_writing(location->path) : 0;
	if (backend->obstacle != 0 && status.st_size > 0)
		backend->reading = FS_READS_BY_NEED;
	else if (location->only_reads)
		backend->reading = FS_READS_BY_CHOICE;
}

static int
fs_sqlite_open(const char *text, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	fs_location location;
	int			code = fs_location_parse(text, &location, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_backend_new(hub, &location, backend, error);
	if (code == FACTSTR_OK)
	{
		fs_choose_reading(*backend, &location);
		code = (*backend)->reading != FS_READS_AND_WRITES ?
			fs_schema_check(*backend, &location, error) :
			fs_schema_open(&location, &(*backend)->writer.connection, &(*backend)->path, error);
		if (code == FACTSTR_OK && (*backend)->writer.connection != NULL)
			code = fs_backend_limit_cache(*backend, (*backend)->writer.connection, error);
		if (code != FACTSTR_OK)
		{
			fs_sqlite_close(*backend);
			*backend = NULL;
		}
		else if ((*backend)->reading == FS_READS_AND_WRITES)
			fs_erasure_begin(*backend);
	}
	free(location.path);
	return code;
}

const fs_methods fs_sqlite_store = {
	.open = fs_sqlite_open,
	.close = fs_sqlite_close,
	.append = fs_sqlite_append,
	.query = fs_sqlite_query,
	.context_version = fs_sqlite_context_version,
	.newest = fs_sqlite_newest,
	.head = fs_sqlite_head,
	.read = fs_sqlite_read,
	.batches = fs_sqlite_batches,
	.export_batches = fs_sqlite_export,
	.import_batches = fs_sqlite_import,
	.redact = fs_sqlite_redact,
	.redactions = fs_sqlite_redactions,
	.import_redactions = fs_sqlite_import_redactions,
	.watch = fs_sqlite_watch,
	.unwatch = fs_sqlite_unwatch,
	.stream_claim = fs_sqlite_stream_claim,
	.stream_begin = fs_sqlite_stream_begin,
	.stream_move = fs_sqlite_stream_move,
	.stream_fail = fs_sqlite_stream_fail,
	.stream_resume = fs_sqlite_stream_resume,
	.stream_release = fs_sqlite_stream_release,
	.streams = fs_sqlite_streams,
	.stream_cursor = fs_sqlite_stream_cursor,
	.stream_seek = fs_sqlite_stream_seek,
	.stream_drop = fs_sqlite_stream_drop
};
