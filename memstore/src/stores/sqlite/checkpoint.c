/*
 * stores/sqlite/checkpoint.c
 *		Keeping the write-ahead log short without delaying appends.
 *
 * A checkpoint copies the pages of the write-ahead log into the database, and when it has copied
 * all of them, and no reader needs them in the log any more, the next commit starts the log from its beginning.
 * Copying takes time, and others may append meanwhile; but then the copy never
 * reaches the end, and the log would grow forever.  So it has two parts: a thread copies
 * the bulk, and then one writer, before it passes on its turn, copies the few pages that have been
 * added since.
 *
 * Readers without a pause can still keep the log from starting again.  When it has
 * become very long, a writer waits a while for them; new ones then do without the log.
 */
#include <string.h>

#include "base/threads.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* So many pages in the log begin a checkpoint: 16 MB. */
#define FS_CHECKPOINT_PAGES 4096

/* A rest of more pages is copied by the thread as well, but not more than so often. */
#define FS_REST_PAGES 512
#define FS_MOST_PASSES 4

/* If the log has this many pages, a checkpoint waits for readers, for this many ms. */
#define FS_LONG_LOG_PAGES (16 * FS_CHECKPOINT_PAGES)
#define FS_WAIT_FOR_READERS 100

bool
fs_checkpointer_init(fs_checkpointer *checkpointer)
{
	(void) memset(checkpointer, 0, sizeof(*checkpointer));
	checkpointer->next_at = FS_CHECKPOINT_PAGES;
	return fs_mutex_and_condition_init(&checkpointer->mutex, &checkpointer->wanted);
}

void
fs_checkpointer_destroy(fs_checkpointer *checkpointer)
{
	(void) pthread_mutex_lock(&checkpointer->mutex);
	checkpointer->stops = true;
	(void) pthread_cond_signal(&checkpointer->wanted);
	(void) pthread_mutex_unlock(&checkpointer->mutex);
	if (checkpointer->has_thread)
		(void) pthread_join(checkpointer->thread, NULL);
	(void) pthread_cond_destroy(&checkpointer->wanted);
	(void) pthread_mutex_destroy(&checkpointer->mutex);
}

/*
 * The thread
 */

/* Waits for something to do.  False if there is nothing any more. */
static bool
fs_await_checkpoint(fs_checkpointer *checkpointer)
{
	bool		goes_on;

	(void) pthread_mutex_lock(&checkpointer->mutex);
	while (!checkpointer->stops && checkpointer->state != FS_CHECKPOINT_WANTED)
		(void) fs_condition_wait(&checkpointer->wanted, &checkpointer->mutex, FS_NO_DEADLINE);
	goes_on = !checkpointer->stops;
	(void) pthread_mutex_unlock(&checkpointer->mutex);
	return goes_on;
}

/* How much of the log is left after so much was copied. */
static int
fs_rest_of_log(fs_checkpointer *checkpointer, int copied)
{
	int			rest;

	(void) pthread_mutex_lock(&checkpointer->mutex);
	rest = checkpointer->wal_pages - copied;
	(void) pthread_mutex_unlock(&checkpointer->mutex);
	return rest;
}

/* Copies the bulk, the rest if it is large, and so on.  After an error, the writers copy the rest. */
static void
fs_copy_bulk(fs_backend *backend, fs_database *connection)
{
	for (int i = 0; i < FS_MOST_PASSES; i++)
	{
		int			pages;
		int			copied;

		if (sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_PASSIVE, &pages,
									  &copied) != SQLITE_OK ||
			copied < pages ||
			fs_rest_of_log(&backend->checkpointer, copied) <= FS_REST_PAGES)
			break;
	}
}

static void *
fs_checkpoint_work(void *argument)
{
	fs_backend *backend = argument;
	fs_checkpointer *checkpointer = &backend->checkpointer;
	fs_database *connection = NULL;
	factstr_error error;

	while (fs_await_checkpoint(checkpointer))
	{
		if (connection != NULL ||
			fs_backend_connect(backend, &connection, &error) == FACTSTR_OK)
			fs_copy_bulk(backend, connection);
		(void) pthread_mutex_lock(&checkpointer->mutex);
		checkpointer->state = FS_CHECKPOINT_COPIED;
		(void) pthread_mutex_unlock(&checkpointer->mutex);
	}
	fs_database_close(connection);
	return NULL;
}

/*
 * The writers.  Only the one that has the turn is here.
 */

/* Copies the rest, and returns when there is work again. */
static int
fs_copy_rest(fs_database *connection)
{
	bool		is_long = connection->wal_pages >= FS_LONG_LOG_PAGES;
	int			pages;
	int			copied;

	connection->patience = FS_WAIT_FOR_READERS;
	if (sqlite3_wal_checkpoint_v2(connection->db, "main", is_long ? SQLITE_CHECKPOINT_RESTART :
								  SQLITE_CHECKPOINT_PASSIVE, &pages, &copied) != SQLITE_OK)
		copied = -1;
	connection->patience = connection->busy_timeout;
	return copied == pages ? FS_CHECKPOINT_PAGES : connection->wal_pages + FS_CHECKPOINT_PAGES;
}

/* With the mutex.  Without a thread the writer does all of it. */
static void
fs_want_checkpoint(fs_backend *backend)
{
	fs_checkpointer *checkpointer = &backend->checkpointer;

	if (!checkpointer->has_thread)
		checkpointer->has_thread = fs_thread_start(&checkpointer->thread, fs_checkpoint_work,
												   backend);
	checkpointer->state = checkpointer->has_thread ? FS_CHECKPOINT_WANTED : FS_CHECKPOINT_COPIED;
	(void) pthread_cond_signal(&checkpointer->wanted);
}

void
fs_checkpoint_if_due(fs_backend *backend, fs_database *connection)
{
	fs_checkpointer *checkpointer = &backend->checkpointer;
	bool		copies_rest;
	int			next_at = 0;

	(void) pthread_mutex_lock(&checkpointer->mutex);
	checkpointer->wal_pages = connection->wal_pages;

	/* The log has started again, so the usual limit applies. */
	if (checkpointer->wal_pages < FS_CHECKPOINT_PAGES)
		checkpointer->next_at = FS_CHECKPOINT_PAGES;
	if (checkpointer->state == FS_CHECKPOINT_IDLE &&
		checkpointer->wal_pages >= checkpointer->next_at)
		fs_want_checkpoint(backend);
	copies_rest = checkpointer->state == FS_CHECKPOINT_COPIED;
	(void) pthread_mutex_unlock(&checkpointer->mutex);
	if (!copies_rest)
		return;

	next_at = fs_copy_rest(connection);
	(void) pthread_mutex_lock(&checkpointer->mutex);
	checkpointer->next_at = next_at;
	checkpointer->state = FS_CHECKPOINT_IDLE;
	(void) pthread_mutex_unlock(&checkpointer->mutex);
}
