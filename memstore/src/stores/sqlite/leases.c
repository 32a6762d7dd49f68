/*
 * stores/sqlite/leases.c
 *		Consumers of durable streams.
 *
 * The consumer of a stream holds the lock on its number (lock.c).  Each claim increases the row's
 * epoch, so a consumer that gave up the lock while it paused can tell whether another one has had
 * the stream since.  Columns that only the holder may change are changed with the lock held until the
 * change is committed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "input/query.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

#define FS_CLAIM "claim a stream in"
#define FS_CHANGE "change a stream in"

/* Counts the stream as this consumer's, and ends its pause. */
static int
fs_own_stream(fs_database *connection, const fs_lease *lease, factstr_error *error)
{
	sqlite3_stmt *own = fs_statement_get(connection, FS_OWN_STREAM, FS_CLAIM, error);

	if (own == NULL)
		return error->code;
	(void) sqlite3_bind_int64(own, 1, lease->stream_id);
	(void) sqlite3_bind_int64(own, 2, lease->epoch);
	return fs_stream_change(connection, own, lease->name, error);
}

/* Another consumer may wait for the name. */
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
	code = fs_query_equal(&stored, claim->query, &equal, error);
	fs_query_release(&stored);
	if (code != FACTSTR_OK || equal)
		return code;
	return fs_error_stream_query_differs(error, claim->name);
}

static int
fs_find_or_make_stream(fs_transaction *transaction, const fs_claim *claim, fs_stream_row *row,
					   factstr_error *error)
{
	char	   *query = NULL;
	bool		found;
	int			code = fs_stream_find(transaction->connection, claim->name, row, &query, &found,
									  error);

	if (code == FACTSTR_OK)
		code = found ? fs_check_query(claim, query, error) :
			fs_make_stream(transaction, claim, row, error);
	free(query);
	return code;
}

/* A name is that of a stream, or of one with partitions. */
static int
fs_refuse_other_form(fs_transaction *transaction, const fs_claim *claim, factstr_error *error)
{
	bool		has_partitions;
	size_t		count;
	const char *name = claim->partitions != NULL ? claim->partitions->name : claim->name;
	int			code = fs_stream_count_partitions(transaction->connection, name, &count, error);

	if (code == FACTSTR_NO_SUCH_STREAM)
		return FACTSTR_OK;
	has_partitions = count > 0;
	if (code != FACTSTR_OK || has_partitions == (claim->partitions != NULL))
		return code;
	return fs_error_stream_query_differs(error, name);
}

/* All partitions are made with the first that is claimed. */
static int
fs_make_others(fs_transaction *transaction, const fs_claim *claim, factstr_error *error)
{
	const fs_partition_set *set = claim->partitions;
	fs_stream_row row;
	bool		found;
	int			code = fs_stream_find(transaction->connection, claim->name, &row, NULL, &found,
									  error);

	if (code != FACTSTR_OK || found)
		return code;
	code = fs_refuse_other_form(transaction, claim, error);
	for (size_t i = 0; code == FACTSTR_OK && set != NULL && i < set->count; i++)
	{
		fs_claim	one = *claim;

		one.name = set->members[i].name;
		one.query = &set->members[i].query;
		code = fs_find_or_make_stream(transaction, &one, &row, error);
	}
	return code;
}

static int
fs_claim_in(fs_transaction *transaction, void *argument, factstr_error *error)
{
	fs_claim_work *work = argument;
	fs_lease   *lease = work->lease;
	fs_stream_row row;
	int			code = fs_make_others(transaction, work->claim, error);

	if (code == FACTSTR_OK)
		code = fs_find_or_make_stream(transaction, work->claim, &row, error);
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
		code = fs_delivery_connect(made, error);
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
	int			code = fs_check_writable(backend, error);

	if (code == FACTSTR_OK)
		code = fs_lease_new(backend, claim, &work.lease, error);

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
 * Having it
 */

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

/*
 * The row is gone, or another consumer has claimed the stream since.  With the lock in hand that can
 * only be if the other has locked another file.
 */
static int
fs_error_lost_stream(fs_database *connection, const fs_lease *lease, factstr_error *error)
{
	uint64_t	cursor;
	int			code = fs_check_epoch(connection, lease, &cursor, error);

	if (code == FACTSTR_STREAM_ACTIVE && lease->lock >= 0)
	{
		fs_error_detail(error, "\"%s-streams\" was deleted or replaced while the stream was in use, so "
						"that another consumer could take it over.", lease->backend->path);
		fs_error_hint(error, "Do not move or delete that file while a stream of the store is open.");
	}
	return code;
}

/* Runs a change of the lease's own row, whose epoch is parameter 4. */
static int
fs_change_own_row(fs_database *connection, const fs_lease *lease, sqlite3_stmt *change,
				  factstr_error *error)
{
	int			code;

	(void) sqlite3_bind_int64(change, 1, lease->stream_id);
	(void) sqlite3_bind_int64(change, 4, lease->epoch);
	code = fs_stream_change(connection, change, lease->name, error);
	return code == FACTSTR_NO_SUCH_STREAM ? fs_error_lost_stream(connection, lease, error) : code;
}

int
fs_lease_move(fs_database *connection, const fs_lease *lease, uint64_t cursor,
			  factstr_error *error)
{
	sqlite3_stmt *move = fs_statement_get(connection, FS_MOVE_STREAM, FS_CHANGE, error);

	if (move == NULL)
		return error->code;
	(void) sqlite3_bind_int64(move, 2, (sqlite3_int64) cursor);
	(void) sqlite3_bind_int64(move, 3, fs_now());
	return fs_change_own_row(connection, lease, move, error);
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

	return fs_lease_move(transaction->connection, work->lease, work->cursor, error);
}

int
fs_sqlite_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	fs_move_work work = {.lease = lease, .cursor = cursor};

	if (lease->has_turn)
		return fs_delivery_commit(lease, cursor, error);
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
	(void) sqlite3_bind_text(fail, 2, work->words, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(fail, 3, fs_now());
	if (work->retry_at != 0)
		(void) sqlite3_bind_int64(fail, 5, work->retry_at);
	return fs_change_own_row(transaction->connection, work->lease, fail, error);
}

int
fs_sqlite_stream_fail(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	fs_fail_work work = {.lease = lease, .words = words, .retry_at = retry_at};
	int			code;

	fs_delivery_end(lease);
	code = fs_write(lease->backend, fs_fail_write, &work, FS_WRITE_NOW, error);
	fs_give_up_name(lease);
	return code;
}

typedef struct fs_resume_work
{
	const fs_lease *lease;
	uint64_t	cursor;
} fs_resume_work;

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

	fs_delivery_end(lease);
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
	fs_delivery_end(lease);
	fs_give_up_name(lease);
	fs_database_close(lease->connection);
	free(lease->name);
	free(lease);
}
