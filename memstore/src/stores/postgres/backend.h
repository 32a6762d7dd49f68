/*
 * stores/postgres/backend.h
 *		What the files of the PostgreSQL store share: connections, and calls over them.
 *
 * The store is a thin client: every method is a call of the extension's SQL functions, most of them
 * one prepared statement and one round trip.
 */
#ifndef FACTSTR_STORES_POSTGRES_BACKEND_H
#define FACTSTR_STORES_POSTGRES_BACKEND_H

#include <pthread.h>

#include "factstr.h"

#include "stores/hub.h"
#include "stores/postgres/libpq.h"
#include "stores/store.h"

/*
 * The statements, with @ for the extension's schema.  Nothing in them is looked up through the
 * search_path, which the owner of the database or the role may have set to anything.
 */
#define FS_POSTGRES_STATEMENTS(STATEMENT) \
	STATEMENT(APPEND, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append($1::pg_catalog.jsonb, $2::pg_catalog.text)") \
	STATEMENT(APPEND_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append($1::pg_catalog.jsonb, $2::pg_catalog.text, true)") \
	STATEMENT(APPEND_IF_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append_if($1::pg_catalog.jsonb, $3::pg_catalog.jsonb," \
			  " $4::pg_catalog.int8, $2::pg_catalog.text, true)") \
	STATEMENT(APPEND_UNLESS_AT_COMMIT, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_append_unless($1::pg_catalog.jsonb, $3::pg_catalog.jsonb," \
			  " $4::pg_catalog.int8, $2::pg_catalog.text, true)") \
	STATEMENT(LAST_APPEND, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_last_append()") \
	STATEMENT(APPEND_IF, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count, conflict," \
			  " actual_context_version" \
			  " FROM @factstr_try_append_if($1::pg_catalog.jsonb, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.int8, $4::pg_catalog.text)") \
	STATEMENT(APPEND_UNLESS, \
			  "SELECT first_sequence_number, last_sequence_number, committed_count, conflict," \
			  " actual_context_version" \
			  " FROM @factstr_try_append_unless($1::pg_catalog.jsonb, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.int8, $4::pg_catalog.text)") \
	STATEMENT(QUERY, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb), NULL::pg_catalog.int8," \
			  " NULL::pg_catalog.timestamptz, NULL::pg_catalog.text, NULL::pg_catalog.jsonb," \
			  " NULL::pg_catalog.jsonb" \
			  " UNION ALL SELECT NULL, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read($1::pg_catalog.jsonb)") \
	STATEMENT(NEWEST, \
			  "SELECT event_records, current_context_version" \
			  " FROM @factstr_newest($1::pg_catalog.jsonb)") \
	STATEMENT(CONTEXT_VERSION, \
			  "SELECT @factstr_context_version($1::pg_catalog.jsonb)") \
	STATEMENT(READ, \
			  "SELECT NULL::pg_catalog.int8, sequence_number, occurred_at, event_type, payload," \
			  " metadata FROM @factstr_read(pg_catalog.jsonb_set($1::pg_catalog.jsonb" \
			  " OPERATOR(pg_catalog.-) 'after'::pg_catalog.text, '{min_sequence_number}', pg_catalog.to_jsonb($2::pg_catalog.int8))," \
			  " $3::pg_catalog.int8, $4::pg_catalog.bool, NULL, NULL, $5::pg_catalog.int8)") \
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
			  "SELECT first_sequence_number, last_sequence_number, committed_count" \
			  " FROM @factstr_import($1::pg_catalog.jsonb)") \
	STATEMENT(REDACT, \
			  "SELECT @factstr_redact($1::pg_catalog.int8, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text, $4::pg_catalog.jsonb)") \
	STATEMENT(REDACTIONS, \
			  "SELECT sequence_number, redacted_at, redacted_by::pg_catalog.text, reason" \
			  " FROM (SELECT * FROM @factstr_redactions" \
			  " WHERE sequence_number OPERATOR(pg_catalog.>) $1::pg_catalog.int8" \
			  " ORDER BY sequence_number FETCH FIRST ($2::pg_catalog.int8) ROWS WITH TIES) r" \
			  " ORDER BY sequence_number, redacted_at") \
	STATEMENT(IMPORT_REDACTIONS, \
			  "SELECT @factstr_import_redactions($1::pg_catalog.jsonb)") \
	STATEMENT(STREAM_OPEN, \
			  "SELECT @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text)") \
	STATEMENT(STREAM_OPEN_PARTITIONS, \
			  "SELECT @factstr_stream_open($1::pg_catalog.text, $2::pg_catalog.jsonb," \
			  " $3::pg_catalog.text, $4::pg_catalog.int4, $5::pg_catalog.text)") \
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
			  "SELECT pg_catalog.min(cursor_sequence_number) FROM @factstr_stream_status" \
			  " WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text" \
			  " OR name OPERATOR(pg_catalog.=) pg_catalog.concat($1::pg_catalog.text, '#'," \
			  " event_query OPERATOR(pg_catalog.#>>) '{partition,number}') HAVING" \
			  " pg_catalog.count(*) OPERATOR(pg_catalog.>) 0") \
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
	FS_REPEAT_ONCE,				/* reads, and what can be done twice: the outcome does not matter */
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
	bool		url_is_plain;	/* see fs_check_url */
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
 * url.c
 */

/*
 * Is it a URL that libpq understands as it was meant?  *is_plain: nothing in it, but a password, has
 * characters that could come from a password which was not written with percent signs.
 */
int			fs_check_url(const char *url, bool *is_plain, factstr_error *error);

/* The value of an option is not allowed.  Returns the code. */
int			fs_refuse_url_option(const char *keyword, const char *detail, factstr_error *error);

/*
 * connecting.c
 */
PGconn	   *fs_connect(const char *url);

/* Why there is no connection: FACTSTR_NOT_CONNECTED, or what is wrong with the URL.  Returns the code. */
int			fs_connect_error(const fs_backend *backend, PGconn *libpq, factstr_error *error);

/*
 * connection.c
 */

/* NULL with *error filled: FACTSTR_NOT_CONNECTED if the server cannot be reached. */
fs_connection *fs_connection_open(fs_backend *backend, factstr_error *error);
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
 * statement.c
 */

/* Makes sure that the connection knows a statement. */
int			fs_prepare(fs_backend *backend, fs_connection *connection, fs_statement statement,
					   factstr_error *error);

/* FACTSTR_MALFORMED if the parameters are larger than a server takes. */
int			fs_call_check_size(const fs_call *call, factstr_error *error);

/* One call over a connection.  After FACTSTR_CONNECTION_LOST that is of no more use. */
int			fs_call_over(fs_backend *backend, fs_connection *connection, const fs_call *call,
						 const fs_answer *answer, factstr_error *error);

/* A command without an answer, such as BEGIN. */
int			fs_command_over(fs_connection *connection, const char *command, factstr_error *error);

/* The room that an integer takes as a parameter, and its text; one beyond bigint's range is that range's end. */
#define FS_INTEGER_SIZE 24
const char *fs_integer_parameter(uint64_t integer, char *text);

/*
 * values.c: texts are NUL-terminated; NULL, or 0, for a null.
 */
int64_t		fs_value_int8(const PGresult *rows, int row, int column);
int32_t		fs_value_int4(const PGresult *rows, int row, int column);
bool		fs_value_bool(const PGresult *rows, int row, int column);
int64_t		fs_value_time(const PGresult *rows, int row, int column);
int64_t		fs_value_interval(const PGresult *rows, int row, int column);
char	   *fs_value_text(const PGresult *rows, int row, int column);
char	   *fs_value_jsonb(const PGresult *rows, int row, int column);

/*
 * call.c
 */

/* One call over any connection. */
int			fs_call_server(fs_backend *backend, const fs_call *call, const fs_answer *answer,
						   fs_repetition repetition, factstr_error *error);

/*
 * error.c
 */

/* What the server or libpq says.  Returns the code. */
int			fs_postgres_error(PGconn *connection, const PGresult *result, factstr_error *error);

/* The connection was lost over a call; what libpq says of it is one line in *error.  Returns the code. */
int			fs_connection_error(PGconn *connection, factstr_error *error);

/*
 * Where it does not matter what became of a call whose connection was lost, or nothing was sent,
 * FACTSTR_CONNECTION_LOST becomes FACTSTR_NOT_CONNECTED.  Returns the code.
 */
int			fs_nothing_was_done(factstr_error *error);

/*
 * records.c
 */

/*
 * Adds the facts of a JSON array of event records, as the extension writes them, and their redactions
 * to the last batch of the list.  The text is taken apart in place.
 */
int			fs_add_event_records(char *event_records, fs_batch_list *batches,
								 factstr_error *error);

/* Adds each record of such an array, and a fact without a number for a null. */
int			fs_add_newest_records(char *event_records, fs_fact_list *facts, factstr_error *error);

/*
 * append.c
 */
int			fs_postgres_append(fs_backend *backend, const fs_append *append,
							   factstr_append_result *result, factstr_error *error);

/* The events of an append as a JSON array; NULL if there is no memory. */
char	   *fs_write_events(const fs_append *append);

/* Takes the numbers of an append, or an import, into a factstr_append_result. */
int			fs_take_append(const PGresult *rows, int row, void *target, factstr_error *error);

/*
 * at_commit.c
 */
int			fs_postgres_append_at_commit(fs_backend *backend, void *connection,
										 const fs_append *append, factstr_append_result *result,
										 factstr_error *error);
int			fs_postgres_last_append(fs_backend *backend, void *connection,
									factstr_append_result *result, factstr_error *error);

/*
 * import.c
 */
int			fs_postgres_import(fs_backend *backend, const factstr_batch *batches,
							   fs_append_event *const *events, size_t count,
							   factstr_append_result *result, factstr_error *error);

/*
 * redact.c
 */
int			fs_postgres_redact(fs_backend *backend, const fs_redaction *redaction,
							   bool *traces_remain, factstr_error *error);
int			fs_postgres_redactions(fs_backend *backend, uint64_t after, size_t max_count,
								   fs_redaction_list *redactions, factstr_error *error);
int			fs_postgres_import_redactions(fs_backend *backend, const factstr_batch *batch,
										  const fs_append_event *events, uint64_t *imported_count,
										  factstr_error *error);

/*
 * reading.c
 */
int			fs_postgres_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
							  uint64_t *version, factstr_error *error);
int			fs_postgres_context_version(fs_backend *backend, const fs_query *query,
										uint64_t *version, factstr_error *error);
int			fs_postgres_newest(fs_backend *backend, const fs_query *queries, size_t count,
							   fs_fact_list *facts, uint64_t *version, factstr_error *error);
int			fs_postgres_head(fs_backend *backend, uint64_t *head, factstr_error *error);
int			fs_postgres_read(fs_backend *backend, const fs_query *query, const fs_range *range,
							 fs_fact_list *facts, factstr_error *error);
int			fs_postgres_batches(fs_backend *backend, const fs_query *query, uint64_t after,
								size_t max_batches, fs_batch_list *batches, uint64_t *searched,
								factstr_error *error);
int			fs_postgres_export(fs_backend *backend, uint64_t after, size_t max_batches,
							   fs_batch_list *batches, factstr_error *error);

/*
 * ghosts.c
 */
void		fs_ghost_note(fs_backend *backend, const char *name, int server_pid);

/* Those of a stream, or with NULL all of them. */
void		fs_ghosts_forget(fs_backend *backend, const char *name);
bool		fs_ghosts_exist(fs_backend *backend, const char *name);

/* Ends the session that holds the stream, if it is one of them; it is gone a little later. */
int			fs_ghost_end(fs_backend *backend, fs_connection *connection, const char *name,
						 bool *was_ghost, factstr_error *error);

/*
 * watcher.c
 */
int			fs_postgres_watch(fs_backend *backend, factstr_error *error);
void		fs_postgres_unwatch(fs_backend *backend);

/*
 * leases.c
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

/*
 * Calls a function in the transaction of the lease's delivery, which goes on as it was if the call
 * fails.
 */
int			fs_call_within(fs_lease *lease, const fs_call *call, factstr_error *error);

/*
 * streams.c
 */

/* The words of the other stores, in place of those that are for users of SQL.  Returns the code. */
int			fs_name_stream(int code, const char *name, factstr_error *error);

int			fs_postgres_streams(fs_backend *backend, fs_stream_list *streams,
								factstr_error *error);
int			fs_postgres_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									  factstr_error *error);
int			fs_postgres_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
									uint64_t sequence_number, factstr_error *error);
int			fs_postgres_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
									factstr_error *error);

#endif							/* FACTSTR_STORES_POSTGRES_BACKEND_H */
