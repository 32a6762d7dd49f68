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
 * error belongs to one thread at a time.  Any call may return FACTSTR_CLOSED while another thread
 * closes the store, and FACTSTR_INTERRUPTED after factstr_interrupt.
 *
 * Processes: a store belongs to the process that opened it.  A child that is forked without exec has
 * no part in it: its calls with the store and its streams return FACTSTR_MISUSE, factstr_close too,
 * and release nothing.  Open the store in the process that uses it.  A SQLite file that the parent
 * has open must not be opened in the child, since SQLite would take the parent's locks for its own.
 *
 * Signals are left alone, except that the threads of the library block all of them.
 *
 * Structs: a program and the library that it finds may have been built with different versions of
 * this header.
 *
 * Options, which a call takes one of, begin with their size.  Make them with their macro, such as
 * FACTSTR_STREAM_OPTIONS_INIT, or with .size = sizeof(factstr_stream_options): a library that knows
 * more options takes the defaults for those, and one that knows fewer refuses only what it would have
 * to ignore.  0 in place of the size is FACTSTR_MISUSE.
 *
 * What stands in arrays, and what the library writes into the caller's own memory, must keep its
 * length, since both sides count with it.  Such structs have reserved members, from which later ones
 * will be made.  They are 0: the library sets them so, and so does "{.event_type = ...}" or "{0}".
 * Anything else in what a call is given is FACTSTR_MISUSE.
 *
 * Results that the library allocates one at a time (factstr_query_result and the lists) can grow at
 * their ends.  Do not copy them.
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
 * The first seven are the contract's typed errors and have their SQLSTATE in the extension; a few
 * others have the SQLSTATE that PostgreSQL itself has for them.
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
		 "the URL is not understood, or the file that it names cannot be opened") \
	CODE(INCOMPATIBLE, -12, "incompatible_store", "", \
		 "the store is not factstr's, or was made by a newer version; it is left untouched") \
	CODE(BUSY, -13, "busy", "", \
		 "a transaction elsewhere held the store for longer than the busy timeout") \
	CODE(STORAGE, -14, "storage_failure", "", \
		 "the storage failed: a full disk, an input or output error, an error of the server") \
	CODE(CONNECTION_LOST, -15, "connection_lost", "", \
		 "the connection broke; whether an append was committed is unknown, repeat it with its " \
		 "idempotency key") \
	CODE(HANDLER_FAILED, -16, "handler_failed", "", \
		 "the handler of a stream failed; its batch will be delivered again") \
	CODE(UNSUPPORTED, -17, "unsupported", "", \
		 "this store cannot do that") \
	CODE(CLOSED, -18, "closed", "", \
		 "the store is being closed; the call has done nothing") \
	CODE(INTERRUPTED, -19, "interrupted", "", \
		 "factstr_interrupt was called; the call has done nothing, or nothing more") \
	CODE(NOT_CONNECTED, -20, "not_connected", "08001", \
		 "there is no connection to the server; an append has stored nothing, and any call can be " \
		 "repeated") \
	CODE(PERMISSION_DENIED, -21, "permission_denied", "42501", \
		 "the role must not do that; the message names the right") \
	CODE(READ_ONLY, -22, "read_only", "25006", \
		 "the store can only be read")

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

	/* For FACTSTR_CONFLICT: versions of the context, 0 for "empty"; or what append_unless was given. */
	uint64_t	expected_context_version;
	uint64_t	actual_context_version;
	uint64_t	after_sequence_number;
	uint64_t	reserved[3];
} factstr_error;

/*
 * "conditional_append_conflict" and the like, "ok" for 0, "unknown" for what is no code.  Static
 * storage.
 */
FACTSTR_API const char *factstr_code_name(int code);

/* What a code means, in English.  Static storage. */
FACTSTR_API const char *factstr_code_text(int code);

/* The SQLSTATE of the same error in the server; empty if it has none.  Static storage. */
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
 *		sqlite:PATH?cache_size=KB	how much of the file each connection keeps in memory, in
 *									kilobytes, 16384 by default; up to 16 idle readers keep theirs
 *		sqlite:PATH?mode=rw			the store must exist, otherwise it is FACTSTR_CANNOT_OPEN;
 *									mode=rwc, the default, makes it
 *		sqlite:PATH?mode=ro			it is only read: what would write is FACTSTR_READ_ONLY
 *
 * A SQLite file that exists and cannot be written, itself or for its directory, is only read as well.
 * Then nothing is written beside it either; while somebody writes it for the first time, a call may
 * be FACTSTR_BUSY.
 *
 * In a user, a password or the name of a database, special characters are written with percent signs.
 * No message quotes a password, or a piece of one.
 *
 * On success *store is new, and is closed with factstr_close.  Errors: FACTSTR_CANNOT_OPEN,
 * FACTSTR_NOT_CONNECTED, FACTSTR_INCOMPATIBLE (a file or database that is not factstr's or is newer;
 * nothing in it is changed), FACTSTR_BUSY, FACTSTR_STORAGE, FACTSTR_NO_MEMORY.
 */
FACTSTR_API int factstr_open(const char *url, factstr_store **store, factstr_error *error);

/*
 * Closes a store and frees it: ends the calls that other threads are in, lets its streams deliver
 * what was committed through this store before, waits for handlers that are running, and returns when
 * no call and no thread of the library is left.
 *
 * The streams have timeout_ms milliseconds for that; 0: none, negative: as long as it takes.  A
 * handler that fails meanwhile is called again only if its pause ends in time.  factstr_close gives
 * them FACTSTR_CLOSE_TIMEOUT_MS.  If a stream has not got to all of it, FACTSTR_WAIT_TIMED_OUT says
 * so, and the store is closed nevertheless; a durable stream goes on there when it is opened again.
 *
 * A call that is in the store when it is closed ends by itself if that does not take long, as an
 * append that has its turn; one that waits, or looks through many facts, ends with FACTSTR_CLOSED,
 * and so does one that begins before the store is freed.  What a handler appends or asks for is done
 * until it returns, but it waits for no stream any more.
 *
 * No call may begin after this has returned.  Handles of the store's streams stay valid until
 * factstr_stream_free; cursors may be closed, and nothing else.  NULL is harmless.
 *
 * FACTSTR_MISUSE if called from a handler of this store, which would wait for itself, and
 * FACTSTR_CLOSED if another thread closes the store: it then does nothing.
 */
FACTSTR_API int factstr_close(factstr_store *store);
FACTSTR_API int factstr_close_within(factstr_store *store, int64_t timeout_ms);

#define FACTSTR_CLOSE_TIMEOUT_MS 5000

/*
 * Ends the calls that threads are in, those of handlers too: what waits, for a stream, a name, a lock
 * or the server, and what looks through many facts, returns FACTSTR_INTERRUPTED within a fraction of a
 * second.  An append that has returned it is not stored; a durable stream that was being opened is
 * not open, and its cursor is after the last batch that was delivered.  Calls that begin later, and
 * streams that are open, go on.
 *
 * A signal handler may call it, as long as the store is not freed.  NULL is harmless.
 */
FACTSTR_API void factstr_interrupt(factstr_store *store);

/*
 * Appending
 */

/* One event to be appended.  All texts are the caller's, and needed only during the call. */
typedef struct factstr_event
{
	const char *event_type;		/* not empty, at most 2000 bytes */
	const char *payload;		/* any JSON value */
	const char *metadata;		/* a JSON object, or NULL; stored and delivered, never matched */
	uint64_t	reserved[2];	/* 0 */
} factstr_event;

typedef struct factstr_append_result
{
	uint64_t	first_sequence_number;
	uint64_t	last_sequence_number;
	uint64_t	committed_count;
	uint64_t	reserved[2];
} factstr_append_result;

/*
 * Appends the events as one batch: consecutive numbers, all or nothing, on disk when the call
 * returns.  They have at most 256,000,000 bytes together, so that every store can deliver them; rule 5
 * of docs/contract.md says what counts.
 *
 * idempotency_key, if not NULL, is a text of 1 to 2000 bytes that makes the call repeatable: the
 * first commit with a key is remembered for good.  A later call with the same key and equal events
 * (types and payloads; metadata is not compared) stores nothing and returns the first result; with
 * other events it is FACTSTR_IDEMPOTENCY_KEY_REUSED.  result may be NULL.
 *
 * Errors: FACTSTR_EMPTY_APPEND, FACTSTR_MALFORMED, FACTSTR_IDEMPOTENCY_KEY_REUSED, and those of the
 * storage.  After FACTSTR_CONNECTION_LOST the outcome is unknown; a call with a key is repeated by
 * the library itself first.  After any other error, FACTSTR_NOT_CONNECTED too, nothing was stored.
 */
FACTSTR_API int factstr_append(factstr_store *store, const factstr_event *events, size_t count,
							   const char *idempotency_key, factstr_append_result *result,
							   factstr_error *error);

/*
 * The same, if the version of the context of context_query equals expected_context_version; 0 means
 * "the context is empty".  Otherwise FACTSTR_CONFLICT, with both versions in *error, and nothing is
 * stored.  context_query may be NULL: every fact.  "after" in the query has no influence.  Input is
 * checked first.
 */
FACTSTR_API int factstr_append_if(factstr_store *store, const factstr_event *events, size_t count,
								  const char *context_query, uint64_t expected_context_version,
								  const char *idempotency_key, factstr_append_result *result,
								  factstr_error *error);

/*
 * The same, unless the context has a fact with a higher number than after_sequence_number: the append
 * condition of the DCB specification (https://dcb.events/specification/).  For callers that know the
 * log up to a position which need not be in the context; 0 is before the first fact.
 * Then FACTSTR_CONFLICT, with after_sequence_number and actual_context_version in *error.  A number
 * beyond the end of the log is FACTSTR_MALFORMED: it is from another log.
 */
FACTSTR_API int factstr_append_unless(factstr_store *store, const factstr_event *events,
									  size_t count, const char *context_query,
									  uint64_t after_sequence_number, const char *idempotency_key,
									  factstr_append_result *result, factstr_error *error);

/* What an append at commit asks of its context, as factstr_append_if and factstr_append_unless do. */
typedef enum factstr_append_condition
{
	FACTSTR_UNCONDITIONALLY,
	FACTSTR_IF_VERSION,			/* its version equals context_number; 0: it is empty */
	FACTSTR_UNLESS_NEWER		/* it has no fact with a higher number than context_number */
} factstr_append_condition;

typedef struct factstr_append_options
{
	size_t		size;			/* of this struct */
	const char *idempotency_key;	/* or NULL */
	const char *context_query;	/* or NULL: every fact */
	uint64_t	context_number;
	factstr_append_condition condition;
} factstr_append_options;

#define FACTSTR_APPEND_OPTIONS_INIT {.size = sizeof(factstr_append_options)}

/*
 * Appends the events in a transaction of the program's own, which also writes its tables, at the
 * commit of that transaction: all of it is committed, or nothing.  connection is a "PGconn *" to the
 * store's database, with a transaction that has begun, or batch->transaction of a transactional
 * delivery; no other thread uses it during the call.  Other appends wait only for the commit, not
 * for what the program does before.
 *
 * The call checks the events, the key and the context.  An error of the server, such as
 * FACTSTR_CONFLICT, leaves the transaction failed: roll it back.  The rest is done by the program's
 * COMMIT, in the order of the calls.  That fails with SQLSTATE FS001 if the context has changed
 * since, and then the whole transaction is rolled back; a delivery comes again.
 *
 * The numbers are not known before the commit, so *result is zeroed; factstr_last_append tells them
 * afterwards.  But a call whose key was committed before gives the earlier result at once, and
 * appends nothing.  options and result may be NULL.
 *
 * Errors: those of factstr_append, FACTSTR_CONFLICT, FACTSTR_MISUSE (no transaction has begun, or it
 * has failed), and FACTSTR_UNSUPPORTED on the memory store and SQLite: a program has no transactions
 * of its own in the first, and in the second a file has one writer, the store.
 */
FACTSTR_API int factstr_append_at_commit(factstr_store *store, void *connection,
										 const factstr_event *events, size_t count,
										 const factstr_append_options *options,
										 factstr_append_result *result, factstr_error *error);

/*
 * The last batch that was committed over the connection, whichever way it was appended; zeroes if
 * there was none.  The connection is one as above, in a transaction or not, and not behind a pooler
 * in transaction mode.
 *
 * Errors: FACTSTR_UNSUPPORTED as above, and those of the storage.
 */
FACTSTR_API int factstr_last_append(factstr_store *store, void *connection,
									factstr_append_result *result, factstr_error *error);

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
	uint64_t	reserved[2];	/* 0 */
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

	/* Of the whole context, whatever "after" in the query; 0: it is empty. */
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
	size_t		size;			/* of this struct */
	uint64_t	max_count;		/* 0: no limit */
	bool		backwards;		/* the newest fact first */
} factstr_read_options;

#define FACTSTR_READ_OPTIONS_INIT {sizeof(factstr_read_options), 0, false}

/*
 * Opens a cursor over the facts that match and are in the log now; facts appended later do not show
 * up in it.  Its memory does not grow with the log, it holds no lock and no transaction between
 * calls.  options may be NULL: all facts, forwards.  Close it before the store.  Errors:
 * FACTSTR_MALFORMED, FACTSTR_MISUSE (the options), and those of the storage.
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

/* The record of one redaction; see factstr_redact. */
typedef struct factstr_redaction
{
	uint64_t	sequence_number;	/* of the fact */
	int64_t		redacted_at;	/* microseconds since 1970-01-01 UTC */
	const char *redacted_by;	/* a role of the server, or a user of the operating system */
	const char *reason;
	uint64_t	reserved[2];	/* 0 */
} factstr_redaction;

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
 * The first max_batches committed batches after a position that hold a match.  To go on, pass the
 * last last_sequence_number of the list; an empty list means that there are none yet.  On success
 * *list is new, and is freed with factstr_batch_list_free, which takes NULL too.
 */
FACTSTR_API int factstr_batches(factstr_store *store, const char *event_query,
								uint64_t after_sequence_number, size_t max_batches,
								factstr_batch_list **list, factstr_error *error);
FACTSTR_API void factstr_batch_list_free(factstr_batch_list *list);

/* The same, of every fact, with the idempotency keys and redactions: what factstr_import takes. */
FACTSTR_API int factstr_export(factstr_store *store, uint64_t after_sequence_number,
							   size_t max_batches, factstr_batch_list **list, factstr_error *error);

/*
 * Takes over batches of another log as they are: numbers, times, batches, keys and redactions.
 * Together all or nothing.  The first must continue this log without a gap, and each the one before, otherwise it
 * is FACTSTR_MALFORMED; so an import that broke off goes on after the newest fact that is there.
 * Streams get the batches like any other.
 *
 * If all numbers are 0, of the batches and of their facts, they are given out, in order.  Then a
 * batch whose key is known is passed by if its events are equal, so that such an import can be
 * repeated; with other events it is FACTSTR_IDEMPOTENCY_KEY_REUSED.  Times need not rise.  Batches
 * without numbers have no redactions.
 *
 * *result is what was stored, with numbers of 0 if that is nothing; result may be NULL.
 */
FACTSTR_API int factstr_import(factstr_store *store, const factstr_batch *batches, size_t count,
							   factstr_append_result *result, factstr_error *error);

/*
 * Redaction
 */

/*
 * Erases what a fact says: payload and metadata, both JSON, take the place of what it had; metadata
 * NULL: it has none from now on.  Number, type, time, batch and idempotency key stay.  That it was
 * done is on record for good: when, by whom (the role of the server, or the user of the operating
 * system) and why.  reason is a text that is not empty, and should not repeat what is erased.  A fact
 * may be redacted again, which is one more record.
 *
 * Every read and delivery that begins later sees what the fact says now, and finds it by that.  An
 * append that is repeated with its key is found, with whatever payload: of a redacted fact only the
 * type is compared.  Messages in last_error of durable streams are erased too, since they may quote a
 * payload.
 *
 * *traces_remain, which may be NULL, tells whether the storage still holds the old text.  In memory it
 * does not.  A SQLite file does while another connection reads from before the redaction: the call
 * waits a second for that, and then the next commit or opening that can finishes it.  A PostgreSQL
 * database does until VACUUM has run; docs/operations.md lists the places.
 *
 * Errors: FACTSTR_MALFORMED (no such fact, no JSON, metadata that is no object, no reason), FACTSTR_MISUSE
 * (from a handler that has a transaction), and those of the storage.
 */
FACTSTR_API int factstr_redact(factstr_store *store, uint64_t sequence_number,
							   const char *payload, const char *metadata, const char *reason,
							   bool *traces_remain, factstr_error *error);

typedef struct factstr_redaction_list
{
	size_t		count;
	const factstr_redaction *redactions;	/* by fact and then by time */
} factstr_redaction_list;

/*
 * The redactions of facts after a number: max_count of them or, so that all of a fact come together,
 * a few more.  To go on, pass the last sequence_number of the list; an empty list is the end.  On
 * success *list is new, and is freed with factstr_redaction_list_free, which takes NULL too.
 */
FACTSTR_API int factstr_redactions(factstr_store *store, uint64_t after_sequence_number,
								   size_t max_count, factstr_redaction_list **list,
								   factstr_error *error);
FACTSTR_API void factstr_redaction_list_free(factstr_redaction_list *list);

/*
 * Brings a copy up to date: takes over those redactions of an exported batch, which this log has with
 * the same numbers, that are not on record here.  A fact whose newest redaction is among them says
 * what it says in the batch from then on.  Repeated, it does nothing, or what a failure has left.
 * *imported_count, which may be NULL, is how many records were new.
 *
 * Errors: FACTSTR_MALFORMED if this log has no such facts, or facts of another type or time; otherwise
 * as factstr_redact.
 */
FACTSTR_API int factstr_import_redactions(factstr_store *store, const factstr_batch *batch,
										  uint64_t *imported_count, factstr_error *error);

/*
 * Streams
 *
 * A stream delivers committed batches, one after the other, in order, filtered by its query; batches
 * without a match are not delivered.  Batches of other processes are delivered too.  A durable stream
 * has a name and a cursor that are kept in the store; a live one lasts as long as its handle.
 *
 * A stream with a handler has a thread, which calls it.  The thread has a stack of 2 MB, or what is the
 * default if that is more.  A stream without one is pulled: see factstr_stream_next.
 *
 * A handler that fails gets the same batch again after a pause, which grows from a quarter of a
 * second to a minute; it never gets a later one first.  Other streams notice nothing.  A handler
 * may append, query, subscribe and unsubscribe, its own stream too; it must not close the store.
 */
typedef struct factstr_stream factstr_stream;

/*
 * Takes one batch, which is valid during the call.  Returns FACTSTR_OK for success, anything else for
 * failure.  *error, which is zeroed and not NULL, may be filled with the reason, as by any function
 * of this header that is given it: its message becomes that of factstr_stream_state, and of last_error
 * in the status of a durable stream.
 */
typedef int (*factstr_handler) (const factstr_batch *batch, void *context, factstr_error *error);

/*
 * Fills an error with a code and a message, of which what does not fit is cut, and returns the code.
 * For handlers that are written in languages that do not declare the struct.
 */
FACTSTR_API int factstr_error_set(factstr_error *error, int code, const char *message);

/*
 * Says that the stream has ended, once, after its last delivery and before destroy, on its thread.
 * reason->code is FACTSTR_OK if it was ended through its handle, FACTSTR_CLOSED if its store is being
 * closed, FACTSTR_STREAM_ACTIVE if another consumer has taken the durable stream over, and
 * FACTSTR_NO_SUCH_STREAM if it was dropped.  Not called if opening the stream fails.  What a handler
 * must not do, this must not do either.
 */
typedef void (*factstr_ended) (const factstr_error *reason, void *context);

/* Gives back what a handler was given; see factstr_stream_open. */
typedef void (*factstr_destroy) (void *context);

/* Where a new stream begins.  A durable one that exists goes on after its cursor. */
typedef enum factstr_stream_start
{
	FACTSTR_FROM_DEFAULT,		/* a durable stream with the first fact, a live one with the next */
	FACTSTR_FROM_FIRST,			/* with the first fact */
	FACTSTR_FROM_NOW,			/* with the first fact after it was opened */
	FACTSTR_FROM_AFTER			/* after after_sequence_number; a live stream only */
} factstr_stream_start;

#define FACTSTR_MOST_PARTITIONS 1024
#define FACTSTR_ANY_PARTITION (-1)

typedef struct factstr_stream_options
{
	size_t		size;			/* of this struct */

	/*
	 * How long to wait, in milliseconds, while another consumer has the durable stream, before it is
	 * FACTSTR_STREAM_ACTIVE; 0: not at all, negative: for as long as it takes.
	 */
	int64_t		timeout_ms;

	/*
	 * The cursor of a durable stream moves after so many batches, and at the latest so many
	 * milliseconds after the first of them; it never waits for batches that have not come yet.  So
	 * catching up costs one commit for many batches, and a consumer that dies gets those again that
	 * its cursor has not moved over.  In transactional deliveries the batches share one transaction,
	 * so nothing is done twice; if the handler fails, the batches before come again, each in a
	 * transaction of its own.  0 batches: 1; 0 ms: 100; negative: no limit.
	 */
	size_t		ack_batches;
	int64_t		ack_ms;
	uint64_t	after_sequence_number;	/* for FACTSTR_FROM_AFTER */
	factstr_ended ended;		/* or NULL */
	factstr_destroy destroy;	/* or NULL */

	/*
	 * With both, the durable stream has so many partitions, 1 to FACTSTR_MOST_PARTITIONS, by the value
	 * at the key, a path such as $.account: facts with equal values come to the same partition, in
	 * order.  Each is a durable stream, NAME#0, NAME#1 and so on; all are made by the first call.  This
	 * one consumes the partition with that number, or one that is free.  The name alone stands for all
	 * of them in factstr_stream_seek, factstr_stream_drop and factstr_wait.
	 */
	const char *partition_key;	/* NULL: there are none */
	uint32_t	partitions;		/* 0: there are none */
	int32_t		partition;		/* from 0, or FACTSTR_ANY_PARTITION */
	factstr_stream_start start;

	/*
	 * Each delivery has a transaction of the store's database around it, in which the cursor moves
	 * too: what the handler writes there is committed exactly once, or not at all.  The transaction
	 * is batch->transaction, a "sqlite3 *" or "PGconn *", which the handler must neither commit nor
	 * roll back.  factstr_stream_seek and _drop, of other streams, are part of it.  While the handler
	 * has one, it must not append but with factstr_append_at_commit, nor import, open a durable stream,
	 * or wait for one (FACTSTR_MISUSE),
	 * and factstr_stream_free waits for no other handler.  Statements that it leaves in the middle of
	 * their rows are reset.  Other writers of a SQLite file wait for the handler: those of this store
	 * as long as it takes, others up to their busy timeout.  The memory store has no transactions:
	 * FACTSTR_UNSUPPORTED.  Durable streams only.
	 */
	bool		transactional;

	/*
	 * What is already in the store is delivered on the stream's thread as well, and the call that
	 * opens a durable stream returns without waiting for it.  Then no handler is ever called on a
	 * thread of the program's.
	 */
	bool		in_background;
} factstr_stream_options;

#define FACTSTR_STREAM_OPTIONS_INIT \
	{sizeof(factstr_stream_options), 0, 0, 0, 0, NULL, NULL, NULL, 0, FACTSTR_ANY_PARTITION, \
		FACTSTR_FROM_DEFAULT, false, false}

/*
 * Opens a stream.  name is NULL for a live one, event_query NULL for every fact, handler NULL for one
 * that is pulled.  options may be NULL: the defaults.
 *
 * A live stream delivers what is appended from now on, or from where options->start says.
 *
 * A durable stream goes on strictly after its cursor, which moves to the end of a batch when the
 * handler has succeeded; a new one begins where options->start says.  Unless it is opened with
 * in_background, what is already in the store is delivered first, on the caller's thread, before the
 * call returns; if the handler fails there, the call fails with FACTSTR_HANDLER_FAILED and the cursor
 * stays before the failed batch.  From then on batches come on the library's threads.
 *
 * *stream is new, and is set before the handler can be called, so the handler may unsubscribe or free
 * it then, and other threads too: no delivery begins after that, and the call returns FACTSTR_OK, with
 * *stream NULL if it was freed.  If the call fails, *stream is NULL, and whatever was copied from it
 * is not valid.  End a stream with factstr_stream_free, which waits, or factstr_stream_cancel, which
 * does not.
 *
 * context is passed to the handler, and to ended and destroy.  If the call has succeeded, destroy,
 * unless it is NULL, is called with it exactly once: when the last delivery is over and the handle has
 * been freed.  That is before factstr_stream_free returns, unless it is called from a handler; then,
 * and after factstr_stream_cancel, it may be a little later, on the stream's thread, and before
 * factstr_close returns.  What a handler must not do, destroy must not do either, and after
 * factstr_close it must not use the store.  If the call has failed, context is the caller's as before.
 *
 * A name has one consumer at a time, over all processes; that of a process that died is free at
 * once.  While a stream pauses after a failure, another consumer may take it over: then this one
 * ends without another delivery.
 *
 * Errors: FACTSTR_MALFORMED ("after" is not allowed in the query), FACTSTR_MISUSE (the options), those
 * of the storage, and for durable streams FACTSTR_STREAM_QUERY_DIFFERS (compared as queries, not as
 * text, partitions included), FACTSTR_STREAM_ACTIVE, FACTSTR_HANDLER_FAILED.
 */
FACTSTR_API int factstr_stream_open(factstr_store *store, const char *name,
									const char *event_query, factstr_handler handler,
									void *context, const factstr_stream_options *options,
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
 * The same without waiting for anybody: a handler that is running ends when it does, and then ended
 * and destroy are called on the stream's thread.  For callers that the handler itself may wait for, as
 * the thread of an event loop does.  destroy is called before this returns if the stream has ended
 * before.  NULL is harmless.
 */
FACTSTR_API void factstr_stream_cancel(factstr_stream *stream);

/*
 * Pulling: a stream that was opened without a handler gives its batches when it is asked.  Nothing runs
 * on another thread for it, and nobody is called.  A consumer asks, does its work, and acknowledges:
 *
 *		while (factstr_stream_next(stream, 100, -1, &list, &error) == FACTSTR_OK)
 *		{
 *			for (size_t i = 0; i < list->count; i++)
 *				apply(&list->batches[i]);
 *			factstr_stream_ack(stream, list->batches[list->count - 1].last_sequence_number, &error);
 *			factstr_batch_list_free(list);
 *		}
 *
 * Such a stream is in one of these calls at a time: FACTSTR_MISUSE while another thread is in one.  They
 * may be made by different threads, one after the other.  FACTSTR_MISUSE too if the stream has a
 * handler or was unsubscribed; FACTSTR_CLOSED when its store is being closed or has been; and
 * FACTSTR_STREAM_ACTIVE or FACTSTR_NO_SUCH_STREAM from when another consumer has taken the durable stream
 * over or it was dropped, which a call learns of that needs the name: all but a look for batches.
 */

/*
 * The next max_batches batches at most, after those that were given before, whether these have been
 * acknowledged or not.  Waits for the first of them up to timeout_ms milliseconds; 0: not at all,
 * negative: as long as it takes.  If there is none in time, the list is empty.  On success *list is new,
 * and is freed with factstr_batch_list_free.  After an error the same batches may be asked for again.
 */
FACTSTR_API int factstr_stream_next(factstr_stream *stream, size_t max_batches,
									int64_t timeout_ms, factstr_batch_list **list,
									factstr_error *error);

/*
 * All batches up to the one that ends with this fact are done with: moves the cursor there, on disk
 * when the call returns.  Up to where it is already, nothing is done.  FACTSTR_MALFORMED beyond the last
 * batch that was given.
 */
FACTSTR_API int factstr_stream_ack(factstr_stream *stream, uint64_t sequence_number,
								   factstr_error *error);

/*
 * What was given and is not acknowledged could not be done: it is given again by the next call, before
 * anything later.  message says why, for last_error and failure_count in the status.  Until that call
 * the durable stream has no consumer, and another one may take it over.
 */
FACTSTR_API int factstr_stream_fail(factstr_stream *stream, const char *message,
									factstr_error *error);

/*
 * A descriptor for poll, select or an event loop, in *fd: it can be read from while factstr_stream_next
 * may have something to give, an error too, without waiting; one such call makes it quiet again if there
 * is nothing.  Only poll it; do not read from it or close it.  It is the stream's, and valid until the
 * handle is freed.
 */
FACTSTR_API int factstr_stream_fd(factstr_stream *stream, int *fd, factstr_error *error);

/*
 * Is the stream still going to deliver?  FACTSTR_OK; or FACTSTR_HANDLER_FAILED or an error of the
 * storage, while it pauses after that; or FACTSTR_STREAM_ACTIVE or FACTSTR_NO_SUCH_STREAM when it
 * has ended because the durable stream was taken over or dropped; or FACTSTR_MISUSE when it was
 * unsubscribed.  *error has the words, for FACTSTR_HANDLER_FAILED those of the handler.
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
	int64_t		lag_us;			/* the age of the first of them, in microseconds; 0: none */
	int64_t		last_success_at;	/* when the cursor moved last; 0 if never */
	uint32_t	failure_count;	/* in a row */
	const char *last_error;		/* NULL if there was none */
	int64_t		last_failed_at; /* 0 if never */
	int64_t		retry_at;		/* 0 if it does not pause */
	bool		active;			/* a consumer has it now */
	uint64_t	reserved[4];
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

/*
 * Forgets a durable stream.  Errors: FACTSTR_NO_SUCH_STREAM, FACTSTR_STREAM_ACTIVE, FACTSTR_MALFORMED
 * (a partition, which is dropped together with the others).
 */
FACTSTR_API int factstr_stream_drop(factstr_store *store, const char *name, factstr_error *error);

/*
 * Returns when the cursor of the durable stream has got to the fact, for reading one's own writes;
 * FACTSTR_WAIT_TIMED_OUT if it has not within timeout_ms milliseconds; 0: look once, negative: no
 * limit.  Not from the handler of that stream, which would wait for itself.
 */
FACTSTR_API int factstr_wait(factstr_store *store, const char *name, uint64_t sequence_number,
							 int64_t timeout_ms, factstr_error *error);

/*
 * The JSON boundary, for adapters in other languages: the same calls with whole requests and
 * results as JSON documents, and no structs to be declared again.
 *
 * *result is always set on return (NULL only when out of memory), and is freed with
 * factstr_json_free.  It is
 *
 *		on FACTSTR_OK			the result document, described with each function
 *		on FACTSTR_CONFLICT		{"expected_context_version": 3, "actual_context_version": 7},
 *								with null for an empty context; of factstr_json_append_unless
 *								{"after_sequence_number": 3, "actual_context_version": 7}
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
									   uint64_t expected_context_version,
									   const char *idempotency_key, char **result);
FACTSTR_API int factstr_json_append_unless(factstr_store *store, const char *events,
										   const char *context_query,
										   uint64_t after_sequence_number,
										   const char *idempotency_key, char **result);

/*
 * Result: {"event_records": [...], "last_returned_sequence_number": n or null,
 * "current_context_version": n or null}.
 */
FACTSTR_API int factstr_json_query(factstr_store *store, const char *event_query, char **result);

/*
 * payload, metadata and reason as for factstr_redact.  Result: {"traces_remain": false}.
 */
FACTSTR_API int factstr_json_redact(factstr_store *store, uint64_t sequence_number,
									const char *payload, const char *metadata, const char *reason,
									char **result);

/*
 * Result: [{"sequence_number": 1, "redacted_at": "2026-01-31T08:15:30.123456Z", "redacted_by": "...",
 * "reason": "..."}, ...].
 */
FACTSTR_API int factstr_json_redactions(factstr_store *store, uint64_t after_sequence_number,
										size_t max_count, char **result);

/*
 * Takes one delivery, {"first_sequence_number": 1, "last_sequence_number": 2, "event_records": [...]},
 * with the numbers of the whole batch.  Otherwise as factstr_handler; factstr_error_set fills *error.
 */
typedef int (*factstr_json_handler) (const char *delivery, void *context, factstr_error *error);

/* The same as factstr_ended; reason is {"code": "closed", "message": "..."}, with "ok" and "". */
typedef void (*factstr_json_ended) (const char *reason, void *context);

/*
 * The same as factstr_stream_open.  options is an object, or NULL, with the names of the arguments and
 * options that are not the default: {"name": "balances", "event_query": {...}, "start": "first", "now" or
 * a number, after which it begins, "timeout_ms": 5000, "ack_batches": 1000, "ack_ms": 100,
 * "transactional": false, "in_background": true, "partition_key": "$.account", "partitions": 4,
 * "partition": 2, without which it is any}.
 * ended and destroy may be NULL.  Result: {}.
 */
FACTSTR_API int factstr_json_stream_open(factstr_store *store, const char *options,
										 factstr_json_handler handler, factstr_json_ended ended,
										 void *context, factstr_destroy destroy,
										 factstr_stream **stream, char **result);

/*
 * The same as factstr_stream_next, _ack and _fail.  Result: an array of deliveries as handlers get them;
 * {} for the others.
 */
FACTSTR_API int factstr_json_stream_next(factstr_stream *stream, size_t max_batches,
										 int64_t timeout_ms, char **result);
FACTSTR_API int factstr_json_stream_ack(factstr_stream *stream, uint64_t sequence_number,
										char **result);
FACTSTR_API int factstr_json_stream_fail(factstr_stream *stream, const char *message,
										 char **result);

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
