/*
 * sqlite_streams.c
 *		Durable streams of a SQLite store.
 *
 * A stream is a row; who consumes it holds the lock on its number (sqlite_lock.c).  Each claim
 * counts up the row's epoch, so a consumer that gave up the lock while it paused can tell whether
 * another one has had the stream since.  What can be changed by the holder only is changed with
 * the lock in hand, which is kept until the change is committed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_store.h"
#include "times.h"

#define FS_CLAIM "claim a stream in"
#define FS_CHANGE "change a stream in"
#define FS_READ "read"

struct fs_lease
{
	fs_backend *backend;
	char	   *name;
	int64_t		stream_id;
	int64_t		epoch;
	fs_lock		lock;			/* -1: the name is given up */
	fs_database *connection;	/* of transactional deliveries, otherwise NULL */
	bool		has_turn;		/* a transaction is open on it, and nobody else writes */
};

/* A row of FIND_STREAM. */
typedef struct fs_stream_row
{
	int64_t		stream_id;
	uint64_t	cursor;
	int64_t		epoch;
} fs_stream_row;

/*
 * Rows
 */

/* Runs a change of one stream, whose number is bound.  FACTSTR_NO_SUCH_STREAM if it is gone. */
static int
fs_change_stream(fs_database *connection, sqlite3_stmt *change, const char *name,
				 factstr_error *error)
{
	int			code = fs_statement_run(connection, change, FS_CHANGE, error);

	if (code == FACTSTR_OK && sqlite3_changes(connection->db) == 0)
		code = fs_error_no_such_stream(error, name);
	return code;
}

/*
 * The row of a name; *found is false if there is none.  *query, if query is not NULL, is a new
 * text.
 */
static int
fs_find_stream(fs_database *connection, const char *name, fs_stream_row *row, char **query,
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

/* The same for a stream that must be there. */
static int
fs_get_stream(fs_database *connection, const char *name, fs_stream_row *row,
			  factstr_error *error)
{
	bool		found;
	int			code = fs_find_stream(connection, name, row, NULL, &found, error);

	return code != FACTSTR_OK || found ? code : fs_error_no_such_stream(error, name);
}

/* Counts the stream as this consumer's, and ends its pause. */
static int
fs_own_stream(fs_database *connection, const fs_lease *lease, factstr_error *error)
{
	sqlite3_stmt *own = fs_statement_get(connection, FS_OWN_STREAM, FS_CLAIM, error);

	if (own == NULL)
		return error->code;
	(void) sqlite3_bind_int64(own, 1, lease->stream_id);
	(void) sqlite3_bind_int64(own, 2, lease->epoch);
	return fs_change_stream(connection, own, lease->name, error);
}

/* Somebody may wait for the name. */
static void
fs_give_up_name(fs_lease *lease)
{
	if (lease->lock < 0)
		return;
	fs_lock_release(&lease->lock);
	fs_hub_wake_cursors(lease->backend->hub);
}

/*
 * Claiming
 */
typedef struct fs_claim_work
{
	const fs_claim *claim;
	fs_lease   *lease;
	uint64_t	cursor;
} fs_claim_work;

static int
fs_make_stream(fs_transaction *transaction, const fs_claim *claim, fs_stream_row *row,
			   factstr_error *error)
{
	fs_database *connection = transaction->connection;
	sqlite3_stmt *insert = fs_statement_get(connection, FS_INSERT_STREAM, FS_CLAIM, error);
	int			code;

	if (insert == NULL)
		return error->code;
	row->cursor = claim->start == FACTSTR_FROM_NOW ? transaction->head : 0;
	row->epoch = 0;
	(void) sqlite3_bind_text(insert, 1, claim->name, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(insert, 2, claim->query->text, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(insert, 3, (sqlite3_int64) row->cursor);
	code = fs_statement_run(connection, insert, FS_CLAIM, error);
	row->stream_id = sqlite3_last_insert_rowid(connection->db);
	return code;
}

static int
fs_check_query(const fs_claim *claim, const char *text, factstr_error *error)
{
	fs_query	stored;
	bool		equal;
	int			code = fs_query_parse(text, &stored, error);

	if (code != FACTSTR_OK)
		return code;
	equal = fs_query_equal(&stored, claim->query);
	fs_query_release(&stored);
	return equal ? FACTSTR_OK : fs_error_stream_query_differs(error, claim->name);
}

static int
fs_find_or_make_stream(fs_transaction *transaction, const fs_claim *claim, fs_stream_row *row,
					   factstr_error *error)
{
	char	   *query = NULL;
	bool		found;
	int			code = fs_find_stream(transaction->connection, claim->name, row, &query, &found,
									  error);

	if (code == FACTSTR_OK)
		code = found ? fs_check_query(claim, query, error) :
			fs_make_stream(transaction, claim, row, error);
	free(query);
	return code;
}

static int
fs_claim_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_claim_work *work = argument;
	fs_lease   *lease = work->lease;
	fs_stream_row row;
	int			code = fs_find_or_make_stream(transaction, work->claim, &row, error);

	fs_lock_release(&lease->lock);	/* of a try before */
	if (code == FACTSTR_OK)
		code = fs_lock_take(lease->backend->path, row.stream_id, lease->name, &lease->lock, error);
	if (code != FACTSTR_OK)
		return code;
	lease->stream_id = row.stream_id;
	lease->epoch = row.epoch + 1;
	work->cursor = row.cursor;
	return fs_own_stream(transaction->connection, lease, error);
}

static int
fs_lease_new(fs_backend *backend, const fs_claim *claim, fs_lease **lease, factstr_error *error)
{
	fs_lease   *made = calloc(1, sizeof(fs_lease));
	int			code = FACTSTR_OK;

	if (made == NULL)
		return fs_error_no_memory(error);
	made->backend = backend;
	made->lock = -1;
	made->name = strdup(claim->name);
	if (made->name == NULL)
		code = fs_error_no_memory(error);
	else if (claim->transactional)
		code = fs_database_open_store(backend->path, backend->busy_timeout, &made->connection,
										error);
	if (code == FACTSTR_OK)
		*lease = made;
	else
		fs_sqlite_stream_release(made);
	return code;
}

int
fs_sqlite_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
					   uint64_t *cursor, factstr_error *error)
{
	fs_claim_work work = {.claim = claim};
	int			code = fs_lease_new(backend, claim, &work.lease, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_write(backend, fs_claim_in, &work, FS_WRITE_NOW, error);
	if (code != FACTSTR_OK)
	{
		fs_sqlite_stream_release(work.lease);
		return code;
	}
	*lease = work.lease;
	*cursor = work.cursor;
	return FACTSTR_OK;
}

/*
 * Transactions of deliveries
 */

int
fs_sqlite_stream_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	int			code = fs_writer_take(lease->backend, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_statement_do(lease->connection, FS_BEGIN_WRITE, "write to", error);
	if (code != FACTSTR_OK)
	{
		fs_writer_give(lease->backend);
		return code;
	}
	lease->has_turn = true;
	*transaction = lease->connection->db;
	return FACTSTR_OK;
}

/* Rolls back what is open. */
static void
fs_end_delivery(fs_lease *lease)
{
	if (!lease->has_turn)
		return;
	fs_database_rollback(lease->connection);
	lease->has_turn = false;
	fs_writer_give(lease->backend);
}

static int
fs_move_in(fs_database *connection, const fs_lease *lease, uint64_t cursor,
		   factstr_error *error)
{
	sqlite3_stmt *move = fs_statement_get(connection, FS_MOVE_STREAM, FS_CHANGE, error);

	if (move == NULL)
		return error->code;
	(void) sqlite3_bind_int64(move, 1, lease->stream_id);
	(void) sqlite3_bind_int64(move, 2, (sqlite3_int64) cursor);
	(void) sqlite3_bind_int64(move, 3, fs_now());
	return fs_change_stream(connection, move, lease->name, error);
}

/* Moves the cursor in the transaction of the delivery, and commits it. */
static int
fs_commit_delivery(fs_lease *lease, uint64_t cursor, factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (sqlite3_get_autocommit(lease->connection->db) != 0)
		code = fs_error(error, FACTSTR_MISUSE,
						"the handler of durable stream \"%s\" has ended its transaction",
						lease->name);
	if (code == FACTSTR_OK)
		code = fs_move_in(lease->connection, lease, cursor, error);
	if (code == FACTSTR_OK)
		code = fs_statement_do(lease->connection, FS_COMMIT, "write to", error);
	if (code == FACTSTR_OK)
	{
		fs_hub_wake_cursors(lease->backend->hub);
		fs_checkpoint_if_due(lease->backend, lease->connection);
	}
	fs_end_delivery(lease);
	return code;
}

/*
 * Moving, failing, resuming
 */
typedef struct fs_move_work
{
	const fs_lease *lease;
	uint64_t	cursor;
} fs_move_work;

static int
fs_move_write(fs_transaction *transaction, void *argument, factstr_error *error)
{
	const fs_move_work *work = argument;

	return fs_move_in(transaction->connection, work->lease, work->cursor, error);
}

int
fs_sqlite_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	fs_move_work work = {.lease = lease, .cursor = cursor};

	if (lease->has_turn)
		return fs_commit_delivery(lease, cursor, error);
	return fs_write(lease->backend, fs_move_write, &work,
					delivered ? FS_WRITE_NOW : FS_WRITE_LAZILY, error);
}

typedef struct fs_fail_work
{
	const fs_lease *lease;
	const char *words;
	int64_t		retry_at;
} fs_fail_work;

static int
fs_fail_write(fs_transaction *transaction, void *argument, factstr_error *error)
{
	const fs_fail_work *work = argument;
	sqlite3_stmt *fail = fs_statement_get(transaction->connection, FS_FAIL_STREAM, FS_CHANGE,
										  error);

	if (fail == NULL)
		return error->code;
	(void) sqlite3_bind_int64(fail, 1, work->lease->stream_id);
	(void) sqlite3_bind_text(fail, 2, work->words, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(fail, 3, fs_now());
	if (work->retry_at != 0)
		(void) sqlite3_bind_int64(fail, 4, work->retry_at);
	return fs_change_stream(transaction->connection, fail, work->lease->name, error);
}

int
fs_sqlite_stream_fail(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	fs_fail_work work = {.lease = lease, .words = words, .retry_at = retry_at};
	int			code;

	fs_end_delivery(lease);
	code = fs_write(lease->backend, fs_fail_write, &work, FS_WRITE_NOW, error);
	fs_give_up_name(lease);
	return code;
}

typedef struct fs_resume_work
{
	const fs_lease *lease;
	uint64_t	cursor;
} fs_resume_work;

/* Is the stream still there, and still this consumer's? */
static int
fs_check_epoch(fs_database *connection, const fs_lease *lease, uint64_t *cursor,
			   factstr_error *error)
{
	sqlite3_stmt *find = fs_statement_get(connection, FS_STREAM_OF_ID, FS_CLAIM, error);
	int			result;
	int			code = FACTSTR_OK;

	if (find == NULL)
		return error->code;
	(void) sqlite3_bind_int64(find, 1, lease->stream_id);
	result = sqlite3_step(find);
	if (result == SQLITE_DONE)
		code = fs_error_no_such_stream(error, lease->name);
	else if (result != SQLITE_ROW)
		code = fs_sqlite_error(connection, result, FS_CLAIM, error);
	else if (sqlite3_column_int64(find, 1) != lease->epoch)
		code = fs_error_stream_active(error, lease->name);
	else
		*cursor = (uint64_t) sqlite3_column_int64(find, 0);
	(void) sqlite3_reset(find);
	return code;
}

static int
fs_resume_write(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_resume_work *work = argument;
	int			code = fs_check_epoch(transaction->connection, work->lease, &work->cursor, error);

	return code != FACTSTR_OK ? code :
		fs_own_stream(transaction->connection, work->lease, error);
}

int
fs_sqlite_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	fs_resume_work work = {.lease = lease};
	int			code = FACTSTR_OK;

	fs_end_delivery(lease);
	if (lease->lock < 0)
		code = fs_lock_take(lease->backend->path, lease->stream_id, lease->name, &lease->lock,
							error);
	if (code == FACTSTR_OK)
		code = fs_write(lease->backend, fs_resume_write, &work, FS_WRITE_LAZILY, error);
	if (code == FACTSTR_OK)
		*cursor = work.cursor;
	else
		fs_give_up_name(lease);
	return code;
}

void
fs_sqlite_stream_release(fs_lease *lease)
{
	fs_end_delivery(lease);
	fs_give_up_name(lease);
	fs_database_close(lease->connection);
	free(lease->name);
	free(lease);
}

/*
 * From outside
 */

/* How far the stream is behind. */
static int
fs_lag_of(fs_database *connection, factstr_stream_status *status, factstr_error *error)
{
	sqlite3_stmt *find;
	int			result;
	int64_t		age = 0;

	status->lag_facts = status->head_sequence_number > status->cursor_sequence_number ?
		status->head_sequence_number - status->cursor_sequence_number : 0;
	status->lag_time = 0;
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
	status->lag_time = age > 0 ? age : 0;
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
	fs_snapshot_end(backend, &snapshot, code);
	return code;
}

int
fs_sqlite_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
						factstr_error *error)
{
	fs_snapshot snapshot;
	fs_stream_row row;
	int			code = fs_snapshot_begin(backend, &snapshot, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_get_stream(snapshot.connection, name, &row, error);
	if (code == FACTSTR_OK)
		*cursor = row.cursor;
	fs_snapshot_end(backend, &snapshot, code);
	return code;
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
fs_admin_change(fs_database *connection, const fs_admin_work *work, int64_t stream_id,
				factstr_error *error)
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
	return fs_change_stream(connection, change, work->name, error);
}

static int
fs_admin_write(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_admin_work *work = argument;
	fs_stream_row row;
	int			code = fs_get_stream(transaction->connection, work->name, &row, error);

	fs_lock_release(&work->lock);	/* of a try before */
	if (code == FACTSTR_OK)
		code = fs_lock_take(work->backend->path, row.stream_id, work->name, &work->lock, error);
	if (code == FACTSTR_OK)
		code = fs_check_newest(transaction, work, error);
	if (code == FACTSTR_OK)
		code = fs_admin_change(transaction->connection, work, row.stream_id, error);
	return code;
}

static int
fs_administer(fs_admin_work *work, factstr_error *error)
{
	int			code;

	work->lock = -1;
	code = fs_write(work->backend, fs_admin_write, work, FS_WRITE_NOW, error);
	fs_lock_release(&work->lock);
	return code;
}

int
fs_sqlite_stream_seek(fs_backend *backend, const char *name, uint64_t sequence_number,
					  factstr_error *error)
{
	fs_admin_work work = {.backend = backend, .name = name, .sequence_number = sequence_number};

	return fs_administer(&work, error);
}

int
fs_sqlite_stream_drop(fs_backend *backend, const char *name, factstr_error *error)
{
	fs_admin_work work = {.backend = backend, .name = name, .drops = true};

	return fs_administer(&work, error);
}
