/*
 * sqlite_streams.c
 *		Durable streams of the SQLite store: traces of a handler in its transaction, and the file
 *		that consumers lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/recording.h"
#include "lib/sqlite_files.h"
#include "lib/stores.h"

static const factstr_stream_options transactional = {
	.size = sizeof(transactional), .transactional = true
};

static factstr_stream *
open_stream(factstr_store *store, const factstr_stream_options *options, recording *of)
{
	factstr_stream *stream;
	factstr_error error;

	if (factstr_stream_open(store, "s", NULL, recording_handler, of, options, &stream, &error) != FACTSTR_OK)
		tap_bail_out("the stream cannot be opened: %s", error.message);
	return stream;
}

/*
 * Handlers that leave something that runs in the connection of their transaction.
 */
static sqlite3_stmt *statements_left[8];
static sqlite3_blob *blob_left;
static int	left_count;

static void
leave_statement(sqlite3 *db, const char *sql)
{
	sqlite3_stmt **statement = &statements_left[left_count++];

	if (sqlite3_prepare_v2(db, sql, -1, statement, NULL) != SQLITE_OK ||
		sqlite3_step(*statement) != SQLITE_ROW)
		tap_bail_out("%s: %s", sql, sqlite3_errmsg(db));
}

static int
leaves_a_write(recording *self, const factstr_batch *batch)
{
	(void) self;
	leave_statement(batch->transaction, "INSERT INTO effects (number) VALUES (1), (2)"
					" RETURNING number");
	return 0;
}

static int
leaves_a_read(recording *self, const factstr_batch *batch)
{
	(void) self;
	leave_statement(batch->transaction, "SELECT number FROM effects");
	return 0;
}

static int
leaves_a_read_and_fails(recording *self, const factstr_batch *batch)
{
	leave_statement(batch->transaction, "SELECT number FROM effects");
	return self->calls > 1 ? 0 : 1;
}

static int
leaves_a_blob(recording *self, const factstr_batch *batch)
{
	if (self->calls > 1)
		return 0;
	if (sqlite3_blob_open(batch->transaction, "main", "effects", "text", 1, 1,
						  &blob_left) != SQLITE_OK)
		tap_bail_out("no blob handle: %s", sqlite3_errmsg(batch->transaction));
	return 0;
}

/* Three batches, each appended when the cursor is at the one before. */
static void
ok_carries_on(const char *what, int (*action) (recording *self, const factstr_batch *batch),
			  int calls)
{
	recording	of = RECORDING_INIT;
	char		name[40];
	factstr_store *store;
	factstr_stream *stream;

	left_count = 0;
	of.action = action;
	(void) snprintf(name, sizeof(name), "left-%s.db", what);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == ' ' ? '-' : *c;
	sqlite_new_file(name, "?busy_timeout_ms=200");
	sqlite_run("PRAGMA journal_mode = WAL");
	store = sqlite_open();
	sqlite_run("CREATE TABLE effects (number INTEGER, text TEXT);"
			   "INSERT INTO effects VALUES (0, 'some text'), (0, 'some text')");
	stream = open_stream(store, &transactional, &of);
	for (int i = 1; i <= 3; i++)
	{
		(void) store_append(store, "t", NULL, NULL);
		ok_int_soon((int64_t) store_cursor(store, "s"), i, "%s: the stream carries on to batch %d",
					what, i);
	}
	ok_int(recording_calls(&of), calls, "%s: so many deliveries", what);
	(void) factstr_stream_close(stream, -1);
	for (int i = 0; i < left_count; i++)
		(void) sqlite3_finalize(statements_left[i]);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_what_handlers_leave(void)
{
	ok_carries_on("a write that was not reset", leaves_a_write, 3);
	ok_str(sqlite_ask("SELECT count(*) FROM effects WHERE number > 0"), "6",
		   "its writes are committed");
	ok_carries_on("a read that was not reset", leaves_a_read, 3);
	ok_carries_on("a read that was not reset by a handler that fails", leaves_a_read_and_fails, 4);

	/* A handle of a blob cannot be taken away from a handler, so its delivery fails. */
	ok_carries_on("a blob that was not closed", leaves_a_blob, 4);
	(void) sqlite3_blob_close(blob_left);
}

/*
 * A handler that is slower than the busy timeout: others of the same store wait for it.
 */
typedef struct appending
{
	factstr_store *store;
	pthread_t	thread;
	atomic_bool has_returned;
	int			code;
	factstr_error error;
} appending;

static void *
append_one(void *argument)
{
	appending  *self = argument;

	self->code = store_append(self->store, "t", NULL, &self->error);
	atomic_store(&self->has_returned, true);
	return NULL;
}

static void
start_appending(appending *self, factstr_store *store)
{
	self->store = store;
	atomic_init(&self->has_returned, false);
	if (pthread_create(&self->thread, NULL, append_one, self) != 0)
		tap_bail_out("no thread can be made");
}

/* Long enough for a call that gives up to have given up. */
static bool
returns_early(appending *self)
{
	int64_t		deadline = fs_deadline(300);

	while (!atomic_load(&self->has_returned) && fs_time_left(deadline) > 0)
		(void) usleep(1000);
	return atomic_load(&self->has_returned);
}

static void
test_slow_handler(void)
{
	recording	of = RECORDING_INIT;
	appending	patient;
	appending	interrupted;
	factstr_store *store;
	factstr_stream *stream;

	sqlite_new_file("slow.db", "?busy_timeout_ms=10");
	store = sqlite_open();
	stream = open_stream(store, &transactional, &of);
	recording_hold(&of, true);
	(void) store_append(store, "t", NULL, NULL);
	ok(recording_await_calls(&of, 1), "a handler has a transaction");

	start_appending(&interrupted, store);
	ok(!returns_early(&interrupted), "an append waits for it, longer than the busy timeout");
	factstr_interrupt(store);
	ok_int(pthread_join(interrupted.thread, NULL), 0, "that can be interrupted");
	ok_code(interrupted.code, FACTSTR_INTERRUPTED, &interrupted.error, "then it stores nothing");

	start_appending(&patient, store);
	ok(!returns_early(&patient), "another one waits as well");
	recording_hold(&of, false);
	ok_int(pthread_join(patient.thread, NULL), 0, "until the handler has returned");
	ok_code(patient.code, FACTSTR_OK, &patient.error, "and succeeds");
	ok_int((int64_t) store_head(store), 2, "two facts are stored");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * A handler that has a transaction frees a stream whose handler waits for that transaction's end.
 */
static int
appends(recording *self, const factstr_batch *batch)
{
	factstr_error error = {0};

	(void) batch;
	(void) AWAIT(recording_result(self->other) == 1);
	recording_set_result(self, 1);
	ok_code(store_append(self->store, "t", NULL, &error), FACTSTR_OK, &error,
			"a handler appends when the other's transaction has ended");
	return 0;
}

static int
frees_the_other(recording *self, const factstr_batch *batch)
{
	if (batch->first_sequence_number == 1)
	{
		recording_set_result(self, 1);
		(void) AWAIT(recording_result(self->other) == 1);
		(void) factstr_stream_close(self->stream, -1);
	}
	return 0;
}

static void
test_freeing_in_a_transaction(void)
{
	recording	freeing = RECORDING_INIT;
	recording	freed = RECORDING_INIT;
	factstr_store *store;
	factstr_stream *stream;
	factstr_error error;

	sqlite_new_file("freeing.db", "");
	store = sqlite_open();
	freed.store = store;
	freed.action = appends;
	freed.other = &freeing;
	freeing.action = frees_the_other;
	freeing.other = &freed;
	if (factstr_stream_open(store, NULL, NULL, recording_handler, &freed, NULL, &freeing.stream,
							&error) != FACTSTR_OK)
		tap_bail_out("the stream cannot be opened: %s", error.message);
	stream = open_stream(store, &transactional, &freeing);
	(void) store_append(store, "t", NULL, NULL);
	ok_int_soon((int64_t) store_cursor(store, "s"), 2,
				"a handler in a transaction frees a stream without waiting for its handler");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * The file that consumers lock is deleted while one of them is active.
 */
static void
test_deleted_lock_file(void)
{
	recording	first = RECORDING_INIT;
	recording	second = RECORDING_INIT;
	factstr_store *store;
	factstr_store *other;
	factstr_stream *stream;
	factstr_stream *successor;
	char		lock_path[300];
	factstr_error error = {0};

	sqlite_new_file("unlocked.db", "");
	store = sqlite_open();
	other = sqlite_open();
	stream = open_stream(store, NULL, &first);
	(void) store_append(store, "t", NULL, NULL);
	ok_int_soon((int64_t) store_cursor(store, "s"), 1, "a consumer is active");

	(void) snprintf(lock_path, sizeof(lock_path), "%s-streams", sqlite_path);
	ok_int(unlink(lock_path), 0, "the file that consumers lock is deleted");
	successor = open_stream(other, NULL, &second);
	for (int i = 2; i <= 4; i++)
	{
		(void) store_append(store, "t", NULL, NULL);
		ok_int_soon((int64_t) store_cursor(store, "s"), i, "batch %d is delivered", i);
	}
	ok_code_soon(factstr_stream_state(stream, &error), FACTSTR_STREAM_ACTIVE, &error,
				 "the consumer whose lock was deleted has ended");
	ok_contains(error.detail, "unlocked.db-streams", "its error names the file");
	ok_cmp(recording_calls(&first), "<=", 2, "it has delivered one batch more at most");
	ok_recorded_now(&second, "2-2(2) 3-3(3) 4-4(4)", "its successor delivers all");
	ok_code(factstr_stream_state(successor, &error), FACTSTR_OK, &error, "and is active");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_close(successor, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(other, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	sqlite_begin();
	test_what_handlers_leave();
	test_slow_handler();
	test_freeing_in_a_transaction();
	test_deleted_lock_file();
	return sqlite_end();
}
