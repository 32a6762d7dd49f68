/*
 * stores/sqlite/watch.c
 *		Noticing the commits of other processes.
 *
 * SQLite does not announce commits, but a connection can ask whether others have committed since it
 * asked last, at the price of a look into shared memory.  A thread does so while streams are open.
 */
#include <string.h>

#include "base/threads.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/*
 * In ms.  After this many unsuccessful looks the longer pause is used: a wake-up costs several times as much as the
 * look itself, and must not be noticeable in an idle process.
 */
#define FS_WATCH_PAUSE 20
#define FS_IDLE_PAUSE 40
#define FS_LOOKS_BEFORE_IDLE 50

#define FS_WATCH "watch"

bool
fs_watcher_init(fs_watcher *watcher)
{
	(void) memset(watcher, 0, sizeof(*watcher));
	return fs_mutex_and_condition_init(&watcher->mutex, &watcher->stopped);
}

void
fs_watcher_destroy(fs_watcher *watcher)
{
	(void) pthread_cond_destroy(&watcher->stopped);
	(void) pthread_mutex_destroy(&watcher->mutex);
}

/* The same without a connection, for a file that may not be written. */
static bool
fs_watch_head(fs_backend *backend)
{
	factstr_error error;
	uint64_t	head;
	int64_t		before = backend->watcher.data_version;
	bool		is_known = fs_sqlite_head(backend, &head, &error) == FACTSTR_OK;

	if (is_known)
		backend->watcher.data_version = (int64_t) head;
	return !is_known || backend->watcher.data_version != before;
}

/* Has anybody committed since the last look?  On failure, the streams that it wakes find out why. */
static bool
fs_watch_look(fs_watcher *watcher)
{
	factstr_error error;
	sqlite3_stmt *statement = fs_statement_get(watcher->connection, FS_DATA_VERSION, FS_WATCH,
											   &error);
	int64_t		before = watcher->data_version;
	bool		is_known = statement != NULL && sqlite3_step(statement) == SQLITE_ROW;

	if (is_known)
		watcher->data_version = sqlite3_column_int64(statement, 0);
	(void) sqlite3_reset(statement);
	return !is_known || watcher->data_version != before;
}

/* False if the thread is to stop. */
static bool
fs_watch_pause(fs_watcher *watcher, int64_t pause)
{
	int64_t		deadline = fs_deadline(pause);
	bool		goes_on;

	(void) pthread_mutex_lock(&watcher->mutex);
	while (!watcher->stops &&
		   fs_condition_wait(&watcher->stopped, &watcher->mutex, deadline))
		;
	goes_on = !watcher->stops;
	(void) pthread_mutex_unlock(&watcher->mutex);
	return goes_on;
}

static void *
fs_watch_work(void *argument)
{
	fs_backend *backend = argument;
	int			in_vain = 0;

	while (fs_watch_pause(&backend->watcher, in_vain < FS_LOOKS_BEFORE_IDLE ? FS_WATCH_PAUSE :
						  FS_IDLE_PAUSE))
	{
		if (backend->reading == FS_READS_BY_NEED ? fs_watch_head(backend) :
			fs_watch_look(&backend->watcher))
		{
			in_vain = 0;
			fs_hub_wake(backend->hub);
		}
		else if (in_vain < FS_LOOKS_BEFORE_IDLE)
			in_vain++;
	}
	return NULL;
}

int
fs_sqlite_watch(fs_backend *backend, factstr_error *error)
{
	fs_watcher *watcher = &backend->watcher;
	bool		has_connection = backend->reading != FS_READS_BY_NEED;
	int			code = has_connection ? fs_backend_connect(backend, &watcher->connection, error) :
		FACTSTR_OK;

	if (code != FACTSTR_OK)
		return code;

	/* From here on nothing is missed. */
	(void) (has_connection ? fs_watch_look(watcher) : fs_watch_head(backend));
	watcher->stops = false;
	if (fs_thread_start(&watcher->thread, fs_watch_work, backend))
		return FACTSTR_OK;
	fs_database_close(watcher->connection);
	return fs_error_no_memory(error);
}

void
fs_sqlite_unwatch(fs_backend *backend)
{
	fs_watcher *watcher = &backend->watcher;

	(void) pthread_mutex_lock(&watcher->mutex);
	watcher->stops = true;
	(void) pthread_cond_signal(&watcher->stopped);
	(void) pthread_mutex_unlock(&watcher->mutex);
	(void) pthread_join(watcher->thread, NULL);
	fs_database_close(watcher->connection);
	watcher->connection = NULL;
}
