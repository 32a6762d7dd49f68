/*
 * stores/sqlite/reading.c
 *		Snapshots of the store, and all that is read in them.
 *
 * Each answer is read within one transaction on a connection of a pool, so it is one snapshot, and
 * does not block writers.  All that such a transaction sees is on disk: a commit is visible only after it
 * has been synced.
 */
#include <string.h>

#include "results/error.h"
#include "results/lists.h"
#include "stores/local/search.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_READ "read"

/* This many unused connections stay open. */
#define FS_MAX_IDLE_READERS 16

bool
fs_readers_init(fs_readers *readers)
{
	(void) memset(readers, 0, sizeof(*readers));
	return pthread_mutex_init(&readers->mutex, NULL) == 0;
}

void
fs_readers_destroy(fs_readers *readers)
{
	for (fs_database *connection = readers->idle, *next; connection != NULL; connection = next)
	{
		next = connection->next;
		fs_database_close(connection);
	}
	(void) pthread_mutex_destroy(&readers->mutex);
}

static int
fs_reader_take(fs_backend *backend, fs_database **connection, factstr_error *error)
{
	fs_readers *readers = &backend->readers;

	(void) pthread_mutex_lock(&readers->mutex);
	*connection = readers->idle;
	if (*connection != NULL)
	{
		readers->idle = (*connection)->next;
		readers->idle_count--;
	}
	(void) pthread_mutex_unlock(&readers->mutex);
	return *connection != NULL ? FACTSTR_OK :
		fs_backend_connect(backend, connection, error);
}

static void
fs_reader_give(fs_backend *backend, fs_database *connection)
{
	fs_readers *readers = &backend->readers;

	(void) pthread_mutex_lock(&readers->mutex);

	/* A frozen one shows no more than it did. */
	if (readers->idle_count < FS_MAX_IDLE_READERS && backend->reading != FS_READS_BY_NEED)
	{
		connection->next = readers->idle;
		readers->idle = connection;
		readers->idle_count++;
		connection = NULL;
	}
	(void) pthread_mutex_unlock(&readers->mutex);
	fs_database_close(connection);
}

int
fs_snapshot_begin(fs_backend *backend, fs_snapshot *snapshot, factstr_error *error)
{
	uint64_t	head;
	int			code = fs_reader_take(backend, &snapshot->connection, error);

	if (code != FACTSTR_OK)
		return code;
	snapshot->connection->lacks_redactions = backend->lacks_redactions;
	code = fs_statement_do(snapshot->connection, FS_BEGIN_READ, FS_READ, error);
	if (code == FACTSTR_OK)
		code = fs_log_head(snapshot->connection, &head, error);
	if (code == FACTSTR_OK)
		fs_log_init(&snapshot->log, snapshot->connection, head);
	else
		fs_database_close(snapshot->connection);
	return code;
}

int
fs_snapshot_end(fs_backend *backend, fs_snapshot *snapshot, int code, factstr_error *error)
{
	fs_database *connection = snapshot->connection;
	factstr_error changed;

	fs_log_reset(connection);
	fs_database_rollback(connection);

	/* Then the answer cannot be trusted, even if it is an error. */
	if (fs_check_frozen(connection, &changed) != FACTSTR_OK)
	{
		*error = changed;
		code = changed.code;
	}
	if (code == FACTSTR_OK || code == FACTSTR_CONFLICT)
		fs_reader_give(backend, connection);
	else
		fs_database_close(connection);
	return code;
}

int
fs_sqlite_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				uint64_t *version, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_local_query(&snapshot.log, query, facts, version, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_context_version(fs_backend *backend, const fs_query *query, uint64_t *version,
						  factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_local_context_version(&snapshot.log, query, version, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_newest(fs_backend *backend, const fs_query *queries, size_t count, fs_fact_list *facts,
				 uint64_t *version, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_local_newest(&snapshot.log, queries, count, facts, version, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	*head = snapshot.log.head;
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_read(fs_backend *backend, const fs_query *query, const fs_range *range,
			   fs_fact_list *facts, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_local_read(&snapshot.log, query, range, facts, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

int
fs_sqlite_batches(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
				  fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_local_batches(&snapshot.log, query, after, max_batches, batches, searched, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

/* Adds a row of EXPORT.  False if there is no memory. */
static bool
fs_export_row(sqlite3_stmt *row, fs_batch_list *batches)
{
	factstr_fact fact;
	uint64_t	first = (uint64_t) sqlite3_column_int64(row, 5);

	fs_log_fact_of_row(row, &fact);
	if (fact.event_type == NULL || fact.payload == NULL)
		return false;
	if (fact.sequence_number == first &&
		!fs_batch_list_begin(batches, first, (uint64_t) sqlite3_column_int64(row, 6),
							 (const char *) sqlite3_column_text(row, 7)))
		return false;
	return fs_batch_list_add(batches, &fact);
}

/* Rows from the first one of a batch on, as many batches as are wanted. */
static int
fs_export_rows(fs_database *connection, sqlite3_stmt *rows, size_t max_batches,
			   fs_batch_list *batches, factstr_error *error)
{
	uint64_t	end = INT64_MAX;	/* the last fact of the last batch that is wanted */
	uint64_t	number = 0;
	int			result = SQLITE_ROW;

	while (number < end && (result = sqlite3_step(rows)) == SQLITE_ROW)
	{
		if (!fs_export_row(rows, batches))
			return fs_error_no_memory(error);
		number = (uint64_t) sqlite3_column_int64(rows, 0);
		if (batches->count == max_batches)
			end = batches->batches[max_batches - 1].last_sequence_number;
	}
	return result == SQLITE_ROW || result == SQLITE_DONE ? FACTSTR_OK :
		fs_sqlite_error(connection, result, FS_READ, error);
}

/* A position inside a batch stands for the one before it, so that batches come whole. */
static int
fs_start_of_export(const fs_local_log *log, uint64_t after, uint64_t *start,
				   factstr_error *error)
{
	fs_stored_fact fact;
	int			code;

	*start = after;
	if (after >= log->head)
		return FACTSTR_OK;
	code = log->fetch(log->store, after + 1, &fact, error);
	if (code == FACTSTR_OK)
		*start = fact.batch_first - 1;
	return code;
}

static int
fs_add_redaction(void *target, const factstr_redaction *redaction, bool *goes_on,
				 factstr_error *error)
{
	fs_batch_list *batches = target;

	*goes_on = redaction->sequence_number <=
		batches->batches[batches->count - 1].last_sequence_number;
	return !*goes_on || fs_batch_list_add_redaction(batches, redaction) ? FACTSTR_OK :
		fs_error_no_memory(error);
}

static int
fs_export_snapshot(const fs_local_log *log, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, factstr_error *error)
{
	fs_database *connection = log->store;
	sqlite3_stmt *rows = fs_statement_get(connection, FS_EXPORT, FS_READ, error);
	uint64_t	start;
	int			code;

	if (rows == NULL)
		return error->code;
	code = fs_start_of_export(log, after, &start, error);
	if (code != FACTSTR_OK || start >= log->head)
		return code;
	(void) sqlite3_bind_int64(rows, 1, (sqlite3_int64) start);
	code = fs_export_rows(connection, rows, max_batches, batches, error);
	(void) sqlite3_reset(rows);
	if (code == FACTSTR_OK && batches->count > 0)
		code = fs_redactions_walk(connection, start, fs_add_redaction, batches, error);
	return code;
}

int
fs_sqlite_export(fs_backend *backend, uint64_t after, size_t max_batches, fs_batch_list *batches,
				 factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_export_snapshot(&snapshot.log, after, max_batches, batches, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}
