/*
 * postgres_store.h
 *		What the files of the PostgreSQL store share: connections, and calls over them.
 *
 * The store is a thin client: every method is a call of the extension's SQL functions, most of them
 * one prepared statement and one round trip.
 */
#ifndef FACTSTR_POSTGRES_STORE_H
#define FACTSTR_POSTGRES_STORE_H

#include <pthread.h>

#include <libpq-fe.h>

#include "error.h"
#include "hub.h"
#include "store.h"

/*
 * The statements, with @ for the extension's schema.  Nothing in them is looked up through the
 * search_path, which belongs to whoever set up the database or the role.
 */
#define FS_POSTGRES_STATEMENTS(STATEMENT) \
	STATEMENT(APPEND, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append($1::pg_catalog.jsonb, $2::pg_catalog.text)") \
	STATEMENT(APPEND_IF, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count, conflict," \
			  " actual_context_version" \
			  " FROM @factstr_try_append_if($1::pg_catalog.jsonb, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.int8, $4::pg_catalog.text)") \
	STATEMENT(QUERY, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb), NULL::pg_catalog.int8," \
			  " NULL::pg_catalog.timestamptz, NULL::pg_catalog.text, NULL::pg_catalog.jsonb," \
			  " NULL::pg_catalog.jsonb" \
			  " UNION ALL SELECT NULL, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read($1::pg_catalog.jsonb)") \
	STATEMENT(CONTEXT_VERSION, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb)") \
	STATEMENT(READ, \
			  "SELECT NULL::pg_catalog.int8, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read(pg_catalog.jsonb_set($1::pg_catalog.jsonb," \
			  " '{min_sequence_number}', pg_catalog.to_jsonb($2::pg_catalog.int8))," \
			  " $3::pg_catalog.int8, $4::pg_catalog.bool, $5::pg_catalog.int8)") \
	STATEMENT(BATCHES, \
			  "SELECT NULL::pg_catalog.int8, first_sequence_number, last_sequence_number," \
			  " event_records, NULL::pg_catalog.text" \
			  " FROM @factstr_batches($1::pg_catalog.jsonb, $2::pg_catalog.int8," \
			  " $3::pg_catalog.int4)" \
			  " UNION ALL SELECT @factstr_context_version('{}'), NULL, NULL, NULL, NULL") \
	STATEMENT(EXPORT, \
			  "SELECT NULL::pg_catalog.int8, first_sequence_number, last_sequence_number," \
			  " event_records, idempotency_key" \
			  " FROM @factstr_export($1::pg_catalog.int8, $2::pg_catalog.int4)") \
	STATEMENT(IMPORT, \
			  "SELECT committed_count FROM @factstr_import($1::pg_catalog.jsonb)") \
	STATEMENT(STREAM_OPEN, \
			  "SELECT @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text)") \
	STATEMENT(STREAM_HOLD, \
			  "SELECT h.token, CASE WHEN h.token IS NULL THEN NULL ELSE" \
			  " @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb) END" \
			  " FROM @factstr_stream_try_hold($1::pg_catalog.text, $3::pg_catalog.int8)" \
			  " AS h(token)") \
	STATEMENT(STREAM_END_GHOST, \
			  "SELECT pg_catalog.pg_terminate_backend(consumer_pid)" \
			  " FROM @factstr_stream_status WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text" \
			  " AND consumer_pid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.int4[])") \
	STATEMENT(STREAM_MOVE, \
			  "SELECT @factstr_stream_ack($1::pg_catalog.text, $2::pg_catalog.int8)") \
	STATEMENT(STREAM_SKIP, \
			  "SELECT pg_catalog.set_config('synchronous_commit', 'off', true)," \
			  " @factstr_stream_ack($1::pg_catalog.text, $2::pg_catalog.int8)") \
	STATEMENT(STREAM_FAIL, \
			  "SELECT @factstr_stream_fail($1::pg_catalog.text, $2::pg_catalog.text," \
			  " $3::pg_catalog.timestamptz), @factstr_stream_release($1::pg_catalog.text)") \
	STATEMENT(STREAM_RELEASE, \
			  "SELECT @factstr_stream_release($1::pg_catalog.text)") \
	STATEMENT(STREAM_SEEK, \
			  "SELECT @factstr_stream_seek($1::pg_catalog.text, $2::pg_catalog.int8, true)") \
	STATEMENT(STREAM_DROP, \
			  "SELECT @factstr_stream_drop($1::pg_catalog.text, true)") \
	STATEMENT(STREAM_CURSOR, \
			  "SELECT cursor_sequence_number FROM @factstr_stream_status" \
			  " WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text") \
	STATEMENT(STREAMS, \
			  "SELECT name, event_query, cursor_sequence_number, head_sequence_number, lag_facts," \
			  " lag_time, last_success_at, failure_count, last_error, last_failed_at, retry_at," \
			  " consumer_pid FROM @factstr_stream_status ORDER BY name")

typedef enum fs_statement
{
#define FS_STATEMENT_ENUM(NAME, sql) FS_STATEMENT_##NAME,
	FS_POSTGRES_STATEMENTS(FS_STATEMENT_ENUM)
#undef FS_STATEMENT_ENUM
	FS_STATEMENT_COUNT
} fs_statement;

#define FS_MAX_PARAMETERS 5

/* A statement with its parameters, as text. */
typedef struct fs_call
{
	fs_statement statement;
	int			parameter_count;
	const char *parameters[FS_MAX_PARAMETERS];
} fs_call;

/*
 * What becomes of the rows, which are in binary format.  take is called for each row as it comes,
 * and returns a code; begin, if there is one, before the first and again before a repetition.
 */
typedef struct fs_answer
{
	int			(*take) (const PGresult *rows, int row, void *target, factstr_error *error);
	void		(*begin) (void *target);
	void	   *target;
	bool		one_by_one;		/* rows are taken while others are still to come, to save memory */
} fs_answer;

/* What may be done if the connection is lost, so that it is unknown what has become of the call. */
typedef enum fs_repetition
{
	FS_NEVER_REPEAT,
	FS_REPEAT_ONCE,				/* reads: nothing is lost but time */
	FS_REPEAT_FOR_SECONDS		/* what the server recognizes, and answers the same again */
} fs_repetition;

typedef struct fs_connection fs_connection;
typedef struct fs_watcher fs_watcher;

/* A session whose connection was lost, and which may hold the stream yet. */
#define FS_MAX_GHOSTS 32

typedef struct fs_ghost
{
	char	   *name;			/* of the stream; NULL: none */
	int			server_pid;
} fs_ghost;

struct fs_backend
{
	fs_hub	   *hub;
	char	   *url;
	char	   *statements[FS_STATEMENT_COUNT];	/* with the schema */
	fs_watcher *watcher;		/* NULL: nobody watches */

	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	fs_connection *connections; /* all of them */
	fs_connection *idle;		/* those that nobody uses, the last one used first */
	int			idle_count;
	fs_ghost	ghosts[FS_MAX_GHOSTS];	/* the oldest gives way */
	unsigned int next_ghost;
};

/*
 * postgres_connection.c
 */

/* NULL with *error filled, with this code if the server cannot be reached. */
fs_connection *fs_connection_open(fs_backend *backend, factstr_code code, factstr_error *error);
PGconn	   *fs_connection_libpq(fs_connection *connection);

/* An idle connection that seems to work, or a new one. */
fs_connection *fs_connection_take(fs_backend *backend, factstr_error *error);

/* For others to use; one that does not work is closed. */
void		fs_connection_give_back(fs_backend *backend, fs_connection *connection);
void		fs_connection_close(fs_backend *backend, fs_connection *connection);
void		fs_connections_close_all(fs_backend *backend);

/* Is it one of this store's connections that the server calls so? */
bool		fs_connection_is_own(fs_backend *backend, int server_pid);

/*
 * postgres_call.c
 */

/* One call over a connection.  After FACTSTR_CONNECTION_LOST that is of no more use. */
int			fs_call_over(fs_backend *backend, fs_connection *connection, const fs_call *call,
						 const fs_answer *answer, factstr_error *error);

/* A command without an answer, such as BEGIN. */
int			fs_command_over(fs_connection *connection, const char *command, factstr_error *error);

/* One call over any connection. */
int			fs_call_server(fs_backend *backend, const fs_call *call, const fs_answer *answer,
						   fs_repetition repetition, factstr_error *error);

/* Values in binary format.  Texts are NUL-terminated; NULL, or 0, for a null. */
int64_t		fs_value_int8(const PGresult *rows, int row, int column);
int32_t		fs_value_int4(const PGresult *rows, int row, int column);
bool		fs_value_bool(const PGresult *rows, int row, int column);
int64_t		fs_value_time(const PGresult *rows, int row, int column);
int64_t		fs_value_interval(const PGresult *rows, int row, int column);
char	   *fs_value_text(const PGresult *rows, int row, int column);
char	   *fs_value_jsonb(const PGresult *rows, int row, int column);

/* The room that an integer takes as a parameter, and its text. */
#define FS_INTEGER_SIZE 24
const char *fs_integer_parameter(uint64_t integer, char *text);

/*
 * postgres_error.c
 */

/* What the server or libpq says.  Returns the code. */
int			fs_postgres_error(PGconn *connection, const PGresult *result, factstr_error *error);

/* A message of libpq as one line, in *error, with this code. */
int			fs_libpq_error(PGconn *connection, factstr_code code, factstr_error *error);

/*
 * postgres_records.c
 */

/*
 * Adds the facts of a JSON array of event records, as the extension writes them, to the last batch
 * of the list.  The text is taken apart in place.
 */
int			fs_add_event_records(char *event_records, fs_batch_list *batches,
								 factstr_error *error);

/*
 * postgres_ghosts.c
 */
void		fs_ghost_note(fs_backend *backend, const char *name, int server_pid);

/* Those of a stream, or with NULL all of them. */
void		fs_ghosts_forget(fs_backend *backend, const char *name);
bool		fs_ghosts_exist(fs_backend *backend, const char *name);

/* Ends the session that holds the stream, if it is one of them; it is gone a little later. */
int			fs_ghost_end(fs_backend *backend, fs_connection *connection, const char *name,
						 bool *was_ghost, factstr_error *error);

/*
 * postgres_watcher.c
 */
int			fs_postgres_watch(fs_backend *backend, factstr_error *error);
void		fs_postgres_unwatch(fs_backend *backend);

/*
 * postgres_streams.c
 */
int			fs_postgres_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
									 uint64_t *cursor, factstr_error *error);
int			fs_postgres_stream_begin(fs_lease *lease, void **transaction, factstr_error *error);
int			fs_postgres_stream_move(fs_lease *lease, uint64_t cursor, bool delivered,
									factstr_error *error);
int			fs_postgres_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
									factstr_error *error);
int			fs_postgres_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error);
void		fs_postgres_stream_release(fs_lease *lease);
int			fs_postgres_streams(fs_backend *backend, fs_stream_list *streams,
								factstr_error *error);
int			fs_postgres_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									  factstr_error *error);
int			fs_postgres_stream_seek(fs_backend *backend, const char *name,
									uint64_t sequence_number, factstr_error *error);
int			fs_postgres_stream_drop(fs_backend *backend, const char *name, factstr_error *error);

#endif							/* FACTSTR_POSTGRES_STORE_H */
