/*
 * stores/sqlite/error.c
 *		From SQLite's result codes to codes of the library.
 */
#include <errno.h>
#include <string.h>

#include "base/system.h"
#include "results/error.h"
#include "stores/calls.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* The last system error of the connection's files, or 0. */
static int
fs_error_of_file(sqlite3_file *file)
{
	int			system_error = 0;

	if (file == NULL || file->pMethods == NULL ||
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &system_error) != SQLITE_OK)
		return 0;
	return system_error;
}

/* The system's own word for it, if there is one: SQLite keeps it in several places. */
static int
fs_system_error(const fs_database *connection)
{
	sqlite3    *db = connection->db;
	sqlite3_file *file = NULL;
	int			system_error = db == NULL ? 0 : sqlite3_system_errno(db);

	if (db == NULL || system_error != 0)
		return system_error;
	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK)
		system_error = fs_error_of_file(file);
	if (system_error == 0 &&
		sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK)
		system_error = fs_error_of_file(file);
	return system_error;
}

static bool
fs_is_disk_full(int system_error)
{
	return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

static int
fs_error_disk_full(const fs_database *connection, const char *doing, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_STORAGE, "cannot %s \"%s\": the disk is full", doing,
					connection->path);
	fs_error_detail(error, "The file is intact, and nothing of this call has been stored.");
	fs_error_hint(error, "Make room on the disk, or raise the limit of file sizes, and try again.");
	return FACTSTR_STORAGE;
}

static int
fs_error_input_output(const fs_database *connection, int result, const char *doing,
					  factstr_error *error)
{
	int			system_error = fs_system_error(connection);
	char		words[FS_ERRNO_WORDS_SIZE];

	if (fs_is_disk_full(system_error))
		return fs_error_disk_full(connection, doing, error);
	(void) fs_error(error, FACTSTR_STORAGE, "cannot %s \"%s\": %s", doing, connection->path,
					system_error == 0 ? sqlite3_errstr(result) :
					fs_errno_words(system_error, words));
	fs_error_detail(error, "SQLite reports the extended result code %d.", result);
	return FACTSTR_STORAGE;
}

static int
fs_error_busy(const fs_database *connection, const char *doing, factstr_error *error)
{
	int			code = fs_calls_check(error);

	if (code != FACTSTR_OK)
		return code;
	(void) fs_error(error, FACTSTR_BUSY, "cannot %s \"%s\": it is in use", doing,
					connection->path);
	fs_error_detail(error, "Another process, or a separately opened store of this process, has "
					"held it for longer than %d ms.", connection->busy_timeout);
	fs_error_hint(error, "Try again, or open the store with a longer busy_timeout_ms. A transactional "
				  "handler holds the store while it runs.");
	return FACTSTR_BUSY;
}

static int
fs_error_cannot_open(const fs_database *connection, const char *doing, factstr_error *error)
{
	int			system_error = fs_system_error(connection);
	char		words[FS_ERRNO_WORDS_SIZE];
	const char *hint;
	const char *obstacle = fs_access_obstacle(connection->path, &hint);

	if (obstacle == NULL)
		return fs_error(error, FACTSTR_CANNOT_OPEN, "cannot %s \"%s\": %s", doing,
						connection->path, system_error == 0 ? "it cannot be opened" :
						fs_errno_words(system_error, words));
	return fs_error_obstacle(connection->path, obstacle, hint, error);
}

/* A crashed transaction of a program that does without a write-ahead log: no store of ours. */
static int
fs_error_unfinished(const fs_database *connection, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE,
					"\"%s\" holds an unfinished transaction of another program",
					connection->path);
	fs_error_hint(error, "Open it with that program first, which rolls the transaction back.");
	return FACTSTR_INCOMPATIBLE;
}

int
fs_sqlite_error(const fs_database *connection, int result, const char *doing,
				factstr_error *error)
{
	switch (result & 0xff)
	{
		case SQLITE_BUSY:
		case SQLITE_LOCKED:
			return fs_error_busy(connection, doing, error);
		case SQLITE_NOMEM:
			return fs_error_no_memory(error);
		case SQLITE_FULL:
			return fs_error_disk_full(connection, doing, error);
		case SQLITE_IOERR:
			return fs_error_input_output(connection, result, doing, error);
		case SQLITE_CANTOPEN:
			return fs_error_cannot_open(connection, doing, error);
		case SQLITE_NOTADB:
			return fs_error(error, FACTSTR_INCOMPATIBLE, "\"%s\" is not a SQLite database",
							connection->path);
		case SQLITE_CORRUPT:
			(void) fs_error(error, FACTSTR_STORAGE, "cannot %s \"%s\": the file is damaged",
							doing, connection->path);
			fs_error_hint(error, "Restore it from a backup.");
			return FACTSTR_STORAGE;
		case SQLITE_READONLY:
		case SQLITE_PERM:
			if (result == SQLITE_READONLY_ROLLBACK)
				return fs_error_unfinished(connection, error);
			return fs_error(error, FACTSTR_STORAGE, "cannot %s \"%s\": it is read-only", doing,
							connection->path);
		default:
			return fs_error(error, FACTSTR_STORAGE, "cannot %s \"%s\": %s", doing,
							connection->path, connection->db == NULL ? sqlite3_errstr(result) :
							sqlite3_errmsg(connection->db));
	}
}
