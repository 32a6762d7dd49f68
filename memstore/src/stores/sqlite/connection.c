/*
 * stores/sqlite/connection.c
 *		One connection to a SQLite file: its settings and its prepared statements.
 */
#include <stdlib.h>
#include <time.h>

#include "base/threads.h"
#include "results/error.h"
#include "stores/calls.h"
#include "stores/sqlite/connection.h"

/*
 * Settings of every connection to a store.  Commits wait until the write-ahead log is on disk, and checkpoint.c
 * makes the checkpoints, not the commit that reaches the limit.  Deleted or moved content is overwritten, so
 * that a redaction leaves nothing in the free space of pages.
 */
#define FS_SETTINGS \
	"PRAGMA synchronous = FULL;" \
	"PRAGMA wal_autocheckpoint = 0;" \
	"PRAGMA temp_store = MEMORY;" \
	"PRAGMA secure_delete = ON;"

/* Waiting for another process: from 50 us, twice as long each time, to 5 ms. */
#define FS_FIRST_PAUSE_NS 50000L
#define FS_PAUSE_DOUBLINGS 6
#define FS_LONGEST_PAUSE_NS 5000000L

static const char *const fs_statement_texts[FS_STATEMENT_COUNT] = {
#define FS_STATEMENT_TEXT(NAME, text) text,
	FS_STATEMENTS(FS_STATEMENT_TEXT)
#undef FS_STATEMENT_TEXT
};

/* Called by SQLite when a lock is held by another connection.  0: give up. */
static int
fs_wait_for_lock(void *context, int count)
{
	fs_database *connection = context;
	struct timespec pause = {0, FS_LONGEST_PAUSE_NS};
	factstr_error ignored;		/* the words are found again when SQLite has given up */

	if (count == 0)
		connection->busy_until = fs_deadline(connection->patience);
	if (fs_time_left(connection->busy_until) == 0 || fs_calls_check(&ignored) != FACTSTR_OK)
		return 0;
	if (count < FS_PAUSE_DOUBLINGS)
		pause.tv_nsec = FS_FIRST_PAUSE_NS << count;
	(void) nanosleep(&pause, NULL);
	return 1;
}

/* Called by SQLite after each commit of this connection. */
static int
fs_note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
	fs_database *connection = context;

	(void) db;
	(void) name;
	connection->wal_pages = pages;
	return SQLITE_OK;
}

int
fs_database_open(const char *path, int flags, int busy_timeout, fs_database **connection,
				 factstr_error *error)
{
	fs_database *opened = calloc(1, sizeof(fs_database));
	int			result;
	int			code;

	if (opened == NULL)
		return fs_error_no_memory(error);
	opened->path = path;
	opened->busy_timeout = busy_timeout;
	opened->patience = busy_timeout;
	result = sqlite3_open_v2(path, &opened->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (result != SQLITE_OK)
	{
		code = fs_sqlite_error(opened, result, "open", error);
		fs_database_close(opened);
		return code;
	}
	(void) sqlite3_extended_result_codes(opened->db, 1);
	(void) sqlite3_busy_handler(opened->db, fs_wait_for_lock, opened);
	(void) sqlite3_db_config(opened->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void) sqlite3_db_config(opened->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void) sqlite3_db_config(opened->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void) sqlite3_db_config(opened->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	*connection = opened;
	return FACTSTR_OK;
}

int
fs_database_configure(fs_database *connection, factstr_error *error)
{
	int			code = fs_database_execute(connection, FS_SETTINGS, "open", error);

	/* There must be a way back even when there is no memory for it. */
	if (code == FACTSTR_OK &&
		fs_statement_get(connection, FS_ROLLBACK, "open", error) == NULL)
		code = error->code;

	/* Not before wal_autocheckpoint, which would take its place. */
	(void) sqlite3_wal_hook(connection->db, fs_note_wal_pages, connection);
	return code;
}

int
fs_database_open_store(const char *path, int busy_timeout, fs_database **connection,
					   factstr_error *error)
{
	int			code = fs_database_open(path, SQLITE_OPEN_READWRITE, busy_timeout, connection,
										error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_database_configure(*connection, error);
	if (code != FACTSTR_OK)
	{
		fs_database_close(*connection);
		*connection = NULL;
	}
	return code;
}

void
fs_database_close(fs_database *connection)
{
	if (connection == NULL)
		return;
	for (int i = 0; i < FS_STATEMENT_COUNT; i++)
		(void) sqlite3_finalize(connection->statements[i]);
	for (int i = 0; i < FS_TERM_WALKS; i++)
		(void) sqlite3_finalize(connection->walks[i].statement);

	/* The handler's temporary objects go with its connection. */
	(void) sqlite3_close_v2(connection->db);
	free(connection);
}

int
fs_database_execute(fs_database *connection, const char *sql, const char *doing,
					factstr_error *error)
{
	int			result = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);

	return result == SQLITE_OK ? FACTSTR_OK : fs_sqlite_error(connection, result, doing, error);
}

int
fs_database_integer(fs_database *connection, const char *sql, int64_t *value,
					const char *doing, factstr_error *error)
{
	sqlite3_stmt *statement;
	int			result = sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL);

	*value = 0;
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	(void) sqlite3_finalize(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE ? FACTSTR_OK :
		fs_sqlite_error(connection, result, doing, error);
}

sqlite3_stmt *
fs_statement_get(fs_database *connection, fs_statement which, const char *doing,
				 factstr_error *error)
{
	sqlite3_stmt **statement = &connection->statements[which];
	int			result;

	if (*statement != NULL)
		return *statement;
	result = sqlite3_prepare_v3(connection->db, fs_statement_texts[which], -1,
								SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (result != SQLITE_OK)
		(void) fs_sqlite_error(connection, result, doing, error);
	return *statement;
}

void
fs_statement_bind_text(sqlite3_stmt *statement, int parameter, fs_text text)
{
	(void) sqlite3_bind_text(statement, parameter, text.data, (int) text.length, SQLITE_STATIC);
}

int
fs_statement_run(fs_database *connection, sqlite3_stmt *statement, const char *doing,
				 factstr_error *error)
{
	int			result = sqlite3_step(statement);
	int			code = FACTSTR_OK;

	/* Before the reset, which may write other words over those of the error. */
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		code = fs_sqlite_error(connection, result, doing, error);
	(void) sqlite3_reset(statement);
	(void) sqlite3_clear_bindings(statement);
	return code;
}

int
fs_statement_do(fs_database *connection, fs_statement which, const char *doing,
				factstr_error *error)
{
	sqlite3_stmt *statement = fs_statement_get(connection, which, doing, error);

	return statement == NULL ? error->code :
		fs_statement_run(connection, statement, doing, error);
}

bool
fs_database_end_statements(fs_database *connection)
{
	bool		ended = true;

	for (sqlite3_stmt *statement = NULL;
		 (statement = sqlite3_next_stmt(connection->db, statement)) != NULL;)
	{
		/* The stand-in for the handle of a blob has no text, and points into memory that a reset would free. */
		if (sqlite3_stmt_busy(statement) != 0 && sqlite3_sql(statement) == NULL)
			ended = false;
		else
			(void) sqlite3_reset(statement);
	}
	return ended;
}

void
fs_database_rollback(fs_database *connection)
{
	sqlite3_stmt *rollback = connection->statements[FS_ROLLBACK];

	if (sqlite3_get_autocommit(connection->db) != 0)
		return;
	(void) sqlite3_step(rollback);
	(void) sqlite3_reset(rollback);
}
