/*
 * stores/sqlite/erasure.c
 *		The files do not hold erased text any more.
 *
 * The commit of a redaction is in the write-ahead log, with the old page before it and in the database.
 * A checkpoint copies the new page, in which SQLite has overwritten deleted content (secure_delete), over the
 * old one, and cuts the log off.  It can do so only when no reader has a snapshot from before the commit.
 *
 * Until then the fact is listed in factstr_erasures.  So after a crash, or if a reader was in the
 * way, the next opening finds the unfinished erasure, and each commit of a store that knows
 * of it tries again.
 */
#include <time.h>

#include "base/threads.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_FINISH "finish a redaction in"

/* How long readers are waited for, and the pause between tries. */
#define FS_WAIT_FOR_READERS 1000
#define FS_PAUSE_NS 2000000L

/* The newest fact of those that stand there; 0: none. */
static int
fs_find_last_erasure(fs_database *connection, int64_t *last, factstr_error *error)
{
	sqlite3_stmt *find = fs_statement_get(connection, FS_LAST_ERASURE, FS_FINISH, error);
	int			result;

	if (find == NULL)
		return error->code;
	result = sqlite3_step(find);
	*last = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
	(void) sqlite3_reset(find);
	return result == SQLITE_ROW ? FACTSTR_OK :
		fs_sqlite_error(connection, result, FS_FINISH, error);
}

static int
fs_end_erasures(fs_database *connection, int64_t last, factstr_error *error)
{
	sqlite3_stmt *end = fs_statement_get(connection, FS_END_ERASURES, FS_FINISH, error);

	if (end == NULL)
		return error->code;
	(void) sqlite3_bind_int64(end, 1, last);
	return fs_statement_run(connection, end, FS_FINISH, error);
}

/* Copies the log into the database and cuts it off.  Waits for a running checkpoint. */
static bool
fs_empty_log(fs_database *connection, int patience)
{
	int64_t		deadline = fs_deadline(patience);
	struct timespec pause = {0, FS_PAUSE_NS};
	int			result;

	connection->patience = patience;
	while ((result = sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_TRUNCATE,
											   NULL, NULL)) != SQLITE_OK &&
		   (result & 0xff) == SQLITE_BUSY && fs_time_left(deadline) > 0)
		(void) nanosleep(&pause, NULL);
	connection->patience = connection->busy_timeout;
	return result == SQLITE_OK;
}

/* With the turn.  All commits before the look are in the log that is cut off after it. */
static bool
fs_try_to_finish(fs_database *connection, int patience)
{
	factstr_error error;
	int64_t		last;

	if (fs_find_last_erasure(connection, &last, &error) != FACTSTR_OK)
		return false;
	if (last == 0)
		return true;
	return fs_empty_log(connection, patience) &&
		fs_end_erasures(connection, last, &error) == FACTSTR_OK;
}

void
fs_erasure_retry(fs_backend *backend, fs_database *connection)
{
	if (atomic_load(&backend->has_erasures) && fs_try_to_finish(connection, 0))
		atomic_store(&backend->has_erasures, false);
}

bool
fs_erasure_finish(fs_backend *backend)
{
	factstr_error error;
	bool		finished = false;

	atomic_store(&backend->has_erasures, true);
	if (fs_writer_take(backend, &error) != FACTSTR_OK)
		return false;
	finished = fs_try_to_finish(backend->writer.connection, FS_WAIT_FOR_READERS);
	if (finished)
		atomic_store(&backend->has_erasures, false);
	fs_writer_give(backend);
	return finished;
}

/* Resumes a redaction that this or another process did not finish before it ended. */
void
fs_erasure_begin(fs_backend *backend)
{
	atomic_store(&backend->has_erasures, true);
	fs_erasure_retry(backend, backend->writer.connection);
}
