/*
 * factstr.h
 *		libfactstr: a fact-based event store in memory, in a SQLite file, or in PostgreSQL.
 *
 * Facts are immutable and go into one ordered log without gaps.  A decision reads the facts that match
 * its query, and appends its own facts only if no matching fact was appended meanwhile.  Streams deliver
 * the committed batches, and never miss, repeat or reorder one.
 *
 *		factstr_store *store;
 *		factstr_error error;
 *		factstr_event event = {.event_type = "account-opened",
 *							   .payload = "{\"account\": \"A-1\"}"};
 *
 *		if (factstr_open("sqlite:facts.db", &store, &error) != FACTSTR_OK ||
 *			factstr_append(store, &event, 1, NULL, NULL, &error) != FACTSTR_OK)
 *			fprintf(stderr, "%s\n", error.message);
 *		factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
 *
 * The parts of this file: conventions; codes and errors; stores; appending; querying; batches;
 * redaction; streams; durable streams from outside; logs; the JSON boundary, for other languages.
 *
 * Conventions
 *
 * Return values.  A function returns FACTSTR_OK (0) or one of the negative codes below.  Each function
 * lists its own errors.  Every function can also return FACTSTR_MISUSE, FACTSTR_NO_MEMORY,
 * FACTSTR_CLOSED and FACTSTR_INTERRUPTED.  "Storage errors" are FACTSTR_BUSY, FACTSTR_STORAGE,
 * FACTSTR_CONNECTION_LOST, FACTSTR_NOT_CONNECTED, FACTSTR_PERMISSION_DENIED, FACTSTR_INCOMPATIBLE,
 * FACTSTR_NO_SUCH_LOG and, for every function that writes, FACTSTR_READ_ONLY; for one that appends or imports,
 * FACTSTR_LOG_SEALED.
 *
 * The parameter "error" may be NULL.  Otherwise every failure fills it, and success leaves it alone.
 * On failure, output parameters are NULL or zero, and nothing is stored, delivered or leaked.
 *
 * Text is NUL-terminated UTF-8.  JSON crosses this interface as text.  docs/sql-reference.md describes
 * event queries and how they match.  An event query of NULL matches every fact.
 *
 * Sequence numbers begin with 1.  Functions return 0 for "none".
 *
 * Times.  A point in time is an int64_t, in microseconds since 1970-01-01 00:00:00 UTC, and its name
 * ends in _at.  The name of a duration ends in its unit, _ms or _us.
 *
 * Waiting.  Every function that may wait takes a timeout_ms with the same meaning: 0 does not wait, a
 * positive number is the longest wait in milliseconds, and a negative number waits without limit.
 *
 * Ownership.  Arguments stay the caller's, and are needed only during the call, unless the function says
 * otherwise.  The documentation of each function names the function that frees its result.  Functions that
 * free accept NULL.
 *
 * Threads.  Any number of threads may use a store at the same time.  A result, a cursor or an error
 * belongs to one thread at a time.  Any call may return FACTSTR_CLOSED while another thread closes the
 * store, and FACTSTR_INTERRUPTED after factstr_interrupt.
 *
 * Processes.  A store belongs to the process that opened it.  In a child that is forked without exec, every call
 * with the store or its streams, including factstr_close, returns FACTSTR_MISUSE, and releases nothing.  Open
 * the store in the process that uses it.  A child must not open a SQLite file that its parent has open,
 * since SQLite would take the parent's locks for its own.
 *
 * Signals.  The library installs no handlers.  Its threads block all signals.
 *
 * Structs.  A program and its library may have been built with different versions of this header.
 *
 * Options begin with their size.  Initialize them with their macro, such as FACTSTR_STREAM_OPTIONS_INIT, or
 * with .size = sizeof(factstr_stream_options) and designated initializers.  NULL means the
 * defaults.  A newer library uses the defaults of options that the program does not know; an older library
 * rejects an option that it does not know only if the option is set.  A size of 0 is FACTSTR_MISUSE, and so
 * is a member that is set but has no meaning together with the others.
 *
 * Structs in arrays, and structs that the library writes into the caller's memory, never change their
 * length, since both sides count on it.  Later versions use their reserved members.  These must be
 * 0: the library sets them to 0, and so does "{.event_type = ...}" or "{0}".  An argument with any
 * other value is FACTSTR_MISUSE.
 *
 * Later versions may add members at the end of results that the library allocates one at a time
 * (factstr_query_result and the lists), so do not copy them.
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
 * Codes and errors
 *
 * CODE(NAME, number, "name in JSON", "SQLSTATE of the extension", "what it means").
 *
 * The first nine are the typed errors of the contract, with the SQLSTATE of the same error in the extension.
 * A few others have a SQLSTATE of PostgreSQL.
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
		 "the timeout of a wait ended before its condition was true") \
	CODE(NO_SUCH_LOG, -23, "no_such_log", "FS008", \
		 "the database has no log of this name") \
	CODE(LOG_SEALED, -24, "log_sealed", "FS009", \
		 "nothing can be appended to the log any more") \
	CODE(LOG_EXISTS, -25, "log_exists", "42710", \
		 "the database already has a log of this name") \
	CODE(MALFORMED, -8, "malformed_input", "22023", \
		 "the input is malformed; the message names the place") \
	CODE(MISUSE, -9, "misuse", "", \
		 "the call is not allowed here, or a required argument is NULL") \
	CODE(NO_MEMORY, -10, "out_of_memory", "", \
		 "an allocation failed") \
	CODE(CANNOT_OPEN, -11, "cannot_open", "", \
		 "the URL is invalid, or the file that it names cannot be opened") \
	CODE(INCOMPATIBLE, -12, "incompatible_store", "", \
		 "the file or database is not a store of factstr, or a newer version created it; it is unchanged") \
	CODE(BUSY, -13, "busy", "", \
		 "a transaction elsewhere held the store for longer than the busy timeout") \
	CODE(STORAGE, -14, "storage_failure", "", \
		 "the storage failed: a full disk, an input or output error, an error of the server") \
	CODE(CONNECTION_LOST, -15, "connection_lost", "", \
		 "the connection broke; it is unknown whether an append was committed: repeat it with its " \
		 "idempotency key") \
	CODE(HANDLER_FAILED, -16, "handler_failed", "", \
		 "the handler of a stream failed; its batch will be delivered again") \
	CODE(UNSUPPORTED, -17, "unsupported", "", \
		 "this store does not support the call") \
	CODE(CLOSED, -18, "closed", "", \
		 "the store is being closed; the call has done nothing") \
	CODE(INTERRUPTED, -19, "interrupted", "", \
		 "factstr_interrupt ended the call; nothing happened after that") \
	CODE(NOT_CONNECTED, -20, "not_connected", "08001", \
		 "there is no connection to the server; an append has stored nothing, and any call can be " \
		 "repeated") \
	CODE(PERMISSION_DENIED, -21, "permission_denied", "42501", \
		 "the role does not have the required right; the message names it") \
	CODE(READ_ONLY, -22, "read_only", "25006", \
		 "the store can only be read")

typedef enum factstr_code
{
	FACTSTR_OK = 0,
#define FACTSTR_CODE_ENUM(NAME, number, json, sqlstate, text) FACTSTR_##NAME = number,
	FACTSTR_CODES(FACTSTR_CODE_ENUM)
#undef FACTSTR_CODE_ENUM
} factstr_code;

/* An error, in memory of the caller.  No function keeps a pointer to it, and nothing in it has to be freed. */
typedef struct factstr_error
{
	int			code;			/* a factstr_code */
	char		message[512];	/* one line, lower case, no period; never contains a payload */
	char		detail[256];	/* a sentence about the place and the expected form; may be empty */
	char		hint[256];		/* a sentence with advice; may be empty */

	/* For FACTSTR_CONFLICT: the condition of the append, and the version of the context; 0: it is empty. */
	uint64_t	expected_context_version;
	uint64_t	actual_context_version;
	uint64_t	after_sequence_number;
	uint64_t	reserved[3];
} factstr_error;

/*
 * The name of a code in JSON, such as "conditional_append_conflict"; "ok" for 0, "unknown" for any other
 * number.  Static storage, any thread.
 */
FACTSTR_API const char *factstr_code_name(int code);

/* The meaning of a code, in English.  Static storage, any thread. */
FACTSTR_API const char *factstr_code_text(int code);

/* The SQLSTATE of the same error in the server; empty if it has none.  Static storage, any thread. */
FACTSTR_API const char *factstr_code_sqlstate(int code);

/*
 * Fills an error, which may be NULL, with a code and a message, and returns the code.  A message that is too
 * long is cut.  For handlers in languages that do not declare the struct.
 */
FACTSTR_API int factstr_error_set(factstr_error *error, int code, const char *message);

/* The version of the library, such as "0.2.0".  Static storage, any thread. */
FACTSTR_API const char *factstr_version(void);

/*
 * Stores
 */

typedef struct factstr_store factstr_store;

/*
 * Opens a store.  url names the store and its options:
 *
 *		memory:						a new, empty store that exists until it is closed
 *		sqlite:PATH					a SQLite file, created if it does not exist
 *		postgresql://...			a PostgreSQL database with the extension; any URI of libpq
 *		postgres://...				the same
 *
 * Options follow a "?", separated by "&".  In PATH, write %3F for a question mark and %25 for a percent
 * sign.  A URI of libpq takes libpq's options, and this one, which libpq does not see:
 *
 *		factstr_log=NAME			the log of the database; "main" by default.  If it does not exist:
 *									FACTSTR_NO_SUCH_LOG; factstr_create_log creates it.
 *
 * A store works on one log.  Appending to a sealed log, or importing into it, is FACTSTR_LOG_SEALED.  When the
 * log is dropped, calls return FACTSTR_NO_SUCH_LOG and streams end.  A store in memory or in a SQLite file is
 * a single log.
 *
 * A SQLite file takes these options:
 *
 *		busy_timeout_ms=MS			how long to wait for other processes; 10000 by default
 *		cache_size_kb=KB			the part of the file that each connection, and each of up to 16 idle
 *									readers, keeps in memory; 16384 by default
 *		mode=rwc					create the store if it does not exist; the default
 *		mode=rw						the store must exist, otherwise FACTSTR_CANNOT_OPEN
 *		mode=ro						only read: calls that write are FACTSTR_READ_ONLY
 *
 * If the file exists, but it or its directory is not writable, the store is read-only as well.  Then the
 * library creates no files next to it, and a call may return FACTSTR_BUSY while another process writes the
 * file for the first time.
 *
 * Write special characters in a user, a password or the name of a database with percent signs.  No message
 * quotes a password, or a part of one.
 *
 * On success *store is new; close it with factstr_close.
 *
 * Errors: FACTSTR_CANNOT_OPEN, storage errors.  A file or database that is not a store of factstr, or is newer
 * than the library, is FACTSTR_INCOMPATIBLE and stays unchanged.
 */
FACTSTR_API int factstr_open(const char *url, factstr_store **store, factstr_error *error);

/* A timeout_ms for factstr_close that suits most programs. */
#define FACTSTR_CLOSE_TIMEOUT_MS 5000

/*
 * Closes a store and frees it.  Ends the calls of other threads, delivers the facts committed so far
 * through this store to its streams, waits for running handlers, and returns when no call and no thread of
 * the library is left.  NULL is harmless.
 *
 * timeout_ms limits the deliveries.  A handler that fails meanwhile is called again only if its pause
 * ends in time.
 *
 * A call in progress completes if that does not take long; an append, for example, once it no longer waits for
 * others.  A call that waits, or searches many facts, fails with FACTSTR_CLOSED, and so does a call that begins
 * before the store is freed.  Calls of a handler still work until it returns, but it cannot wait for a stream.
 *
 * No call may begin after this has returned, except factstr_stream_close for the streams and
 * factstr_read_close for the cursors of the store.
 *
 * Errors: FACTSTR_WAIT_TIMED_OUT if a stream did not finish in time.  The store is closed all the
 * same, and a durable stream continues when it is opened again.  The call does nothing and returns
 * FACTSTR_MISUSE in a handler of this store, which would wait for itself, and FACTSTR_CLOSED if another thread is
 * closing the store.
 */
FACTSTR_API int factstr_close(factstr_store *store, int64_t timeout_ms);

/*
 * Ends the calls in progress, including those of handlers.  A call that waits for a stream, a name, a lock or the
 * server, or searches many facts, returns FACTSTR_INTERRUPTED within a fraction of a second.  An append
 * that returns it has stored nothing; a durable stream that was being opened is not open, and its cursor is
 * after the last delivered batch.  Later calls and open streams continue.
 *
 * Any thread and any signal handler may call it, as long as the store is not freed.  NULL is harmless.
 */
FACTSTR_API void factstr_interrupt(factstr_store *store);

/* Is the call to be interrupted? */
typedef bool (*factstr_interrupt_check) (void *context);

/*
 * Sets a function that calls of this thread use, with any store, to check whether they must end: several
 * times a second while they wait, and for each fact that they search.  If it returns true, the call
 * returns FACTSTR_INTERRUPTED, as after factstr_interrupt; other threads are not affected.  It is meant
 * for languages that handle signals on one thread and only between calls.  The function must be fast,
 * and must not call a function of this header.  It stays until it is replaced, or the thread ends; NULL
 * removes it.
 */
FACTSTR_API void factstr_set_interrupt_check(factstr_interrupt_check check, void *context);

/*
 * Appending
 */

/* An event to append. */
typedef struct factstr_event
{
	const char *event_type;		/* 1 to 2000 bytes */
	const char *payload;		/* any JSON value */
	const char *metadata;		/* a JSON object, or NULL; stored and delivered, never matched */
	uint64_t	reserved[2];	/* 0 */
} factstr_event;

/* The condition of an append on its context, that is, on the facts that match a query. */
typedef enum factstr_append_condition
{
	FACTSTR_APPEND_ALWAYS,		/* none */
	FACTSTR_APPEND_IF,			/* the version of the context equals expected_context_version */
	FACTSTR_APPEND_UNLESS		/* no fact of the context has a number above after_sequence_number */
} factstr_append_condition;

typedef struct factstr_append_options
{
	size_t		size;			/* of this struct, in bytes */

	/*
	 * A text of 1 to 2000 bytes that makes the call repeatable, or NULL.  The first commit with a key is
	 * kept forever.  A later call with the same key and equal events (types and payloads; metadata is
	 * not compared) stores nothing and returns the first result, even if its context has changed
	 * since.  With different events it is FACTSTR_IDEMPOTENCY_KEY_REUSED.
	 */
	const char *idempotency_key;

	/*
	 * If the condition is not met, the append is FACTSTR_CONFLICT and stores nothing; *error has the number of the
	 * condition and the version of the context.
	 *
	 * FACTSTR_APPEND_IF suits a decision that has queried its context: pass the current_context_version
	 * of the query; 0 expects an empty context.
	 *
	 * FACTSTR_APPEND_UNLESS is the append condition of the DCB specification
	 * (https://dcb.events/specification/), for callers that know the log up to a position inside or
	 * outside the context; 0 is before the first fact.  A number beyond the end of the log is
	 * FACTSTR_MALFORMED, because it comes from another log.
	 */
	factstr_append_condition condition;
	const char *context_query;	/* NULL: every fact.  Its "after" has no effect */
	uint64_t	expected_context_version;	/* only for FACTSTR_APPEND_IF */
	uint64_t	after_sequence_number;	/* only for FACTSTR_APPEND_UNLESS */

	/*
	 * NULL appends immediately, over a connection of the library.
	 *
	 * Otherwise the append belongs to a transaction of the program, which can also write the program's
	 * tables, and is made when that transaction commits.  This is a "PGconn *" to the store's database
	 * with an open transaction, or batch->transaction of a transactional delivery.  No other thread may
	 * use it during the call.  Other appends wait only during the commit, not for the earlier statements
	 * of the transaction.
	 *
	 * The call checks the events, the key and the context.  After an error of the server, such as
	 * FACTSTR_CONFLICT, the transaction has failed: roll it back.  The program's COMMIT appends in the
	 * order of the calls.  If a context has changed since its call, the COMMIT fails with SQLSTATE FS001
	 * and rolls back the whole transaction; a delivery is then repeated.
	 *
	 * *result is zeroed, since the numbers are not known before the commit; factstr_last_append returns
	 * them afterwards.  A call whose key was committed before returns the earlier result and appends nothing.
	 *
	 * Errors: FACTSTR_MISUSE if there is no open transaction, or it has failed; FACTSTR_UNSUPPORTED on
	 * memory, which has no transactions, and SQLite, where only the store writes.
	 */
	void	   *connection;
} factstr_append_options;

#define FACTSTR_APPEND_OPTIONS_INIT \
	{sizeof(factstr_append_options), NULL, FACTSTR_APPEND_ALWAYS, NULL, 0, 0, NULL}

typedef struct factstr_append_result
{
	uint64_t	first_sequence_number;
	uint64_t	last_sequence_number;
	uint64_t	committed_count;
	uint64_t	reserved[2];
} factstr_append_result;

/*
 * Appends count events as one batch: consecutive numbers, all or nothing, on disk when the call
 * returns.  The events may have 256,000,000 bytes together, so that every store can deliver them; rule 5
 * of docs/contract.md defines what counts.  result may be NULL.  Input is checked before the condition.
 *
 * Errors: FACTSTR_EMPTY_APPEND, FACTSTR_MALFORMED, storage errors, and those of the options.  After
 * FACTSTR_CONNECTION_LOST the outcome is unknown; before returning it, the library repeats a call that has an
 * idempotency key.  After any other error, including FACTSTR_NOT_CONNECTED, nothing was stored.
 */
FACTSTR_API int factstr_append(factstr_store *store, const factstr_event *events, size_t count,
							   const factstr_append_options *options,
							   factstr_append_result *result, factstr_error *error);

/*
 * The last batch that was committed over a connection of the program; zeroes if there was none.
 * connection is a "PGconn *" as for an append at commit, inside or outside a transaction, and not behind a
 * pooler in transaction mode.
 *
 * Errors: FACTSTR_UNSUPPORTED on memory and SQLite, storage errors.
 */
FACTSTR_API int factstr_last_append(factstr_store *store, void *connection,
									factstr_append_result *result, factstr_error *error);

/*
 * Querying
 */

/* A stored fact.  Its texts belong to the result, cursor or batch that contains the fact. */
typedef struct factstr_fact
{
	uint64_t	sequence_number;
	int64_t		occurred_at;	/* microseconds since 1970-01-01 UTC */
	const char *event_type;
	const char *payload;		/* JSON equal to the appended payload */
	const char *metadata;		/* JSON, or NULL */
	uint64_t	reserved[2];	/* 0 */
} factstr_fact;

/* The size of the buffer for factstr_format_time, in bytes, including the NUL. */
#define FACTSTR_TIME_SIZE 32

/*
 * Writes a time in the form of event records, 2026-01-31T08:15:30.123456Z, into text, a buffer of
 * FACTSTR_TIME_SIZE bytes.  Returns text.
 */
FACTSTR_API char *factstr_format_time(int64_t occurred_at, char *text);

/* The answer to a query, from one snapshot. */
typedef struct factstr_query_result
{
	size_t		fact_count;
	const factstr_fact *facts;	/* ascending */
	uint64_t	last_returned_sequence_number;	/* 0: no facts returned */

	/* Of the whole context, regardless of "after" in the query; 0: it is empty. */
	uint64_t	current_context_version;
} factstr_query_result;

/*
 * Returns the matching facts.  All of them are in memory at once; use a cursor for many.  On
 * success *result is new; free it with factstr_query_result_free.
 *
 * Errors: FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_query(factstr_store *store, const char *event_query,
							  factstr_query_result **result, factstr_error *error);
FACTSTR_API void factstr_query_result_free(factstr_query_result *result);

/* The newest fact of each of several contexts, from one snapshot. */
typedef struct factstr_newest_result
{
	size_t		fact_count;		/* the number of queries */

	/* In the order of the queries.  Where no fact matches, sequence_number is 0 and the texts are NULL. */
	const factstr_fact *facts;

	/* The highest number in all contexts together, regardless of "after" in the queries; 0: all are empty. */
	uint64_t	current_context_version;
} factstr_newest_result;

/*
 * Returns the newest matching fact of each of count queries, for decisions that depend on a last number
 * and a current price rather than on a history.  Each query costs one search from the newest end of the
 * log.  event_queries is an array of event queries; NULL is allowed if count is 0.  A query's "after"
 * hides facts that are not newer.
 *
 * To append only if none of these contexts has changed, expect current_context_version in a context
 * query with all their filters.
 *
 * On success *result is new; free it with factstr_newest_result_free.
 *
 * Errors: FACTSTR_MALFORMED, with a message that names the query; storage errors.
 */
FACTSTR_API int factstr_newest(factstr_store *store, const char *const *event_queries, size_t count,
							   factstr_newest_result **result, factstr_error *error);
FACTSTR_API void factstr_newest_result_free(factstr_newest_result *result);

/*
 * Stores the version of the query's context, that is, its highest sequence number, in *version; 0: it is empty.
 *
 * Errors: FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_context_version(factstr_store *store, const char *event_query,
										uint64_t *version, factstr_error *error);

typedef struct factstr_cursor factstr_cursor;

typedef struct factstr_read_options
{
	size_t		size;			/* of this struct, in bytes */
	uint64_t	max_count;		/* the largest number of facts to read; 0: no limit */
	bool		backwards;		/* the newest fact first */
} factstr_read_options;

#define FACTSTR_READ_OPTIONS_INIT {sizeof(factstr_read_options), 0, false}

/*
 * Opens a cursor over the matching facts that are in the log now; later facts are not included.
 * Its memory does not grow with the log, and it holds no lock and no transaction between calls.  On
 * success *cursor is new; close it with factstr_read_close.
 *
 * Errors: FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_read_open(factstr_store *store, const char *event_query,
								  const factstr_read_options *options, factstr_cursor **cursor,
								  factstr_error *error);

/*
 * Stores the next fact in *fact; NULL at the end.  The fact belongs to the cursor, and is valid until the
 * next call with it.  After an error, a repeated call returns the same fact.
 *
 * Errors: storage errors.
 */
FACTSTR_API int factstr_read_next(factstr_cursor *cursor, const factstr_fact **fact,
								  factstr_error *error);

/* Closes a cursor and frees it.  NULL is harmless. */
FACTSTR_API void factstr_read_close(factstr_cursor *cursor);

/*
 * Batches
 */

/* The record of a redaction; see factstr_redact. */
typedef struct factstr_redaction
{
	uint64_t	sequence_number;	/* of the fact */
	int64_t		redacted_at;	/* microseconds since 1970-01-01 UTC */
	const char *redacted_by;	/* a role of the server, or a user of the operating system */
	const char *reason;
	uint64_t	reserved[2];	/* 0 */
} factstr_redaction;

/* A committed batch: whole in an export, with only its matching facts in deliveries and factstr_batches. */
typedef struct factstr_batch
{
	uint64_t	first_sequence_number;	/* of the whole batch */
	uint64_t	last_sequence_number;
	size_t		fact_count;
	const factstr_fact *facts;
	const char *idempotency_key;	/* in exports and imports; or NULL */
	void	   *transaction;	/* in transactional deliveries; see factstr_stream_options */

	/* In exports and imports: the redactions of its facts, by fact and then by time. */
	size_t		redaction_count;
	const factstr_redaction *redactions;
	uint64_t	reserved[2];	/* 0 */
} factstr_batch;

typedef struct factstr_batch_list
{
	size_t		count;
	const factstr_batch *batches;
} factstr_batch_list;

/*
 * Returns the committed batches after a position that contain a matching fact, at most max_batches, which
 * is 1 or more.  To continue, pass the last last_sequence_number of the list; an empty list means that
 * there are none yet.  On success *list is new; free it with factstr_batch_list_free.
 *
 * Errors: FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_batches(factstr_store *store, const char *event_query,
								uint64_t after_sequence_number, size_t max_batches,
								factstr_batch_list **list, factstr_error *error);
FACTSTR_API void factstr_batch_list_free(factstr_batch_list *list);

/*
 * The same for every fact, with idempotency keys and redactions, in the form that factstr_import and
 * factstr_import_redactions accept.
 */
FACTSTR_API int factstr_export(factstr_store *store, uint64_t after_sequence_number,
							   size_t max_batches, factstr_batch_list **list, factstr_error *error);

/*
 * Stores count batches of another log with their numbers, times, keys and redactions, all or nothing.
 * The first batch must continue this log without a gap, and each later batch the one before it; otherwise the
 * call is FACTSTR_MALFORMED.  So an interrupted import continues after the newest fact in the log.  Streams
 * deliver these batches like any other.
 *
 * If all numbers of the batches and of their facts are 0, they are assigned in order.  Then a batch with a known
 * key is skipped if its events are equal, so that the import can be repeated; with different events
 * it is FACTSTR_IDEMPOTENCY_KEY_REUSED.  Times need not increase.  Batches without numbers have no
 * redactions.
 *
 * *result describes the stored facts, with numbers of 0 if there are none; result may be NULL.
 *
 * Errors: FACTSTR_MALFORMED, FACTSTR_IDEMPOTENCY_KEY_REUSED, storage errors.
 */
FACTSTR_API int factstr_import(factstr_store *store, const factstr_batch *batches, size_t count,
							   factstr_append_result *result, factstr_error *error);

/*
 * Redaction
 */

/*
 * Erases the content of a fact: payload and metadata, both JSON, replace its payload and metadata; with
 * NULL as metadata, the fact has none afterwards.  Number, type, time, batch and idempotency key stay.  The
 * redaction is recorded forever, with its time, its author (the role of the server, or the user of the
 * operating system) and its reason, a text that is not empty and should not repeat the erased content.  A
 * fact may be redacted repeatedly; each redaction is recorded.
 *
 * Every later read and delivery returns the new content, and queries match only that.  When an append is
 * repeated with its key, only the type of a redacted fact must be equal.  The messages in last_error
 * of durable streams are erased too, since they may quote a payload.
 *
 * *traces_remain reports whether the storage still contains the old text; traces_remain may be NULL.
 * The memory store never contains it.  A SQLite file contains it while another connection reads a snapshot
 * from before the redaction: the call waits a second for the end of such reads; after that, a later commit or
 * opening erases the text.  A PostgreSQL database contains it until VACUUM has run; docs/operations.md lists the
 * places.
 *
 * Errors: FACTSTR_MALFORMED (no such fact, invalid JSON, metadata that is not an object, no reason),
 * FACTSTR_MISUSE (from a handler that has a transaction), storage errors.
 */
FACTSTR_API int factstr_redact(factstr_store *store, uint64_t sequence_number,
							   const char *payload, const char *reason, const char *metadata,
							   bool *traces_remain, factstr_error *error);

typedef struct factstr_redaction_list
{
	size_t		count;
	const factstr_redaction *redactions;	/* by fact and then by time */
} factstr_redaction_list;

/*
 * Returns the redactions of facts after a number: up to max_count, which is 1 or more, and also the remaining
 * redactions of the last fact.  To continue, pass the last sequence_number of the list; an empty list is the end.
 * On success *list is new; free it with factstr_redaction_list_free.
 *
 * Errors: FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_redactions(factstr_store *store, uint64_t after_sequence_number,
								   size_t max_count, factstr_redaction_list **list,
								   factstr_error *error);
FACTSTR_API void factstr_redaction_list_free(factstr_redaction_list *list);

/*
 * Updates a copy of a log: adds those redactions of count exported batches that are not recorded here.  This
 * log must have the same batches with the same numbers.  A fact whose newest redaction is among them
 * gets its content from the batch.  *imported_count is the number of new records; imported_count may be NULL.
 *
 * All input is checked first.  Then each batch is updated separately, all or nothing, so a failure leaves the
 * earlier batches updated.  A repeated call completes the rest, or does nothing.
 *
 * Errors: FACTSTR_MALFORMED if a fact is missing here, or has another type or time; otherwise as
 * factstr_redact.
 */
FACTSTR_API int factstr_import_redactions(factstr_store *store, const factstr_batch *batches,
										  size_t count, uint64_t *imported_count,
										  factstr_error *error);

/*
 * Streams
 *
 * A stream delivers committed batches, one after the other, in order, filtered by its query.  It skips
 * batches without a match, and delivers batches of other processes too.  A durable stream has a name and
 * a cursor, which are kept in the store; a live stream exists as long as its handle.
 *
 * A stream with a handler has a thread, which calls the handler.  The thread's stack has 2 MB, or the
 * system's default if that is more.  A stream without a handler is pulled: see factstr_stream_next.
 *
 * If a handler fails, the same batch is delivered again, before any later one, after a pause that grows from a
 * quarter of a second to a minute.  Other streams are not affected.  A handler may append, query,
 * subscribe and unsubscribe, even its own stream; it must not close the store.
 */
typedef struct factstr_stream factstr_stream;

/*
 * Handles a batch, which is valid during the call.  Returns FACTSTR_OK for success, any other number for
 * failure.  *error is zeroed before; a failing handler may fill it, for example by passing error to a
 * function of this header.  factstr_stream_state returns its message, which becomes last_error in the status of a
 * durable stream.
 */
typedef int (*factstr_handler) (const factstr_batch *batch, void *context, factstr_error *error);

/*
 * Reports the end of a stream, once, after its last delivery and before destroy, on its thread.
 * reason->code is FACTSTR_OK if the stream was ended through its handle, FACTSTR_CLOSED if its store is being
 * closed, FACTSTR_STREAM_ACTIVE if another consumer has taken over the durable stream,
 * FACTSTR_NO_SUCH_STREAM if it was dropped, and FACTSTR_NO_SUCH_LOG if its log was.  Not called if opening the
 * stream fails.  The rules for handlers apply.
 */
typedef void (*factstr_ended) (const factstr_error *reason, void *context);

/* Releases the context of a handler; see factstr_stream_open. */
typedef void (*factstr_destroy) (void *context);

/* Where a new stream begins.  An existing durable stream continues after its cursor. */
typedef enum factstr_stream_start
{
	FACTSTR_FROM_DEFAULT,		/* a durable stream with the first fact, a live one with the next */
	FACTSTR_FROM_FIRST,			/* with the first fact */
	FACTSTR_FROM_NOW,			/* with the next fact */
	FACTSTR_FROM_AFTER			/* after after_sequence_number; only a live stream */
} factstr_stream_start;

#define FACTSTR_MOST_PARTITIONS 1024
#define FACTSTR_ANY_PARTITION (-1)

typedef struct factstr_stream_options
{
	size_t		size;			/* of this struct, in bytes */

	/* How long to wait for another consumer of the durable stream to end; then FACTSTR_STREAM_ACTIVE. */
	int64_t		timeout_ms;

	/*
	 * The cursor of a durable stream moves after ack_batches batches, at the latest ack_ms milliseconds
	 * after the first of them, and never waits for batches that have not arrived.  So catching up
	 * costs one commit for many batches.  If the consumer dies, the batches after the cursor are delivered
	 * again.  In transactional deliveries the batches share one transaction, so nothing is done
	 * twice; if the handler fails, they are delivered again, each in its own transaction.
	 * 0 batches: 1; 0 ms: 100; negative: no limit.
	 */
	size_t		ack_batches;
	int64_t		ack_ms;
	uint64_t	after_sequence_number;	/* only for FACTSTR_FROM_AFTER */
	factstr_ended ended;		/* or NULL */
	factstr_destroy destroy;	/* or NULL */

	/*
	 * With both, the durable stream is partitioned by the value at partition_key, a path such as
	 * $.account, into 1 to FACTSTR_MOST_PARTITIONS partitions: facts with equal values belong to the same
	 * partition, in order.  Each partition is a durable stream, NAME#0, NAME#1 and so on.  The first call
	 * creates all of them.  This stream consumes the partition with the given number, or any free one.
	 * In factstr_stream_seek, factstr_stream_drop and factstr_wait, the name alone stands for all partitions.
	 */
	const char *partition_key;	/* NULL: no partitions */
	uint32_t	partitions;		/* 0: no partitions */
	int32_t		partition;		/* from 0; or FACTSTR_ANY_PARTITION, the default of the macro */
	factstr_stream_start start;

	/*
	 * Each delivery runs in a transaction of the store's database that also moves the cursor: the handler's
	 * writes in it take effect exactly once.  batch->transaction is a
	 * "sqlite3 *" or "PGconn *"; the handler must neither commit nor roll back.  factstr_stream_seek
	 * and _drop of other streams become part of it.  In the handler, these calls are FACTSTR_MISUSE: an append
	 * over another connection, an import, a redaction, opening or waiting for a durable stream.
	 * factstr_stream_close does not wait for other handlers there.  Statements that the handler leaves
	 * open are reset.  Other writers of a SQLite file wait for the handler: those of this store without
	 * limit, others up to their busy timeout.  Only for durable streams.  The memory store
	 * has no transactions: FACTSTR_UNSUPPORTED.
	 */
	bool		transactional;

	/*
	 * Delivers older facts on the stream's thread as well, so opening a durable stream does not wait for
	 * them, and no handler is ever called on a thread of the program.
	 */
	bool		in_background;
} factstr_stream_options;

#define FACTSTR_STREAM_OPTIONS_INIT \
	{sizeof(factstr_stream_options), 0, 0, 0, 0, NULL, NULL, NULL, 0, FACTSTR_ANY_PARTITION, \
		FACTSTR_FROM_DEFAULT, false, false}

/*
 * Opens a stream.  name is NULL for a live stream, handler NULL for a pulled one.
 *
 * A live stream delivers the facts that are appended from now on, or those that options->start selects.
 *
 * A durable stream continues right after its cursor, which moves to the end of a batch when the
 * handler has succeeded; a new one begins where options->start says.  Without in_background, older facts
 * are delivered first, on the caller's thread, before the call returns.  If the handler fails there,
 * the call fails with FACTSTR_HANDLER_FAILED, and the cursor stays before the failed batch.  All later
 * batches are delivered on threads of the library.
 *
 * *stream is new; close it with factstr_stream_close.  It is set before the first delivery, so that the
 * handler and other threads may unsubscribe or close the stream during the call.  Then no further delivery
 * begins, and the call returns FACTSTR_OK; *stream is NULL if the stream was closed.  If the call fails,
 * *stream is NULL, and copies of the pointer are invalid.
 *
 * context is passed to the handler, to ended and to destroy.  If the call has succeeded, destroy, unless
 * it is NULL, is called exactly once: after the last delivery, when the handle has been closed.  It is
 * called before factstr_stream_close returns FACTSTR_OK.  If factstr_stream_close is called from a
 * handler or returns FACTSTR_WAIT_TIMED_OUT, destroy may be called later, on the stream's thread, but before
 * factstr_close returns.  The rules for handlers apply to destroy, and it must not use the store after
 * factstr_close.  If the call has failed, the caller keeps context.
 *
 * A name has one consumer at a time, across all processes; the name of a process that died is free
 * immediately.  During a pause after a failure, another consumer may take over the stream, which then
 * ends here without another delivery.
 *
 * Errors: FACTSTR_MALFORMED ("after" is not allowed in the query), FACTSTR_MISUSE (options that do not
 * fit together), storage errors.  Durable streams: FACTSTR_STREAM_QUERY_DIFFERS (queries and
 * partitions are compared by meaning, not as text), FACTSTR_STREAM_ACTIVE, FACTSTR_HANDLER_FAILED.
 */
FACTSTR_API int factstr_stream_open(factstr_store *store, const char *name,
									const char *event_query, factstr_handler handler,
									void *context, const factstr_stream_options *options,
									factstr_stream **stream, factstr_error *error);

/*
 * Ends a stream, but keeps its handle: no delivery begins after this has returned.  It does not wait, and
 * may be called repeatedly, by any thread.  The cursor of a durable stream stays.  Through the same store, the
 * name can be opened again when no handler is running; elsewhere when the stream's thread has released it,
 * at the latest when factstr_stream_close returns FACTSTR_OK.  NULL is harmless.
 */
FACTSTR_API void factstr_stream_unsubscribe(factstr_stream *stream);

/*
 * Ends a stream, waits for its running handler up to timeout_ms milliseconds, and frees the handle in
 * any case.  No other call with the stream may be in progress, or begin later.  NULL is harmless.
 *
 * Returns FACTSTR_OK if the handler is not running any more, otherwise FACTSTR_WAIT_TIMED_OUT.  Then the
 * stream ends when the handler returns, and ended and destroy are called on the stream's thread.  Use 0
 * where the handler may wait for the caller, as for the thread of an event loop.
 *
 * The call does not wait where that would deadlock: in the handler itself, and in a handler for which that
 * handler waits in factstr_stream_close, directly or indirectly.  So if two handlers
 * close each other's streams at the same time, only the first waits.  From any handler, the call waits only
 * for the other handler, and the name may be released a little later.
 */
FACTSTR_API int factstr_stream_close(factstr_stream *stream, int64_t timeout_ms);

/*
 * Pulling: a stream without a handler returns its batches on request.  It has no thread and calls nothing.
 * A consumer requests batches, handles them, and acknowledges them:
 *
 *		while (factstr_stream_next(stream, 100, -1, &list, &error) == FACTSTR_OK)
 *		{
 *			for (size_t i = 0; i < list->count; i++)
 *				apply(&list->batches[i]);
 *			factstr_stream_ack(stream, list->batches[list->count - 1].last_sequence_number, &error);
 *			factstr_batch_list_free(list);
 *		}
 *
 * Only one of the calls next, ack and fail may be in progress at a time, by any thread; a second one is
 * FACTSTR_MISUSE.  These calls are also FACTSTR_MISUSE if the stream has a handler or was
 * unsubscribed, and FACTSTR_CLOSED when its store is being closed or has been.  If another consumer has taken
 * over the durable stream, or it or its log was dropped, they are FACTSTR_STREAM_ACTIVE,
 * FACTSTR_NO_SUCH_STREAM or FACTSTR_NO_SUCH_LOG; a request for batches may notice that later than the others.
 * Their other errors are FACTSTR_MALFORMED and storage errors.
 */

/*
 * Returns the batches after those that were returned before, acknowledged or not: at most max_batches, which
 * is 1 or more.  Waits up to timeout_ms milliseconds for the first of them; if there is none in time, the
 * list is empty.  On success *list is new; free it with factstr_batch_list_free.  After an error, a
 * repeated call returns the same batches.
 */
FACTSTR_API int factstr_stream_next(factstr_stream *stream, size_t max_batches,
									int64_t timeout_ms, factstr_batch_list **list,
									factstr_error *error);

/*
 * Acknowledges all batches up to the one that ends with this fact: moves the cursor there, on disk when
 * the call returns.  A number at or below the cursor does nothing.  A number beyond the last returned batch is
 * FACTSTR_MALFORMED.
 */
FACTSTR_API int factstr_stream_ack(factstr_stream *stream, uint64_t sequence_number,
								   factstr_error *error);

/*
 * Reports that the returned, unacknowledged batches could not be handled.  The next call returns them again,
 * before any later ones.  message becomes last_error in the status, which also counts the failure.  Until
 * the next call, the durable stream has no consumer, and another consumer may take over.
 */
FACTSTR_API int factstr_stream_fail(factstr_stream *stream, const char *message,
									factstr_error *error);

/*
 * Stores a descriptor for poll, select or an event loop in *fd.  It is readable while factstr_stream_next
 * may return a batch or an error without waiting; such a call resets it if it finds neither.  Only poll
 * the descriptor; do not read from it or close it.  It belongs to the stream, and is valid until the
 * handle is closed.
 *
 * Errors: FACTSTR_MISUSE if the stream has a handler, FACTSTR_STORAGE if there is no descriptor left.
 */
FACTSTR_API int factstr_stream_fd(factstr_stream *stream, int *fd, factstr_error *error);

/*
 * Returns the state of a stream: FACTSTR_OK; FACTSTR_HANDLER_FAILED or a storage error during the
 * pause after that; FACTSTR_STREAM_ACTIVE, FACTSTR_NO_SUCH_STREAM or FACTSTR_NO_SUCH_LOG if the stream has ended
 * here, because another consumer has taken over, or it or its log was dropped; FACTSTR_MISUSE if it was
 * unsubscribed.  *error has the message; for FACTSTR_HANDLER_FAILED, the handler's message.
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
	int64_t		lag_us;			/* the age of the first such fact, in microseconds; 0: none */
	int64_t		last_success_at;	/* the last move of the cursor; 0: never */
	uint32_t	failure_count;	/* in a row */
	const char *last_error;		/* or NULL */
	int64_t		last_failed_at; /* 0: never */
	int64_t		retry_at;		/* the end of its pause; 0: it does not pause */
	bool		active;			/* it has a consumer */
	uint64_t	reserved[4];
} factstr_stream_status;

typedef struct factstr_stream_status_list
{
	size_t		count;
	const factstr_stream_status *streams;	/* ordered by name, byte by byte */
} factstr_stream_status_list;

/*
 * Returns all durable streams; each partition is one of them.  On success *list is new; free it with
 * factstr_stream_status_list_free.
 *
 * Errors: storage errors.
 */
FACTSTR_API int factstr_streams(factstr_store *store, factstr_stream_status_list **list,
								factstr_error *error);
FACTSTR_API void factstr_stream_status_list_free(factstr_stream_status_list *list);

/*
 * Moves the cursor of a durable stream to any fact, 0 for the beginning.  Does not wait for a consumer.
 *
 * Errors: FACTSTR_NO_SUCH_STREAM, FACTSTR_STREAM_ACTIVE, FACTSTR_MALFORMED (a position beyond the newest
 * fact), storage errors.
 */
FACTSTR_API int factstr_stream_seek(factstr_store *store, const char *name,
									uint64_t sequence_number, factstr_error *error);

/*
 * Deletes a durable stream.  Does not wait for a consumer.
 *
 * Errors: FACTSTR_NO_SUCH_STREAM, FACTSTR_STREAM_ACTIVE, FACTSTR_MALFORMED (a single partition),
 * storage errors.
 */
FACTSTR_API int factstr_stream_drop(factstr_store *store, const char *name, factstr_error *error);

/*
 * Waits up to timeout_ms milliseconds until the cursor of the durable stream has reached the fact, for example to
 * see the effects of an append.  Do not call it in the handler of that stream, which would wait for itself.
 *
 * Errors: FACTSTR_WAIT_TIMED_OUT, FACTSTR_NO_SUCH_STREAM, FACTSTR_MALFORMED, storage errors.
 */
FACTSTR_API int factstr_wait(factstr_store *store, const char *name, uint64_t sequence_number,
							 int64_t timeout_ms, factstr_error *error);

/*
 * Logs
 *
 * A PostgreSQL database holds any number of logs.  A store is one of them; these functions work on all logs of its
 * database.  The name of a log has 1 to 40 of the characters a to z, 0 to 9, "_" and "-".
 * docs/logs.md lists the parts of a log.  A store in memory or in a SQLite file is a single log, so there they
 * return FACTSTR_UNSUPPORTED.  In a handler with a transaction, the functions that change logs return FACTSTR_MISUSE.
 *
 * After FACTSTR_CONNECTION_LOST it is unknown whether a change was made; factstr_logs shows it.
 */

typedef struct factstr_log_status
{
	const char *log;			/* its name */
	int64_t		created_at;		/* 0: it is "main", which exists from the start */
	const char *created_by;		/* the role that had logged in; or NULL */
	int64_t		sealed_at;		/* 0: it is open */
	const char *sealed_by;		/* or NULL */
	uint64_t	reserved[4];
} factstr_log_status;

typedef struct factstr_log_status_list
{
	size_t		count;
	const factstr_log_status *logs;	/* ordered by name, byte by byte */
} factstr_log_status_list;

/*
 * Returns the logs on which the role has a right.  On success *list is new; free it with
 * factstr_log_status_list_free.
 *
 * Errors: FACTSTR_UNSUPPORTED, storage errors.
 */
FACTSTR_API int factstr_logs(factstr_store *store, factstr_log_status_list **list,
							 factstr_error *error);
FACTSTR_API void factstr_log_status_list_free(factstr_log_status_list *list);

/*
 * Creates a log, which factstr_open can then open.
 *
 * Errors: FACTSTR_LOG_EXISTS, FACTSTR_MALFORMED (it is not the name of a log), FACTSTR_UNSUPPORTED,
 * FACTSTR_MISUSE, storage errors.
 */
FACTSTR_API int factstr_create_log(factstr_store *store, const char *log, factstr_error *error);

/*
 * Seals a log: nothing can be appended to it any more; everything else remains possible.  Waits for appends in
 * progress.  *was_open is false if the log was sealed before; was_open may be NULL.
 *
 * Errors: FACTSTR_NO_SUCH_LOG, FACTSTR_MALFORMED, FACTSTR_UNSUPPORTED, FACTSTR_MISUSE, storage errors.
 */
FACTSTR_API int factstr_seal_log(factstr_store *store, const char *log, bool *was_open,
								 factstr_error *error);

/*
 * Drops a log with its facts, streams and cursors, if confirmation repeats its name.  Interrupts the handlers
 * that the database runs for it, and waits for all other transactions that use the log.  *dropped_facts is
 * the number of its facts; dropped_facts may be NULL.  The log "main" cannot be dropped.
 *
 * Errors: FACTSTR_NO_SUCH_LOG, FACTSTR_MALFORMED (another confirmation), FACTSTR_UNSUPPORTED (also for
 * "main"), FACTSTR_MISUSE, storage errors.
 */
FACTSTR_API int factstr_drop_log(factstr_store *store, const char *log, const char *confirmation,
								 uint64_t *dropped_facts, factstr_error *error);

/*
 * The JSON boundary
 *
 * For packages in other languages: the calls above that take or fill a struct, with JSON documents instead of
 * structs.  A binding declares only pointers, integers, texts and callbacks.
 *
 * factstr_json_X does the same as factstr_X and takes the same arguments in the same order, with these
 * differences:
 *
 *		options		are the text of an object, or NULL.  Its keys are the names of the struct's members; a
 *					key that is absent or null means the default
 *		arrays		of structs are the text of an array
 *		result		the last argument; it replaces error and all output parameters except handles
 *
 * Calls without a struct have no JSON twin: factstr_close, factstr_interrupt, factstr_read_close,
 * factstr_stream_unsubscribe, factstr_stream_close, factstr_version, and the functions for codes.  Two features
 * need pointers of other C libraries and are not available: appends over a connection of the program, with
 * factstr_last_append, and the transaction of a transactional delivery.
 *
 * Result.  The call returns the code.  It sets *result to the document that each function describes, or after an
 * error to the document of the error.  Free it with factstr_json_free.  *result is NULL only if there
 * was no memory for the document; then a call that reads fails with FACTSTR_NO_MEMORY, but a call
 * that has changed something still returns FACTSTR_OK.  result itself must not be NULL (FACTSTR_MISUSE).
 *
 * Errors.  The document of an error has "detail" and "hint" only if they are not empty:
 *
 *		{"code": "malformed_input", "message": "...", "detail": "...", "hint": "..."}
 *
 * The document of FACTSTR_CONFLICT also has "actual_context_version", null for an empty context, and the
 * number of the append's condition: "expected_context_version", null for an empty context, or
 * "after_sequence_number".
 *
 * Event records.  A fact is an object, without "metadata" if it has none:
 *
 *		{"sequence_number": 1, "occurred_at": "2026-01-31T08:15:30.123456Z", "event_type": "...",
 *		 "payload": ..., "metadata": {...}}
 *
 * Deliveries.  A delivered batch is an object with the numbers of the whole batch and the records of its
 * matching facts:
 *
 *		{"first_sequence_number": 1, "last_sequence_number": 2, "event_records": [...]}
 *
 * Exported batches.  A whole batch is the same object, with "idempotency_key" if it has one.  The record of a
 * redacted fact has "redactions", ordered by time:
 *
 *		[{"redacted_at": "2026-01-31T08:15:30.123456Z", "redacted_by": "...", "reason": "..."}, ...]
 *
 * Numbers are JSON integers of up to 63 bits, which some languages read exactly only on request.  The rules for
 * threads, processes, waiting and callbacks are the same as above.
 */

/* Frees a result.  NULL is harmless. */
FACTSTR_API void factstr_json_free(char *result);

/* Result: {}. */
FACTSTR_API int factstr_json_open(const char *url, factstr_store **store, char **result);

/*
 * events: [{"event_type": "...", "payload": ..., "metadata": {...}}, ...]; metadata is optional, and
 * other keys are errors.  options: {"idempotency_key": "...", "context_query": {...},
 * "expected_context_version": 3} or, with the other condition, "after_sequence_number".  The number implies the
 * condition.  An expected_context_version of null expects an empty context, and is not the same as an absent one.
 * Result: {"first_sequence_number": 1, "last_sequence_number": 2, "committed_count": 2}.
 */
FACTSTR_API int factstr_json_append(factstr_store *store, const char *events, const char *options,
									char **result);

/*
 * Result: {"event_records": [...], "last_returned_sequence_number": n or null,
 * "current_context_version": n or null}.
 */
FACTSTR_API int factstr_json_query(factstr_store *store, const char *event_query, char **result);

/*
 * event_queries: an array of event queries.  Result: {"event_records": [...],
 * "current_context_version": n or null}, with a record or null for each query.
 */
FACTSTR_API int factstr_json_newest(factstr_store *store, const char *event_queries, char **result);

/* Result: {"current_context_version": n or null}. */
FACTSTR_API int factstr_json_context_version(factstr_store *store, const char *event_query,
											 char **result);

/* options: {"max_count": 100, "backwards": true}.  Result: {}. */
FACTSTR_API int factstr_json_read_open(factstr_store *store, const char *event_query,
									   const char *options, factstr_cursor **cursor,
									   char **result);

/*
 * Returns the next facts, at most max_count, which is 1 or more.  Fewer facts do not mean the end.
 * Result: an array of event records, empty at the end.
 */
FACTSTR_API int factstr_json_read_next(factstr_cursor *cursor, size_t max_count, char **result);

/* Result: an array of deliveries. */
FACTSTR_API int factstr_json_batches(factstr_store *store, const char *event_query,
									 uint64_t after_sequence_number, size_t max_batches,
									 char **result);

/* Result: an array of exported batches. */
FACTSTR_API int factstr_json_export(factstr_store *store, uint64_t after_sequence_number,
									size_t max_batches, char **result);

/*
 * batches: an array of exported batches, or of batches without numbers.  Result: as of
 * factstr_json_append, with null for the numbers if nothing was stored.
 */
FACTSTR_API int factstr_json_import(factstr_store *store, const char *batches, char **result);

/* batches: an array of exported batches.  Result: {"imported_count": 1}. */
FACTSTR_API int factstr_json_import_redactions(factstr_store *store, const char *batches,
											   char **result);

/* Result: {"traces_remain": false}. */
FACTSTR_API int factstr_json_redact(factstr_store *store, uint64_t sequence_number,
									const char *payload, const char *reason, const char *metadata,
									char **result);

/*
 * Result: [{"sequence_number": 1, "redacted_at": "2026-01-31T08:15:30.123456Z", "redacted_by": "...",
 * "reason": "..."}, ...].
 */
FACTSTR_API int factstr_json_redactions(factstr_store *store, uint64_t after_sequence_number,
										size_t max_count, char **result);

/* As factstr_handler, with a delivery as text; factstr_error_set fills *error. */
typedef int (*factstr_json_handler) (const char *delivery, void *context, factstr_error *error);

/* As factstr_ended; reason is the document of an error, with "ok" and "" for FACTSTR_OK. */
typedef void (*factstr_json_ended) (const char *reason, void *context);

/*
 * handler, ended and destroy, which are arguments here, may be NULL.
 * options: {"start": "first" or "now", "after_sequence_number": 41, "timeout_ms": 5000, "ack_batches": 1000,
 * "ack_ms": 100, "partition_key": "$.account", "partitions": 4, "partition": 2, "transactional": false,
 * "in_background": true}.  after_sequence_number implies the start.  Without a partition, the stream
 * consumes any free one.  Result: {}.
 */
FACTSTR_API int factstr_json_stream_open(factstr_store *store, const char *name,
										 const char *event_query, factstr_json_handler handler,
										 factstr_json_ended ended, factstr_destroy destroy,
										 void *context, const char *options,
										 factstr_stream **stream, char **result);

/* Result: an array of deliveries. */
FACTSTR_API int factstr_json_stream_next(factstr_stream *stream, size_t max_batches,
										 int64_t timeout_ms, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_stream_ack(factstr_stream *stream, uint64_t sequence_number,
										char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_stream_fail(factstr_stream *stream, const char *message,
										 char **result);

/* Result: {"fd": 5}. */
FACTSTR_API int factstr_json_stream_fd(factstr_stream *stream, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_stream_state(factstr_stream *stream, char **result);

/*
 * Result: an array of objects with the members of factstr_stream_status, event_query as JSON, points in time
 * as text or null.
 */
FACTSTR_API int factstr_json_streams(factstr_store *store, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_stream_seek(factstr_store *store, const char *name,
										 uint64_t sequence_number, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_stream_drop(factstr_store *store, const char *name, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_wait(factstr_store *store, const char *name, uint64_t sequence_number,
								  int64_t timeout_ms, char **result);

/* Result: an array of objects with the members of factstr_log_status, points in time as text or null. */
FACTSTR_API int factstr_json_logs(factstr_store *store, char **result);

/* Result: {}. */
FACTSTR_API int factstr_json_create_log(factstr_store *store, const char *log, char **result);

/* Result: {"was_open": true}. */
FACTSTR_API int factstr_json_seal_log(factstr_store *store, const char *log, char **result);

/* Result: {"dropped_facts": 5}. */
FACTSTR_API int factstr_json_drop_log(factstr_store *store, const char *log, const char *confirmation,
									  char **result);

#ifdef __cplusplus
}
#endif

#endif							/* FACTSTR_H */
