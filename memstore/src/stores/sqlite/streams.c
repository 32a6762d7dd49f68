/*
 * stores/sqlite/streams.c
 *		The rows of durable streams, and these from outside: listed, moved and dropped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_CHANGE "change a stream in"
#define FS_READ "read"

int
fs_stream_change(fs_database *connection, sqlite3_stmt *change, const char *name,
				 factstr_error *error)
{
	int			code = fs_statement_run(connection, change, FS_CHANGE, error);

	if (code == FACTSTR_OK && sqlite3_changes(connection->db) == 0)
		code = fs_error_no_such_stream(error, name);
	return code;
}

int
fs_stream_find(fs_database *connection, const char *name, fs_stream_row *row, char **query,
			   bool *found, factstr_error *error)
{
	sqlite3_stmt *find = fs_statement_get(connection, FS_FIND_STREAM, FS_READ, error);
	int			result;
	int			code = FACTSTR_OK;

	*found = false;
	if (find == NULL)
		return error->code;
	(void) sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	result = sqlite3_step(find);
	*found = result == SQLITE_ROW;
	if (*found)
	{
		const char *text = (const char *) sqlite3_column_text(find, 1);

		row->stream_id = sqlite3_column_int64(find, 0);
		row->cursor = (uint64_t) sqlite3_column_int64(find, 2);
		row->epoch = sqlite3_column_int64(find, 3);
		if (query != NULL)
		{
			*query = text == NULL ? NULL : strdup(text);
			if (*query == NULL)
				code = fs_error_no_memory(error);
		}
	}
	else if (result != SQLITE_DONE)
		code = fs_sqlite_error(connection, result, FS_READ, error);
	(void) sqlite3_reset(find);
	(void) sqlite3_clear_bindings(find);
	return code;
}

/* The number of partitions of a query, which was checked before; 0 if it has no partition. */
static int
fs_count_of_query(const char *text, size_t *count, factstr_error *error)
{
	fs_query	query;
	int			code = fs_query_parse(text, &query, error);

	if (code == FACTSTR_OK)
	{
		*count = (size_t) query.parsed.partition.count;
		fs_query_release(&query);
	}
	return code;
}

/* The query of the first partition of a stream, NULL if there is none. */
static int
fs_first_query(fs_database *connection, const char *name, char **query, factstr_error *error)
{
	char	   *first = fs_partition_name(name, 0);
	fs_stream_row row;
	bool		found;
	int			code;

	*query = NULL;
	if (first == NULL)
		return fs_error_no_memory(error);
	code = fs_stream_find(connection, first, &row, query, &found, error);
	free(first);
	return code;
}

int
fs_stream_count_partitions(fs_database *connection, const char *name, size_t *count,
						   factstr_error *error)
{
	fs_stream_row row;
	char	   *query = NULL;
	bool		found;
	int			code = fs_stream_find(connection, name, &row, NULL, &found, error);

	*count = 0;
	if (code != FACTSTR_OK || found)
		return code;
	code = fs_first_query(connection, name, &query, error);
	if (code == FACTSTR_OK && query != NULL)
		code = fs_count_of_query(query, count, error);
	free(query);
	return code == FACTSTR_OK && *count == 0 ? fs_error_no_such_stream(error, name) : code;
}

/* An action on a stream, or on each of its partitions. */
typedef int (*fs_stream_visit) (fs_database *connection, const char *name, void *argument,
								factstr_error *error);

static int
fs_visit_streams(fs_database *connection, const char *name, fs_stream_visit visit, void *argument,
				 factstr_error *error)
{
	size_t		count;
	int			code = fs_stream_count_partitions(connection, name, &count, error);

	if (code != FACTSTR_OK || count == 0)
		return code != FACTSTR_OK ? code : visit(connection, name, argument, error);
	for (size_t i = 0; code == FACTSTR_OK && i < count; i++)
	{
		char	   *partition = fs_partition_name(name, i);

		code = partition == NULL ? fs_error_no_memory(error) :
			visit(connection, partition, argument, error);
		free(partition);
	}
	return code;
}

/* The same for a stream that must be there. */
static int
fs_get_stream(fs_database *connection, const char *name, fs_stream_row *row,
			  factstr_error *error)
{
	bool		found;
	int			code = fs_stream_find(connection, name, row, NULL, &found, error);

	return code != FACTSTR_OK || found ? code : fs_error_no_such_stream(error, name);
}

/* How far the stream is behind. */
static int
fs_lag_of(fs_database *connection, factstr_stream_status *status, factstr_error *error)
{
	sqlite3_stmt *find;
	int			result;
	int64_t		age = 0;

	status->lag_facts = status->head_sequence_number > status->cursor_sequence_number ?
		status->head_sequence_number - status->cursor_sequence_number : 0;
	status->lag_us = 0;
	if (status->lag_facts == 0)
		return FACTSTR_OK;
	find = fs_statement_get(connection, FS_EVENT_TIME, FS_READ, error);
	if (find == NULL)
		return error->code;
	(void) sqlite3_bind_int64(find, 1, (sqlite3_int64) status->cursor_sequence_number + 1);
	result = sqlite3_step(find);
	if (result == SQLITE_ROW)
		age = fs_now() - sqlite3_column_int64(find, 0);
	(void) sqlite3_reset(find);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return fs_sqlite_error(connection, result, FS_READ, error);

	/* Clocks are set back at times. */
	status->lag_us = age > 0 ? age : 0;
	return FACTSTR_OK;
}

/* Adds a row of LIST_STREAMS. */
static int
fs_list_stream(fs_backend *backend, const fs_local_log *log, sqlite3_stmt *row,
			   fs_stream_list *streams, factstr_error *error)
{
	factstr_stream_status status = {
		.name = (const char *) sqlite3_column_text(row, 1),
		.event_query = (const char *) sqlite3_column_text(row, 2),
		.cursor_sequence_number = (uint64_t) sqlite3_column_int64(row, 3),
		.head_sequence_number = log->head,
		.last_success_at = sqlite3_column_int64(row, 4),
		.failure_count = (uint32_t) sqlite3_column_int64(row, 5),
		.last_error = (const char *) sqlite3_column_text(row, 6),
		.last_failed_at = sqlite3_column_int64(row, 7),
		.retry_at = sqlite3_column_int64(row, 8)
	};
	int			code = fs_lag_of(log->store, &status, error);

	if (code == FACTSTR_OK)
		code = fs_lock_is_held(backend->path, sqlite3_column_int64(row, 0), &status.active, error);
	if (code != FACTSTR_OK)
		return code;
	if (status.name == NULL || status.event_query == NULL || !fs_stream_list_add(streams, &status))
		return fs_error_no_memory(error);
	return FACTSTR_OK;
}

static int
fs_list_streams_of(fs_backend *backend, const fs_local_log *log, fs_stream_list *streams,
				   factstr_error *error)
{
	fs_database *connection = log->store;
	sqlite3_stmt *rows = fs_statement_get(connection, FS_LIST_STREAMS, FS_READ, error);
	int			result = SQLITE_ROW;
	int			code = rows == NULL ? error->code : FACTSTR_OK;

	while (code == FACTSTR_OK && (result = sqlite3_step(rows)) == SQLITE_ROW)
		code = fs_list_stream(backend, log, rows, streams, error);
	if (code == FACTSTR_OK && result != SQLITE_DONE)
		code = fs_sqlite_error(connection, result, FS_READ, error);
	(void) sqlite3_reset(rows);
	return code;
}

int
fs_sqlite_streams(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_list_streams_of(backend, &snapshot.log, streams, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

static int
fs_take_lower_cursor(fs_database *connection, const char *name, void *argument,
					 factstr_error *error)
{
	uint64_t   *cursor = argument;
	fs_stream_row row;
	int			code = fs_get_stream(connection, name, &row, error);

	if (code == FACTSTR_OK && row.cursor < *cursor)
		*cursor = row.cursor;
	return code;
}

int
fs_sqlite_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
						factstr_error *error)
{
	fs_snapshot snapshot;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	*cursor = UINT64_MAX;
	if (code != FACTSTR_OK)
		return code;
	code = fs_visit_streams(snapshot.connection, name, fs_take_lower_cursor, cursor, error);
	return fs_snapshot_end(backend, &snapshot, code, error);
}

/* A seek or a drop, which have the stream to themselves for a moment. */
typedef struct fs_admin_work
{
	fs_backend *backend;
	const char *name;
	bool		drops;
	uint64_t	sequence_number;	/* of a seek */
	fs_lock		lock;
} fs_admin_work;

static int
fs_check_newest(const fs_transaction *transaction, const fs_admin_work *work,
				factstr_error *error)
{
	if (work->drops || work->sequence_number <= transaction->head)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MALFORMED,
					"invalid sequence_number: %" PRIu64 " is beyond the newest fact, %" PRIu64,
					work->sequence_number, transaction->head);
}

static int
fs_admin_change(fs_database *connection, const fs_admin_work *work, const char *name,
				int64_t stream_id, factstr_error *error)
{
	sqlite3_stmt *change = fs_statement_get(connection, work->drops ? FS_DROP_STREAM :
											FS_SEEK_STREAM, FS_CHANGE, error);

	if (change == NULL)
		return error->code;
	(void) sqlite3_bind_int64(change, 1, stream_id);
	if (!work->drops)
	{
		(void) sqlite3_bind_int64(change, 2, (sqlite3_int64) work->sequence_number);
		(void) sqlite3_bind_int64(change, 3, fs_now());
	}
	return fs_stream_change(connection, change, name, error);
}

/* For partitions, only the lock of the last one is kept. */
static int
fs_admin_one(fs_database *connection, const char *name, void *argument, factstr_error *error)
{
	fs_admin_work *work = argument;
	fs_stream_row row;
	int			code = fs_get_stream(connection, name, &row, error);

	fs_lock_release(&work->lock);	/* of a try before */
	if (code == FACTSTR_OK)
		code = fs_lock_take(work->backend->path, row.stream_id, work->name, &work->lock, error);
	if (code == FACTSTR_OK)
		code = fs_admin_change(connection, work, name, row.stream_id, error);
	return code;
}

/* A partition is dropped together with the others. */
static int
fs_refuse_partition(fs_database *connection, const fs_admin_work *work, factstr_error *error)
{
	fs_query	query;
	fs_stream_row row;
	char	   *text = NULL;
	bool		found;
	bool		is_partition = false;
	int			code = fs_stream_find(connection, work->name, &row, &text, &found, error);

	if (code == FACTSTR_OK && found)
		code = fs_query_parse(text, &query, error);
	if (code == FACTSTR_OK && found)
	{
		is_partition = fs_partition_shared_length(work->name, &query.parsed) > 0;
		fs_query_release(&query);
	}
	free(text);
	return is_partition ? fs_error_is_partition(error, work->name) : code;
}

static int
fs_admin_write(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_admin_work *work = argument;
	int			code = work->drops ?
		fs_refuse_partition(transaction->connection, work, error) : FACTSTR_OK;

	if (code == FACTSTR_OK)
		code = fs_visit_streams(transaction->connection, work->name, fs_admin_one, work, error);
	return code == FACTSTR_OK ? fs_check_newest(transaction, work, error) : code;
}

/*
 * The lock may be released before the transaction is committed, because a consumer that takes it meanwhile becomes
 * active with a later transaction.
 */
static int
fs_administer(fs_admin_work *work, fs_lease *within, factstr_error *error)
{
	int			code;

	work->lock = -1;
	code = within != NULL ? fs_write_within(within, fs_admin_write, work, error) :
		fs_write(work->backend, fs_admin_write, work, FS_WRITE_NOW, error);
	fs_lock_release(&work->lock);
	return code;
}

int
fs_sqlite_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
					  uint64_t sequence_number, factstr_error *error)
{
	fs_admin_work work = {.backend = backend, .name = name, .sequence_number = sequence_number};

	return fs_administer(&work, within, error);
}

int
fs_sqlite_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
					  factstr_error *error)
{
	fs_admin_work work = {.backend = backend, .name = name, .drops = true};

	return fs_administer(&work, within, error);
}
