/*
 * stores/sqlite/delivery.c
 *		The transaction of a delivery: the handler's writes, its changes of other streams, and the
 *		move of the cursor.
 *
 * It uses a connection that only the lease has, and keeps the turn of the writers as long as the handler runs.
 */
#include "results/error.h"
#include "stores/hub.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

int
fs_delivery_connect(fs_lease *lease, factstr_error *error)
{
	return fs_backend_connect(lease->backend, &lease->connection, error);
}

int
fs_sqlite_stream_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	int			code = lease->connection == NULL ? fs_delivery_connect(lease, error) :
		FACTSTR_OK;

	if (code == FACTSTR_OK)
		code = fs_writer_take(lease->backend, error);
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

/*
 * Rolls back the open transaction.  If the handler has left a running statement, the connection cannot begin another
 * transaction, so the next delivery has a new one.
 */
void
fs_delivery_end(fs_lease *lease)
{
	bool		is_usable;

	if (!lease->has_turn)
		return;
	is_usable = fs_database_end_statements(lease->connection);
	fs_database_rollback(lease->connection);
	if (!is_usable)
	{
		fs_database_close(lease->connection);
		lease->connection = NULL;
	}
	lease->has_turn = false;
	fs_writer_give(lease->backend);
}

/* A handler that has ended its transaction has taken the cursor's move out of it. */
static int
fs_check_open(const fs_lease *lease, factstr_error *error)
{
	if (sqlite3_get_autocommit(lease->connection->db) == 0)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MISUSE,
					"the handler of durable stream \"%s\" has ended its transaction", lease->name);
}

int
fs_delivery_commit(fs_lease *lease, uint64_t cursor, factstr_error *error)
{
	int			code;

	if (!fs_database_end_statements(lease->connection))
		code = fs_error(error, FACTSTR_HANDLER_FAILED,
						"the handler of durable stream \"%s\" has left a blob open in its transaction",
						lease->name);
	else
		code = fs_check_open(lease, error);
	if (code == FACTSTR_OK)
		code = fs_lease_move(lease->connection, lease, cursor, error);
	if (code == FACTSTR_OK)
		code = fs_statement_do(lease->connection, FS_COMMIT, "write to", error);
	if (code == FACTSTR_OK)
	{
		fs_hub_wake_cursors(lease->backend->hub);
		fs_checkpoint_if_due(lease->backend, lease->connection);
	}
	fs_delivery_end(lease);
	return code;
}

int
fs_write_within(fs_lease *lease, fs_write_function function, void *work, factstr_error *error)
{
	fs_transaction transaction = {.connection = lease->connection};
	factstr_error ignored;
	int			code;

	code = fs_check_open(lease, error);
	if (code == FACTSTR_OK)
		code = fs_statement_do(lease->connection, FS_BEGIN_CHANGE, "write to", error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_log_head(lease->connection, &transaction.head, error);
	if (code == FACTSTR_OK)
		code = function(&transaction, work, error);
	if (code != FACTSTR_OK)
		(void) fs_statement_do(lease->connection, FS_UNDO_CHANGE, "write to", &ignored);
	(void) fs_statement_do(lease->connection, FS_KEEP_CHANGE, "write to", &ignored);
	return code;
}
