/*
 * stores/sqlite/connection.h
 *		One connection to a SQLite file: its settings, its prepared statements, and its errors.
 *
 * A connection is used by one thread at a time; SQLite's own mutex is off.
 */
#ifndef FACTSTR_STORES_SQLITE_CONNECTION_H
#define FACTSTR_STORES_SQLITE_CONNECTION_H

#include <sys/stat.h>

#include <sqlite3.h>

#include "factstr.h"

#include "stores/local/terms.h"

/* Tables are declared STRICT.  Of the library that a program has loaded, fs_schema_open asks. */
#define FS_OLDEST_SQLITE 3037000

#if SQLITE_VERSION_NUMBER < FS_OLDEST_SQLITE
#error "SQLite 3.37 or newer is needed"
#endif

/* STATEMENT(NAME, "text"); each is prepared when it is needed first, and kept. */
#define FS_STATEMENTS(STATEMENT) \
	STATEMENT(BEGIN_READ, "BEGIN") \
	STATEMENT(BEGIN_WRITE, "BEGIN IMMEDIATE") \
	STATEMENT(COMMIT, "COMMIT") \
	STATEMENT(ROLLBACK, "ROLLBACK") \
	STATEMENT(BEGIN_CHANGE, "SAVEPOINT factstr_change") \
	STATEMENT(KEEP_CHANGE, "RELEASE factstr_change") \
	STATEMENT(UNDO_CHANGE, "ROLLBACK TO factstr_change") \
	STATEMENT(DATA_VERSION, "PRAGMA data_version") \
	STATEMENT(HEAD, "SELECT max(sequence_number) FROM factstr_events") \
	STATEMENT(FETCH, \
			  "SELECT sequence_number, occurred_at, event_type, payload, metadata," \
			  " batch_first_sequence_number" \
			  " FROM factstr_events WHERE sequence_number >= ?1 ORDER BY sequence_number") \
	STATEMENT(BATCH_LAST, \
			  "SELECT batch_last_sequence_number FROM factstr_events WHERE sequence_number = ?1") \
	STATEMENT(EXPORT, \
			  "SELECT sequence_number, occurred_at, event_type, payload, metadata," \
			  " batch_first_sequence_number, batch_last_sequence_number, idempotency_key" \
			  " FROM factstr_events WHERE sequence_number > ?1 ORDER BY sequence_number") \
	STATEMENT(FIND_KEY, \
			  "SELECT sequence_number, batch_last_sequence_number FROM factstr_events" \
			  " INDEXED BY factstr_idempotency_keys WHERE idempotency_key = ?1") \
	STATEMENT(INSERT_EVENT, \
			  "INSERT INTO factstr_events (sequence_number, batch_first_sequence_number," \
			  " batch_last_sequence_number, occurred_at, event_type, payload, metadata," \
			  " idempotency_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	STATEMENT(INSERT_TERM, "INSERT INTO factstr_terms (term, sequence_number) VALUES (?1, ?2)") \
	STATEMENT(REDACT_EVENT, \
			  "UPDATE factstr_events SET payload = ?2, metadata = ?3 WHERE sequence_number = ?1") \
	STATEMENT(DELETE_TERM, \
			  "DELETE FROM factstr_terms WHERE term = ?1 AND sequence_number = ?2") \
	STATEMENT(INSERT_REDACTION, \
			  "INSERT INTO factstr_redactions (sequence_number, redacted_at, redacted_by, reason)" \
			  " VALUES (?1, ?2, ?3, ?4)") \
	STATEMENT(LIST_REDACTIONS, \
			  "SELECT sequence_number, redacted_at, redacted_by, reason FROM factstr_redactions" \
			  " WHERE sequence_number > ?1 ORDER BY sequence_number, redacted_at, redaction_id") \
	STATEMENT(IS_REDACTED, \
			  "SELECT 1 FROM factstr_redactions WHERE sequence_number = ?1 LIMIT 1") \
	STATEMENT(ERASE_ERRORS, \
			  "UPDATE factstr_streams SET last_error = ?1 WHERE last_error IS NOT NULL") \
	STATEMENT(INSERT_ERASURE, "INSERT INTO factstr_erasures (sequence_number) VALUES (?1)") \
	STATEMENT(LAST_ERASURE, "SELECT max(erasure_id) FROM factstr_erasures") \
	STATEMENT(END_ERASURES, "DELETE FROM factstr_erasures WHERE erasure_id <= ?1") \
	STATEMENT(EVENT_TIME, \
			  "SELECT occurred_at FROM factstr_events WHERE sequence_number = ?1") \
	STATEMENT(FIND_STREAM, \
			  "SELECT stream_id, event_query, cursor_sequence_number, owner_epoch" \
			  " FROM factstr_streams WHERE name = ?1") \
	STATEMENT(STREAM_OF_ID, \
			  "SELECT cursor_sequence_number, owner_epoch FROM factstr_streams" \
			  " WHERE stream_id = ?1") \
	STATEMENT(INSERT_STREAM, \
			  "INSERT INTO factstr_streams (name, event_query, cursor_sequence_number)" \
			  " VALUES (?1, ?2, ?3)") \
	STATEMENT(OWN_STREAM, \
			  "UPDATE factstr_streams SET owner_epoch = ?2, retry_at = NULL WHERE stream_id = ?1") \
	STATEMENT(MOVE_STREAM, \
			  "UPDATE factstr_streams" \
			  " SET cursor_sequence_number = max(cursor_sequence_number, ?2)," \
			  " last_success_at = ?3, failure_count = 0, retry_at = NULL" \
			  " WHERE stream_id = ?1 AND owner_epoch = ?4") \
	STATEMENT(FAIL_STREAM, \
			  "UPDATE factstr_streams SET failure_count = failure_count + 1, last_error = ?2," \
			  " last_failed_at = ?3, retry_at = ?5" \
			  " WHERE stream_id = ?1 AND owner_epoch = ?4") \
	STATEMENT(SEEK_STREAM, \
			  "UPDATE factstr_streams SET cursor_sequence_number = ?2, last_success_at = ?3," \
			  " failure_count = 0, retry_at = NULL WHERE stream_id = ?1") \
	STATEMENT(DROP_STREAM, "DELETE FROM factstr_streams WHERE stream_id = ?1") \
	STATEMENT(LIST_STREAMS, \
			  "SELECT stream_id, name, event_query, cursor_sequence_number, last_success_at," \
			  " failure_count, last_error, last_failed_at, retry_at" \
			  " FROM factstr_streams ORDER BY name")

typedef enum fs_statement
{
#define FS_STATEMENT_ENUM(NAME, text) FS_##NAME,
	FS_STATEMENTS(FS_STATEMENT_ENUM)
#undef FS_STATEMENT_ENUM
	FS_STATEMENT_COUNT
} fs_statement;

/*
 * A walk along the facts with one term, so that the next of them costs a step and not a search.  It
 * stands at found, the nearest to asked, and is good until the connection's transaction ends or
 * inserts.
 */
typedef struct fs_term_walk
{
	sqlite3_stmt *statement;
	bool		is_active;
	bool		backwards;		/* which statement it is, for as long as there is one */
	fs_term		term;
	uint64_t	asked;
	uint64_t	found;			/* 0: there are no more */
} fs_term_walk;

/* The usual number of terms that a search follows at once; more terms only take longer. */
#define FS_TERM_WALKS 16

/* Values that change when a file is written. */
typedef struct fs_file_state
{
	bool		has_log;		/* a write-ahead log that is not empty */
	off_t		size;
	ino_t		inode;
	struct timespec modified;
} fs_file_state;

typedef struct fs_database
{
	sqlite3    *db;
	const char *path;			/* borrowed, for messages */
	int			busy_timeout;	/* ms */
	int			patience;		/* the same, but for checkpoints */
	int64_t		busy_until;		/* the deadline of the current wait */
	int			wal_pages;		/* in the write-ahead log after the newest own commit */
	bool		syncs_lazily;	/* commits do not wait for the disk */
	bool		lacks_redactions;	/* a file of schema version 1, which is only read */
	bool		is_frozen;		/* read as if the file could not change; it was in this state */
	fs_file_state state;
	sqlite3_stmt *statements[FS_STATEMENT_COUNT];
	uint64_t	fetched;		/* where FETCH stands, 0: nowhere */
	unsigned	next_walk;
	fs_term_walk walks[FS_TERM_WALKS];
	struct fs_database *next; /* in a pool */
} fs_database;

/* Opens the file without reading or changing it.  flags as of sqlite3_open_v2. */
int			fs_database_open(const char *path, int flags, int busy_timeout,
							 fs_database **connection, factstr_error *error);

/* Opens a file that is known to be a store's, ready for use. */
int			fs_database_open_store(const char *path, int busy_timeout,
								   fs_database **connection, factstr_error *error);

/* Applies the settings of every connection to a store. */
int			fs_database_configure(fs_database *connection, factstr_error *error);

/* NULL is harmless. */
void		fs_database_close(fs_database *connection);

/* Runs SQL that returns nothing.  doing is for messages: "cannot DOING PATH". */
int			fs_database_execute(fs_database *connection, const char *sql, const char *doing,
								factstr_error *error);

/* The first column of the only row, as an integer; 0 for NULL or no row. */
int			fs_database_integer(fs_database *connection, const char *sql, int64_t *value,
								const char *doing, factstr_error *error);

/* A prepared statement, or NULL. */
sqlite3_stmt *fs_statement_get(fs_database *connection, fs_statement which,
							   const char *doing, factstr_error *error);

/* Binds a text, which is small enough for a row and stays until the statement has run.  No data: NULL. */
void		fs_statement_bind_text(sqlite3_stmt *statement, int parameter, fs_text text);

/* Runs a statement to its end, and takes back its parameters. */
int			fs_statement_run(fs_database *connection, sqlite3_stmt *statement,
							 const char *doing, factstr_error *error);

/* Gets and runs a statement without parameters. */
int			fs_statement_do(fs_database *connection, fs_statement which, const char *doing,
							factstr_error *error);

/*
 * Ends the statements that others have left in the middle of their rows, which keep the transaction
 * open.  They may be run again, and are finalized by those who prepared them.  False if something is
 * left that cannot be ended, as an open handle of a blob.
 */
bool		fs_database_end_statements(fs_database *connection);

/* Ends the transaction, if one is open.  Works after any error. */
void		fs_database_rollback(fs_database *connection);

/* Translates a result code of SQLite; only this function does.  Returns FACTSTR_... */
int			fs_sqlite_error(const fs_database *connection, int result, const char *doing,
							factstr_error *error);

#endif							/* FACTSTR_STORES_SQLITE_CONNECTION_H */
