/*
 * stores/postgres/backend.h
 *		Shared by the files of the PostgreSQL store: connections, and calls over them.
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
#include "stores/postgres/statements.h"
#include "stores/store.h"

#define FS_MAX_PARAMETERS 5

/* A statement with its parameters, as text. */
typedef struct fs_call
{
	fs_statement statement;
	int			parameter_count;
	const char *parameters[FS_MAX_PARAMETERS];
} fs_call;

/*
 * How the rows, which are in binary format, are received.  take is called for each row as it arrives,
 * and returns a code; begin, if there is one, is called before the first and again before a repetition.
 */
typedef struct fs_answer
{
	int			(*take) (const PGresult *rows, int row, void *target, factstr_error *error);
	void		(*begin) (void *target);
	void	   *target;
	bool		one_by_one;		/* rows are taken while others are still to come, to save memory */
} fs_answer;

/* How often a call may be repeated if the connection is lost, so that its outcome is unknown. */
typedef enum fs_repetition
{
	FS_NEVER_REPEAT,
	FS_REPEAT_ONCE,				/* reads, and calls that may take effect twice: the outcome does not matter */
	FS_REPEAT_FOR_SECONDS		/* calls that the server recognizes, and answers in the same way again */
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

/* The maximum length of a log's name, in bytes; and the log that exists from the start. */
#define FS_LOG_NAME_LENGTH 40
#define FS_LOG_NAME_SIZE (FS_LOG_NAME_LENGTH + 1)
#define FS_MAIN_LOG "main"

struct fs_backend
{
	fs_hub	   *hub;
	char	   *url;			/* for libpq: without the log */
	bool		url_is_plain;	/* see fs_check_url */
	char		log[FS_LOG_NAME_SIZE];
	char	   *statements[FS_STATEMENT_COUNT];	/* with the schema */
	fs_watcher *watcher;		/* NULL: nothing watches */

	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	fs_connection *connections; /* all of them */
	fs_connection *idle;		/* the unused connections, the last one used first */
	int			idle_count;
	fs_ghost	ghosts[FS_MAX_GHOSTS];	/* the oldest gives way */
	unsigned int next_ghost;
};

/*
 * url.c
 */

/* The part after the user and the password. */
const char *fs_url_host(const char *url);

/*
 * Is it a URL that libpq understands as it was meant?  *is_plain: nothing in it, but a password, has
 * characters that could come from a password which was not written with percent signs.
 */
int			fs_check_url(const char *url, bool *is_plain, factstr_error *error);

/* The value of an option is not allowed.  Returns the code. */
int			fs_refuse_url_option(const char *keyword, const char *detail, factstr_error *error);

/*
 * url_log.c
 */

/*
 * Takes the option factstr_log out of a URL.  *server_url is the rest, to be freed also after an error.
 * log has FS_LOG_NAME_SIZE bytes.
 */
int			fs_take_log(const char *url, char **server_url, char *log, factstr_error *error);

/*
 * log.c
 */
bool		fs_log_is_main(const fs_backend *backend);

/* The schema, as an identifier, and the log in place of the signs in a statement; NULL: no memory. */
char	   *fs_statement_in_log(const fs_backend *backend, const char *template, const char *schema);

/* "LISTEN" or "UNLISTEN" with the channel of the log; command has FS_LISTEN_SIZE bytes. */
#define FS_LISTEN_SIZE (FS_LOG_NAME_SIZE + 40)
const char *fs_listen_command(const fs_backend *backend, const char *verb, char *command);

/* FACTSTR_NO_SUCH_LOG if the log does not exist, or no longer. */
int			fs_log_check(fs_backend *backend, factstr_error *error);

/*
 * connecting.c
 */
PGconn	   *fs_connect(const char *url);

/* Why there is no connection: FACTSTR_NOT_CONNECTED, or the error of the URL.  Returns the code. */
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

/* The error of the server or of libpq.  Returns the code. */
int			fs_postgres_error(PGconn *connection, const PGresult *result, factstr_error *error);

/* The connection was lost during a call; *error gets libpq's message as one line.  Returns the code. */
int			fs_connection_error(PGconn *connection, factstr_error *error);

/*
 * If nothing was sent, or the outcome of the call does not matter, FACTSTR_CONNECTION_LOST becomes
 * FACTSTR_NOT_CONNECTED.  Returns the code.
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
 * Calls a function in the transaction of the lease's delivery, which continues as it was if the call
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

/*
 * logs.c
 */
int			fs_postgres_logs(fs_backend *backend, fs_log_list *logs, factstr_error *error);
int			fs_postgres_create_log(fs_backend *backend, const char *log, factstr_error *error);
int			fs_postgres_seal_log(fs_backend *backend, const char *log, bool *was_open,
								 factstr_error *error);
int			fs_postgres_drop_log(fs_backend *backend, const char *log, const char *confirmation,
								 uint64_t *dropped_facts, factstr_error *error);

#endif							/* FACTSTR_STORES_POSTGRES_BACKEND_H */
