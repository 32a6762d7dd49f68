/*
 * stores/sqlite/schema.c
 *		The schema by which a SQLite file is a store, and creating a new one.
 *
 * A file says that it is a store by its application_id, and which schema it has by its
 * user_version.  One of an older schema is brought up to this one.  Nothing else is ever changed: a
 * file is looked at through a connection that cannot write before one is opened that can.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/system.h"
#include "base/threads.h"
#include "results/error.h"
#include "stores/sqlite/backend.h"
#include "stores/sqlite/connection.h"

/* "FSTR" */
#define FS_APPLICATION_ID 0x46535452

/* The version of this schema and of the computation of terms (stores/local/terms.h). */
#define FS_SCHEMA_VERSION 2

/* Between tries to open a file that others are opening, too. */
#define FS_PAUSE_NS 2000000L

#define FS_TEXT_OF(number) #number
#define FS_TEXT(number) FS_TEXT_OF(number)

/*
 * A separate transaction.  A handler's tables may be in the same file, so the names have a prefix.
 *
 * factstr_terms is the inverted index; see stores/local/terms.h.  The key of an idempotent append is
 * kept with the first event of its batch.  Stream numbers are never reused, because consumers lock them;
 * see lock.c.
 */
static const char fs_first_schema[] =
"CREATE TABLE factstr_events ("
"  sequence_number INTEGER PRIMARY KEY,"
"  batch_first_sequence_number INTEGER NOT NULL,"
"  batch_last_sequence_number INTEGER NOT NULL,"
"  occurred_at INTEGER NOT NULL," /* microseconds since 1970 */
"  event_type TEXT NOT NULL,"
"  payload TEXT NOT NULL,"
"  metadata TEXT,"
"  idempotency_key TEXT"
") STRICT;"
"CREATE UNIQUE INDEX factstr_idempotency_keys ON factstr_events (idempotency_key)"
"  WHERE idempotency_key IS NOT NULL;"
"CREATE TRIGGER factstr_events_delete BEFORE DELETE ON factstr_events BEGIN"
"  SELECT raise(ABORT, 'facts are never deleted');"
"END;"
"CREATE TABLE factstr_terms ("
"  term INTEGER NOT NULL,"
"  sequence_number INTEGER NOT NULL,"
"  PRIMARY KEY (term, sequence_number)"
") STRICT, WITHOUT ROWID;"
"CREATE TABLE factstr_streams ("
"  stream_id INTEGER PRIMARY KEY AUTOINCREMENT,"
"  name TEXT NOT NULL UNIQUE,"
"  event_query TEXT NOT NULL,"
"  cursor_sequence_number INTEGER NOT NULL,"
"  owner_epoch INTEGER NOT NULL DEFAULT 0," /* how often it was claimed */
"  last_success_at INTEGER,"
"  failure_count INTEGER NOT NULL DEFAULT 0,"
"  last_error TEXT,"
"  last_failed_at INTEGER,"
"  retry_at INTEGER"
") STRICT;"
"PRAGMA application_id = " FS_TEXT(FS_APPLICATION_ID) ";";

/*
 * Version 2 adds redactions.  A fact can be changed only while it is listed in factstr_erasures, and
 * then only its content.  It stays listed until no file contains the old text any more; see erasure.c.
 */
static const char fs_second_schema[] =
"CREATE TABLE factstr_redactions ("
"  redaction_id INTEGER PRIMARY KEY,"
"  sequence_number INTEGER NOT NULL,"
"  redacted_at INTEGER NOT NULL," /* microseconds since 1970 */
"  redacted_by TEXT NOT NULL,"
"  reason TEXT NOT NULL"
") STRICT;"
"CREATE INDEX factstr_redactions_of_facts ON factstr_redactions"
"  (sequence_number, redacted_at, redaction_id);"
"CREATE TRIGGER factstr_redactions_update BEFORE UPDATE ON factstr_redactions BEGIN"
"  SELECT raise(ABORT, 'the record of redactions is never changed');"
"END;"
"CREATE TRIGGER factstr_redactions_delete BEFORE DELETE ON factstr_redactions BEGIN"
"  SELECT raise(ABORT, 'the record of redactions is never changed');"
"END;"
"CREATE TABLE factstr_erasures ("
"  erasure_id INTEGER PRIMARY KEY AUTOINCREMENT,"
"  sequence_number INTEGER NOT NULL"
") STRICT;"
"DROP TRIGGER IF EXISTS factstr_events_update;"
"CREATE TRIGGER factstr_events_update BEFORE UPDATE ON factstr_events"
"  WHEN (NEW.sequence_number, NEW.batch_first_sequence_number, NEW.batch_last_sequence_number,"
"        NEW.occurred_at, NEW.event_type, NEW.idempotency_key)"
"   IS NOT (OLD.sequence_number, OLD.batch_first_sequence_number, OLD.batch_last_sequence_number,"
"           OLD.occurred_at, OLD.event_type, OLD.idempotency_key)"
"   OR OLD.sequence_number NOT IN (SELECT sequence_number FROM factstr_erasures) "
"BEGIN"
"  SELECT raise(ABORT, 'facts are never changed');"
"END;"
"PRAGMA user_version = " FS_TEXT(FS_SCHEMA_VERSION) ";";

typedef enum fs_file_kind
{
	FS_FILE_EMPTY,
	FS_FILE_IS_OLDER,			/* a store, whose schema is to be brought up to this version's */
	FS_FILE_IS_STORE
} fs_file_kind;

static int
fs_error_foreign(const fs_database *connection, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE, "\"%s\" is another program's SQLite database",
					connection->path);
	fs_error_detail(error, "It is unchanged.");
	fs_error_hint(error, "Choose another path for the store.");
	return FACTSTR_INCOMPATIBLE;
}

static int
fs_error_other_version(const fs_database *connection, int64_t version, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_INCOMPATIBLE,
					"\"%s\" has schema version %" PRId64 ", this library has version %d",
					connection->path, version, FS_SCHEMA_VERSION);
	fs_error_detail(error, "It is unchanged.");
	fs_error_hint(error, "Open it with the version of factstr that created it, or a later one.");
	return FACTSTR_INCOMPATIBLE;
}

/* Which kind of file is it?  Within a transaction, so that all answers are from one snapshot. */
static int
fs_look_at_file(fs_database *connection, fs_file_kind *kind, factstr_error *error)
{
	int64_t		objects;
	int64_t		application_id;
	int64_t		version;
	int			code = fs_database_integer(connection, "SELECT count(*) FROM sqlite_schema",
										   &objects, "open", error);

	if (code == FACTSTR_OK)
		code = fs_database_integer(connection, "PRAGMA application_id", &application_id,
								   "open", error);
	if (code == FACTSTR_OK)
		code = fs_database_integer(connection, "PRAGMA user_version", &version, "open", error);
	if (code != FACTSTR_OK)
		return code;

	*kind = application_id == 0 && version == 0 && objects == 0 ? FS_FILE_EMPTY :
		FS_FILE_IS_STORE;
	if (*kind == FS_FILE_IS_STORE && application_id != FS_APPLICATION_ID)
		return fs_error_foreign(connection, error);
	if (*kind == FS_FILE_IS_STORE && (version < 1 || version > FS_SCHEMA_VERSION))
		return fs_error_other_version(connection, version, error);
	if (*kind == FS_FILE_IS_STORE && version < FS_SCHEMA_VERSION)
		*kind = FS_FILE_IS_OLDER;
	return FACTSTR_OK;
}

/* An empty file, or none, where a store must exist already. */
static int
fs_error_no_store(const fs_location *location, factstr_error *error)
{
	char		words[FS_ERRNO_WORDS_SIZE];

	return fs_error(error, FACTSTR_CANNOT_OPEN, "cannot open \"%s\": %s", location->path,
					access(location->path, F_OK) == 0 ? "the file is empty" :
					fs_errno_words(ENOENT, words));
}

/* Looks without being able to write. */
static int
fs_inspect_file(const fs_location *location, fs_file_kind *kind, factstr_error *error)
{
	struct stat status;
	fs_database *connection;
	int			code;

	*kind = FS_FILE_EMPTY;
	if (stat(location->path, &status) != 0)
	{
		if (errno == ENOENT)
			return FACTSTR_OK;
	}
	else if (!S_ISREG(status.st_mode))
		return fs_error(error, FACTSTR_CANNOT_OPEN, "cannot open \"%s\": it is not a regular file",
						location->path);
	code = fs_database_open(location->path, SQLITE_OPEN_READONLY, location->busy_timeout,
							&connection, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_database_execute(connection, "BEGIN", "open", error);
	if (code == FACTSTR_OK)
		code = fs_look_at_file(connection, kind, error);
	fs_database_close(connection);
	return code;
}

/* A file that is in this mode already is not written. */
static int
fs_switch_to_wal(fs_database *connection, factstr_error *error)
{
	sqlite3_stmt *statement;
	int			result = sqlite3_prepare_v2(connection->db, "PRAGMA journal_mode = WAL", -1,
											&statement, NULL);
	int			code = FACTSTR_OK;

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result != SQLITE_ROW)
		code = fs_sqlite_error(connection, result, "open", error);
	else if (strcmp((const char *) sqlite3_column_text(statement, 0), "wal") != 0)
	{
		code = fs_error(error, FACTSTR_CANNOT_OPEN,
						"\"%s\" cannot have a write-ahead log", connection->path);
		fs_error_detail(error, "Its file system does not support the required shared memory and locks.");
		fs_error_hint(error, "Put the store on a local file system.");
	}
	(void) sqlite3_finalize(statement);
	return code;
}

/* Another process may be at it too: the second one finds it made. */
static int
fs_make_store(fs_database *connection, factstr_error *error)
{
	fs_file_kind kind = FS_FILE_IS_STORE;
	int			code = fs_database_execute(connection, "BEGIN IMMEDIATE", "open", error);

	if (code == FACTSTR_OK)
		code = fs_look_at_file(connection, &kind, error);
	if (code == FACTSTR_OK && kind == FS_FILE_EMPTY)
		code = fs_database_execute(connection, fs_first_schema, "open", error);
	if (code == FACTSTR_OK && kind != FS_FILE_IS_STORE)
		code = fs_database_execute(connection, fs_second_schema, "open", error);
	if (code == FACTSTR_OK)
		code = fs_database_execute(connection, "COMMIT", "open", error);
	if (code != FACTSTR_OK)
		fs_database_rollback(connection);
	return code;
}

static int
fs_open_for_writing(const fs_location *location, fs_file_kind kind, fs_database **connection,
					factstr_error *error)
{
	int			flags = SQLITE_OPEN_READWRITE | (kind == FS_FILE_EMPTY ? SQLITE_OPEN_CREATE : 0);
	int			code = fs_database_open(location->path, flags, location->busy_timeout,
										connection, error);

	if (code != FACTSTR_OK)
		return code;
	if (sqlite3_db_readonly((*connection)->db, "main") == 1)
		code = fs_error(error, FACTSTR_CANNOT_OPEN, "cannot open \"%s\": it is read-only",
						location->path);
	if (code == FACTSTR_OK)
		code = fs_switch_to_wal(*connection, error);
	if (code == FACTSTR_OK)
		code = fs_database_configure(*connection, error);
	if (code == FACTSTR_OK && kind != FS_FILE_IS_STORE)
		code = fs_make_store(*connection, error);
	if (code != FACTSTR_OK)
	{
		fs_database_close(*connection);
		*connection = NULL;
	}
	return code;
}

/* The process may change its directory later. */
static int
fs_use_absolute_path(fs_database *connection, char **path, factstr_error *error)
{
	*path = strdup(sqlite3_db_filename(connection->db, "main"));
	if (*path == NULL)
		return fs_error_no_memory(error);
	connection->path = *path;
	return FACTSTR_OK;
}

/* One try. */
static int
fs_try_to_open(const fs_location *location, fs_database **connection, char **path,
			   factstr_error *error)
{
	fs_file_kind kind;
	int			code = fs_inspect_file(location, &kind, error);

	*connection = NULL;
	if (code == FACTSTR_OK && kind == FS_FILE_EMPTY && location->must_exist)
		code = fs_error_no_store(location, error);
	if (code == FACTSTR_OK)
		code = fs_open_for_writing(location, kind, connection, error);
	if (code == FACTSTR_OK)
		code = fs_use_absolute_path(*connection, path, error);
	if (code != FACTSTR_OK)
	{
		fs_database_close(*connection);
		*connection = NULL;
	}
	return code;
}

/* One try. */
static int
fs_try_to_check(fs_backend *backend, const fs_location *location, factstr_error *error)
{
	fs_database *connection;
	factstr_error changed;
	fs_file_kind kind = FS_FILE_EMPTY;
	int			code = fs_backend_connect(backend, &connection, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_database_execute(connection, "BEGIN", "open", error);
	if (code == FACTSTR_OK)
		code = fs_look_at_file(connection, &kind, error);
	backend->lacks_redactions = kind == FS_FILE_IS_OLDER;
	if (fs_check_frozen(connection, &changed) != FACTSTR_OK)
	{
		*error = changed;
		code = changed.code;
	}
	fs_database_close(connection);
	return code == FACTSTR_OK && kind == FS_FILE_EMPTY ? fs_error_no_store(location, error) : code;
}

int
fs_schema_check(fs_backend *backend, const fs_location *location, factstr_error *error)
{
	int64_t		deadline = fs_deadline(location->busy_timeout);
	struct timespec pause = {0, FS_PAUSE_NS};
	int			code;

	backend->path = realpath(location->path, NULL);
	if (backend->path == NULL)
		return errno == ENOMEM ? fs_error_no_memory(error) : fs_error_no_store(location, error);
	while ((code = fs_try_to_check(backend, location, error)) == FACTSTR_BUSY &&
		   fs_time_left(deadline) > 0)
		(void) nanosleep(&pause, NULL);
	return code;
}

int
fs_schema_open(const fs_location *location, fs_database **connection, char **path,
			   factstr_error *error)
{
	int64_t		deadline = fs_deadline(location->busy_timeout);
	struct timespec pause = {0, FS_PAUSE_NS};
	int			code;

	*connection = NULL;
	*path = NULL;
	if (sqlite3_libversion_number() < FS_OLDEST_SQLITE || !sqlite3_threadsafe())
		return fs_error(error, FACTSTR_UNSUPPORTED,
						"SQLite %s cannot be used: version 3.37 with threads is needed",
						sqlite3_libversion());

	/*
	 * If two processes change the journal mode at the same time, one of them fails immediately, because
	 * waiting would deadlock.
	 */
	while ((code = fs_try_to_open(location, connection, path, error)) == FACTSTR_BUSY &&
		   fs_time_left(deadline) > 0)
		(void) nanosleep(&pause, NULL);
	return code;
}
