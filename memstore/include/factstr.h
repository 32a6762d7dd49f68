/*
 * factstr.h
 *		libfactstr: a fact-based event store on memory, a SQLite file, or PostgreSQL.
 *
 * Facts are immutable and go into one ordered log without gaps.  A decision reads the facts that
 * matter to it, and appends its own only if nothing matching came in between.  Committed batches
 * are delivered to streams, which never miss, repeat or reorder one.
 *
 *		factstr_store *store;
 *		factstr_error error;
 *		factstr_event event = {.event_type = "account-opened",
 *							   .payload = "{\"account\": \"A-1\"}"};
 *		factstr_append_result result;
 *
 *		if (factstr_open("sqlite:facts.db", &store, &error) != FACTSTR_OK ||
 *			factstr_append(store, &event, 1, NULL, &result, &error) != FACTSTR_OK)
 *			fprintf(stderr, "%s\n", error.message);
 *		factstr_close(store);
 *
 * Conventions
 *
 * Functions return FACTSTR_OK (0) or one of the negative codes below.  Where there is a parameter
 * "error", it may be NULL; otherwise it is filled on every failure and left alone on success.  On
 * failure, output parameters are NULL or zero, and nothing is stored, delivered or leaked.
 *
 * JSON crosses this interface as NUL-terminated UTF-8 text.  Event queries, predicates and
 * everything else about matching are described in docs/sql-reference.md; an event query given as
 * NULL asks for every fact.  Sequence numbers begin with 1, so 0 stands for "none" wherever a
 * function returns one.  Times are microseconds since 1970-01-01 00:00:00 UTC.
 *
 * Threads: a store may be used by any number of threads at the same time.  A result, a cursor or an
 * error belongs to one thread at a time.  A store does not survive fork: open it in the process
 * that uses it.
 *
 * Signals are left alone, except that the threads of the library block all of them.
 */
#ifndef FACTSTR_H
#define FACTSTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && __GNUC__ >= 4
#define FACTSTR_API __attribute__((visibility("default")))
#else
#define FACTSTR_API
#endif

/*
 * Codes: CODE(NAME, number, "name in JSON", "SQLSTATE of the extension", "what it means").
 *
 * The first seven are the contract's typed errors and have their SQLSTATE in the extension.
 */
#define FACTSTR_CODES(CODE) \
	CODE(CONFLICT, -1, "conditional_append_conflict", "FS001", \
		 "the context has changed since it was read") \
	CODE(EMPTY_APPEND, -2, "empty_append", "FS002", \
		 "an append requires at least one event") \
	CODE(STREAM_QUERY_DIFFERS, -3, "stream_query_differs", "FS003", \
		 "the durable stream exists with a different query") \
	CODE(STREAM_ACTIVE, -4, "stream_already_active", "FS004", \
		 "the durable stream has an active consumer") \
	CODE(NO_SUCH_STREAM, -5, "no_such_stream", "FS005", \
		 "no durable stream has this name") \
	CODE(IDEMPOTENCY_KEY_REUSED, -6, "idempotency_key_reused", "FS006", \
		 "the idempotency key was used for other events") \
	CODE(WAIT_TIMED_OUT, -7, "wait_timed_out", "FS007", \
		 "the stream has not got to the fact in time") \
	CODE(MALFORMED, -8, "malformed_input", "22023", \
		 "the input is not what it must be; the message names the place") \
	CODE(MISUSE, -9, "misuse", "", \
		 "the call is not allowed here, or an argument that is required is NULL") \
	CODE(NO_MEMORY, -10, "out_of_memory", "", \
		 "an allocation failed") \
	CODE(CANNOT_OPEN, -11, "cannot_open", "", \
		 "the URL is not understood, or what it names cannot be opened") \
	CODE(INCOMPATIBLE, -12, "incompatible_store", "", \
		 "the store is not factstr's, or was made by a newer version; it is left untouched") \
	CODE(BUSY, -13, "busy", "", \
		 "another process held the store for longer than the busy timeout") \
	CODE(STORAGE, -14, "storage_failure", "", \
		 "the storage failed: a full disk, an input or output error, an error of the server") \
	CODE(CONNECTION_LOST, -15, "connection_lost", "", \
		 "the connection broke; whether an append was committed is unknown, repeat it with its " \
		 "idempotency key") \
	CODE(HANDLER_FAILED, -16, "handler_failed", "", \
		 "the handler of a stream failed; its batch will be delivered again") \
	CODE(UNSUPPORTED, -17, "unsupported", "", \
		 "this store cannot do that")

typedef enum factstr_code
{
	FACTSTR_OK = 0,
#define FACTSTR_CODE_ENUM(NAME, number, json, sqlstate, text) FACTSTR_##NAME = number,
	FACTSTR_CODES(FACTSTR_CODE_ENUM)
#undef FACTSTR_CODE_ENUM
} factstr_code;

/* The caller's, on the stack or wherever; no function keeps a pointer to one. */
typedef struct factstr_error
{
	int			code;			/* a factstr_code */
	char		message[512];	/* one line, lower case, no period; never holds a payload */
	char		detail[256];	/* where and what was expected, a sentence; may be empty */
	char		hint[256];		/* what to do about it, a sentence; may be empty */

	/* For FACTSTR_CONFLICT: versions of the context, 0 for "empty". */
	uint64_t	expected_context_version;
	uint64_t	actual_context_version;
} factstr_error;

/*
 * "conditional_append_conflict" and the like, "ok" for 0, "unknown" for what is no code.  Static
 * storage.
 */
FACTSTR_API const char *factstr_code_name(int code);

/* What a code means, in English.  Static storage. */
FACTSTR_API const char *factstr_code_text(int code);

/* The SQLSTATE that the extension gives the same error; empty if it has none.  Static storage. */
FACTSTR_API const char *factstr_code_sqlstate(int code);

/* The version of the library, such as "0.2.0".  Static storage. */
FACTSTR_API const char *factstr_version(void);

/*
 * Stores
 */

typedef struct factstr_store factstr_store;

/*
 * Opens a store.  url is one of
 *
 *		memory:						a new, empty store that lives until it is closed
 *		sqlite:PATH					a SQLite file, made if it does not exist
 *		postgresql://...			a PostgreSQL database with the extension; any URI of libpq's
 *		postgres://...				the same
 *
 * Options follow a "?", in PATH write %3F for a question mark and %25 for a percent sign:
 *
 *		sqlite:PATH?busy_timeout=MS	how long to wait for other processes, 10000 by default
 *
 * On success *store is new, and is closed with factstr_close.  Errors: FACTSTR_CANNOT_OPEN,
 * FACTSTR_INCOMPATIBLE (a file or database that is not factstr's or is newer; nothing in it is
 * changed), FACTSTR_BUSY, FACTSTR_STORAGE, FACTSTR_NO_MEMORY.
 */
FACTSTR_API int factstr_open(const char *url, factstr_store **store, factstr_error *error);

/*
 * Closes a store and frees it: ends its streams, waits for handlers that are running, and returns
 * when no thread of the library is left.  Handles of its streams stay valid until
 * factstr_stream_free; cursors must have been closed.  NULL is harmless.
 *
 * FACTSTR_MISUSE if called from a handler of this store, which would wait for itself: the store
 * then stays as it is.
 */
FACTSTR_API int factstr_close(factstr_store *store);

/*
 * Appending
 */

/* One event to be appended.  All texts are the caller's, and needed only during the call. */
typedef struct factstr_event
{
	const char *event_type;		/* not empty, at most 2000 bytes */
	const char *payload;		/* any JSON value */
	const char *metadata;		/* a JSON object, or NULL; stored and delivered, never matched */
} factstr_event;

typedef struct factstr_append_result
{
	uint64_t	first_sequence_number;
	uint64_t	last_sequence_number;
	uint64_t	committed_count;
} factstr_append_result;

/*
 * Appends the events as one batch: consecutive numbers, all or nothing, on disk when the call
 * returns.
 *
 * idempotency_key, if not NULL, is a text of 1 to 2000 bytes that makes the call repeatable: the
 * first commit with a key is remembered for good.  A later call with the same key and equal events
 * stores nothing and returns the first result; with other events it is
 * FACTSTR_IDEMPOTENCY_KEY_REUSED.  result may be NULL.
 *
 * Errors: FACTSTR_EMPTY_APPEND, FACTSTR_MALFORMED, FACTSTR_IDEMPOTENCY_KEY_REUSED, and those of the
 * storage.  After FACTSTR_CONNECTION_LOST the outcome is unknown; a call with a key is repeated by
 * the library itself first.
 */
FACTSTR_API int factstr_append(factstr_store *store, const factstr_event *events, size_t count,
							   const char *idempotency_key, factstr_append_result *result,
							   factstr_error *error);

/*
 * The same, if the version of the context of context_query equals *expected_context_version; a NULL
 * pointer means "the context is empty".  Otherwise FACTSTR_CONFLICT, with both versions in *error,
 * and nothing is stored. min_sequence_number in the query has no influence.  Input is checked
 * first.
 */
FACTSTR_API int factstr_append_if(factstr_store *store, const factstr_event *events, size_t count,
								  const char *context_query,
								  const uint64_t *expected_context_version,
								  const char *idempotency_key, factstr_append_result *result,
								  factstr_error *error);

/*
 * Querying
 */

/* One stored fact.  Texts belong to whatever the fact is part of. */
typedef struct factstr_fact
{
	uint64_t	sequence_number;
	int64_t		occurred_at;	/* microseconds since 1970-01-01 UTC */
	const char *event_type;
	const char *payload;		/* JSON equal to what was appended */
	const char *metadata;		/* JSON, or NULL */
} factstr_fact;

/* The room that factstr_format_time needs, its NUL included. */
#define FACTSTR_TIME_SIZE 32

/*
 * Writes a time as event records have it: 2026-01-31T08:15:30.123456Z.  Returns text, which must
 * have room for FACTSTR_TIME_SIZE bytes.
 */
FACTSTR_API char *factstr_format_time(int64_t occurred_at, char *text);

/* A query's answer: everything of one moment. */
typedef struct factstr_query_result
{
	size_t		fact_count;
	const factstr_fact *facts;	/* ascending */
	uint64_t	last_returned_sequence_number;	/* 0: no facts returned */

	/* Of the whole context, whatever min_sequence_number; 0: it is empty. */
	uint64_t	current_context_version;
} factstr_query_result;

/*
 * Finds the facts that match.  All of them are in memory at once; for many use a cursor.  On
 * success *result is new, and is freed with factstr_query_result_free, which takes NULL too.
 * Errors: FACTSTR_MALFORMED and those of the storage.
 */
FACTSTR_API int factstr_query(factstr_store *store, const char *event_query,
							  factstr_query_result **result, factstr_error *error);
FACTSTR_API void factstr_query_result_free(factstr_query_result *result);

/* The highest sequence number in the context of the query, 0 if it is empty, in *version. */
FACTSTR_API int factstr_context_version(factstr_store *store, const char *event_query,
										uint64_t *version, factstr_error *error);

typedef struct factstr_cursor factstr_cursor;

typedef struct factstr_read_options
{
	uint64_t	max_count;		/* 0: no limit */
	bool		backwards;		/* the newest fact first */
} factstr_read_options;

/*
 * Opens a cursor over the facts that match and are in the log now; facts appended later do not show
 * up in it.  Its memory does not grow with the log, it holds no lock and no transaction between
 * calls.  options may be NULL.  Close it before the store.
 */
FACTSTR_API int factstr_read_open(factstr_store *store, const char *event_query,
								  const factstr_read_options *options, factstr_cursor **cursor,
								  factstr_error *error);

/*
 * The next fact in *fact, NULL at the end.  It belongs to the cursor, and is valid until the next
 * call with it.  After an error the same fact may be asked for again.
 */
FACTSTR_API int factstr_read_next(factstr_cursor *cursor, const factstr_fact **fact,
								  factstr_error *error);
FACTSTR_API void factstr_read_close(factstr_cursor *cursor);

/*
 * Batches
 */

/*
 * One committed batch: all of it in an export, those of its facts that match in a delivery or a
 * filtered read.
 */
typedef struct factstr_batch
{
	uint64_t	first_sequence_number;	/* of the whole batch */
	uint64_t	last_sequence_number;
	size_t		fact_count;
	const factstr_fact *facts;
	const char *idempotency_key;	/* in exports and imports; NULL: it has none */
	void	   *transaction;	/* in transactional deliveries; see factstr_stream_options */
} factstr_batch;

typedef struct factstr_batch_list
{
	size_t		count;
	const factstr_batch *batches;
} factstr_batch_list;

/*
 * The first max_batches committed batches after a position that hold a match.  To go on, pass the
 * last last_sequence_number of the list; an empty list means that there are none yet.  On success
 * *list is new, and is freed with factstr_batch_list_free, which takes NULL too.
 */
FACTSTR_API int factstr_batches(factstr_store *store, const char *event_query,
								uint64_t after_sequence_number, size_t max_batches,
								factstr_batch_list **list, factstr_error *error);
FACTSTR_API void factstr_batch_list_free(factstr_batch_list *list);

/* The same, of every fact, with the idempotency keys: what factstr_import takes. */
FACTSTR_API int factstr_export(factstr_store *store, uint64_t after_sequence_number,
							   size_t max_batches, factstr_batch_list **list, factstr_error *error);

/*
 * Takes over batches of another log as they are: numbers, times, batches and keys.  Together all or
 * nothing.  The first must continue this log without a gap, and each the one before, otherwise it
 * is FACTSTR_MALFORMED; so an import that broke off goes on after the newest fact that is there.
 * Streams get the batches like any other.
 */
FACTSTR_API int factstr_import(factstr_store *store, const factstr_batch *batches, size_t count,
							   factstr_error *error);

/*
 * Streams
 *
 * Every stream has a thread of its own, which calls its handler with one committed batch after the
 * other, in order, filtered by the query; batches without a match are not delivered.  Batches of
 * other processes are delivered too.
 *
 * A handler that fails gets the same batch again after a pause, which grows from a quarter of a
 * second to a minute; it never gets a later one first.  Other streams notice nothing.  A handler
 * may append, query, subscribe and unsubscribe, its own stream too; it must not close the store.
 */
typedef struct factstr_stream factstr_stream;

/*
 * Takes one batch, which is valid during the call.  Returns 0 for success, anything else for
 * failure.
 */
typedef int (*factstr_handler) (const factstr_batch *batch, void *context);

/*
 * Delivers what is appended from now on.  context is passed to the handler and must live until
 * factstr_stream_free has returned.  On success *stream is new, and is set before the stream's
 * thread calls the handler; end it with factstr_stream_unsubscribe and factstr_stream_free.
 * Errors: FACTSTR_MALFORMED (min_sequence_number is not allowed), and those of the storage.
 */
FACTSTR_API int factstr_stream_all(factstr_store *store, factstr_handler handler, void *context,
								   factstr_stream **stream, factstr_error *error);
FACTSTR_API int factstr_stream_to(factstr_store *store, const char *event_query,
								  factstr_handler handler, void *context,
								  factstr_stream **stream, factstr_error *error);

/* Where a new durable stream begins.  One that exists goes on after its cursor. */
typedef enum factstr_stream_start
{
	FACTSTR_FROM_FIRST,			/* with the first fact */
	FACTSTR_FROM_NOW			/* with the first fact after it was made */
} factstr_stream_start;

typedef struct factstr_stream_options
{
	factstr_stream_start start;

	/*
	 * How long to wait, in ms, while another consumer has the stream, before it is
	 * FACTSTR_STREAM_ACTIVE; negative: for as long as it takes.
	 */
	int64_t		wait;

	/*
	 * Each delivery has a transaction of the store's database around it, in which the cursor moves
	 * too: what the handler writes there is committed exactly once, or not at all.  The transaction
	 * is batch->transaction, a "sqlite3 *" or "PGconn *", which the handler must neither commit nor
	 * roll back; while it has one it must not append through the library (FACTSTR_MISUSE).  The
	 * memory store has none: FACTSTR_UNSUPPORTED.
	 */
	bool		transactional;
} factstr_stream_options;

/*
 * Opens a durable stream: a name, a query and a cursor that are kept in the store.  A new one
 * begins with the first fact; one that exists goes on strictly after its cursor, which moves to the
 * end of a batch when the handler has succeeded.
 *
 * What is already in the store is delivered first, on the caller's thread, before the call returns;
 * if the handler fails there, the call fails with FACTSTR_HANDLER_FAILED and the cursor stays
 * before the failed batch.  From then on batches come on the library's threads.
 *
 * A name has one consumer at a time, over all processes; that of a process that died is free at
 * once.  While a stream pauses after a failure, another consumer may take it over: then this one
 * ends without another delivery.
 *
 * options may be NULL: from the first fact, no waiting.  Errors: FACTSTR_STREAM_QUERY_DIFFERS
 * (compared as queries, not as text), FACTSTR_STREAM_ACTIVE, FACTSTR_HANDLER_FAILED,
 * FACTSTR_MALFORMED, and those of the storage.
 */
FACTSTR_API int factstr_stream_all_durable(factstr_store *store, const char *name,
										   const factstr_stream_options *options,
										   factstr_handler handler, void *context,
										   factstr_stream **stream, factstr_error *error);
FACTSTR_API int factstr_stream_to_durable(factstr_store *store, const char *name,
										  const char *event_query,
										  const factstr_stream_options *options,
										  factstr_handler handler, void *context,
										  factstr_stream **stream, factstr_error *error);

/*
 * Ends a stream: no delivery begins after this has returned.  It waits for nobody, and calling it
 * again does no harm.  The cursor of a durable stream stays.  Its name can be opened again through
 * the same store as soon as no handler runs, and by everybody when the stream's thread has given it
 * up, which is before factstr_stream_free returns.  NULL is harmless.
 */
FACTSTR_API void factstr_stream_unsubscribe(factstr_stream *stream);

/*
 * Unsubscribes if that has not been done, waits for the stream's handler if it is running, and
 * frees the handle.  NULL is harmless.
 *
 * In one case it does not wait, because that would never end, and the rest happens when the handler
 * has returned: when it is called from that handler itself, or from a handler that that one is
 * waiting for in factstr_stream_free, be it through others.  So of two handlers that free each
 * other's streams at the same time, the first to do so waits for the second one to return.  From
 * any handler it waits for the other handler only, and the name may be given up a little later.
 */
FACTSTR_API void factstr_stream_free(factstr_stream *stream);

/*
 * Is the stream still going to deliver?  FACTSTR_OK; or FACTSTR_HANDLER_FAILED or an error of the
 * storage, while it pauses after that; or FACTSTR_STREAM_ACTIVE or FACTSTR_NO_SUCH_STREAM when it
 * has ended because the durable stream was taken over or dropped; or FACTSTR_MISUSE when it was
 * unsubscribed.  *error has the words.
 */
FACTSTR_API int factstr_stream_state(factstr_stream *stream, factstr_error *error);

/*
 * Durable streams from outside
 */

typedef struct factstr_stream_status
{
	const char *name;
	const char *event_query;	/* JSON */
	uint64_t	cursor_sequence_number;
	uint64_t	head_sequence_number;	/* of the log */
	uint64_t	lag_facts;		/* facts after the cursor, matching or not */
	int64_t		lag_time;		/* the age of the first of them, in microseconds; 0: none */
	int64_t		last_success_at;	/* when the cursor moved last; 0 if never */
	uint32_t	failure_count;	/* in a row */
	const char *last_error;		/* NULL if there was none */
	int64_t		last_failed_at; /* 0 if never */
	int64_t		retry_at;		/* 0 if it does not pause */
	bool		active;			/* a consumer has it now */
} factstr_stream_status;

typedef struct factstr_stream_status_list
{
	size_t		count;
	const factstr_stream_status *streams;	/* ordered by name, byte by byte */
} factstr_stream_status_list;

/*
 * All durable streams.  On success *list is new, and is freed with factstr_stream_status_list_free,
 * which takes NULL too.
 */
FACTSTR_API int factstr_streams(factstr_store *store, factstr_stream_status_list **list,
								factstr_error *error);
FACTSTR_API void factstr_stream_status_list_free(factstr_stream_status_list *list);

/*
 * Lets a durable stream go on after another fact, 0 for the beginning.  Errors:
 * FACTSTR_NO_SUCH_STREAM, FACTSTR_STREAM_ACTIVE, FACTSTR_MALFORMED (a position beyond the newest
 * fact).
 */
FACTSTR_API int factstr_stream_seek(factstr_store *store, const char *name,
									uint64_t sequence_number, factstr_error *error);

/* Forgets a durable stream.  Errors: FACTSTR_NO_SUCH_STREAM, FACTSTR_STREAM_ACTIVE. */
FACTSTR_API int factstr_stream_drop(factstr_store *store, const char *name, factstr_error *error);

/*
 * Returns when the cursor of the durable stream has got to the fact, for reading one's own writes;
 * FACTSTR_WAIT_TIMED_OUT if it has not within timeout ms; negative: no limit.  Not from the handler
 * of that stream, which would wait for itself.
 */
FACTSTR_API int factstr_wait(factstr_store *store, uint64_t sequence_number, const char *stream,
							 int64_t timeout, factstr_error *error);

/*
 * The JSON boundary, for adapters in other languages: the same calls with whole requests and
 * results as JSON documents, and no structs to be declared again.
 *
 * *result is always set on return (NULL only when out of memory), and is freed with
 * factstr_json_free.  It is
 *
 *		on FACTSTR_OK			the result document, described with each function
 *		on FACTSTR_CONFLICT		{"expected_context_version": 3, "actual_context_version": 7},
 *								with null for an empty context
 *		on any other code		{"code": "malformed_input", "message": "..."}, and "detail" and
 *								"hint" if there are any
 *
 * An event record is {"sequence_number": 1, "occurred_at": "2026-01-31T08:15:30.123456Z",
 * "event_type": "...", "payload": ...}, and "metadata" if the fact has it.
 */

/*
 * events: [{"event_type": "...", "payload": ..., "metadata": {...}}, ...]; metadata may be left
 * out, no other key is allowed.  Result: {"first_sequence_number": 1, "last_sequence_number": 2,
 * "committed_count": 2}.
 */
FACTSTR_API int factstr_json_append(factstr_store *store, const char *events,
									const char *idempotency_key, char **result);
FACTSTR_API int factstr_json_append_if(factstr_store *store, const char *events,
									   const char *context_query,
									   const uint64_t *expected_context_version,
									   const char *idempotency_key, char **result);

/*
 * Result: {"event_records": [...], "last_returned_sequence_number": n or null,
 * "current_context_version": n or null}.
 */
FACTSTR_API int factstr_json_query(factstr_store *store, const char *event_query, char **result);

/*
 * Takes one committed batch, as a JSON array of event records; returns 0 for success, anything else
 * for failure.
 */
typedef int (*factstr_json_handler) (const char *event_records, void *context);

FACTSTR_API int factstr_json_stream_all(factstr_store *store, factstr_json_handler handler,
										void *context, factstr_stream **stream,
										factstr_error *error);
FACTSTR_API int factstr_json_stream_to(factstr_store *store, const char *event_query,
									   factstr_json_handler handler, void *context,
									   factstr_stream **stream, factstr_error *error);
FACTSTR_API int factstr_json_stream_all_durable(factstr_store *store, const char *name,
												factstr_json_handler handler, void *context,
												factstr_stream **stream, factstr_error *error);
FACTSTR_API int factstr_json_stream_to_durable(factstr_store *store, const char *name,
											   const char *event_query,
											   factstr_json_handler handler, void *context,
											   factstr_stream **stream, factstr_error *error);

/*
 * Result: an array of objects with the members of factstr_stream_status; the query as JSON, times
 * as text or null, the lag's time in seconds.
 */
FACTSTR_API int factstr_json_streams(factstr_store *store, char **result);

FACTSTR_API void factstr_json_free(char *result);

#ifdef __cplusplus
}
#endif

#endif							/* FACTSTR_H */
