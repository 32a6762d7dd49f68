/*
 * closing.c
 *		Tests of ending calls: by closing the store they are in, and by interrupting them.
 */
#include <limits.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/json_text.h"

#include "lib/faulty_store.h"
#include "lib/recording.h"
#include "lib/sqlite_files.h"
#include "lib/waiting.h"

#define MANY_BATCHES 300

/* One call on a separate thread, and its result. */
typedef struct one_call
{
	factstr_store *store;
	recording  *handler;
	int			code;
	factstr_error error;
} one_call;

static void
wait_for_fact(void *context)
{
	one_call   *call = context;

	call->code = factstr_wait(call->store, "s", 1000, -1, &call->error);
}

static void
wait_for_name(void *context)
{
	one_call   *call = context;
	const factstr_stream_options options = {.size = sizeof(options), .timeout_ms = -1};
	factstr_stream *stream;

	call->code = factstr_stream_open(call->store, "s", NULL, recording_handler, call->handler,
									 &options, &stream, &call->error);
}

static void
append(void *context)
{
	one_call   *call = context;

	call->code = store_append(call->store, "a", NULL, &call->error);
}

static void
query_until_it_fails(void *context)
{
	one_call   *call = context;
	factstr_query_result *result;

	while ((call->code = factstr_query(call->store, NULL, &result, &call->error)) == FACTSTR_OK)
		factstr_query_result_free(result);
}

static void
close_store(void *context)
{
	one_call   *call = context;

	call->code = factstr_close(call->store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static factstr_stream *
consume(factstr_store *store, recording *handler)
{
	factstr_stream *stream;
	factstr_error error;

	if (factstr_stream_open(store, "s", NULL, recording_handler, handler, NULL, &stream, &error) !=
		FACTSTR_OK)
		tap_bail_out("%s", error.message);
	return stream;
}

/* A call that would wait forever is ended by closing the store, or by interrupting it. */
static void
test_waiting_call(void (*run) (void *context), bool closes, int code, const char *name)
{
	factstr_store *store = faulty_open();
	recording	handler = RECORDING_INIT;
	factstr_stream *stream = consume(store, &handler);
	one_call	call = {.store = store, .handler = &handler};
	waiting_call waiting;

	waiting_start(&waiting, run, &call);
	ok(waiting_is_reached(&waiting), "%s waits", name);
	if (closes)
		ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing does not");
	else
		factstr_interrupt(store);
	ok(waiting_ends(&waiting), "%s ends", name);
	ok_code(call.code, code, &call.error, "%s: %s", name, call.error.message);
	if (!closes)
	{
		(void) store_append_batch(store, "a", 1);
		ok_recorded(&handler, "1-1(1)", "streams continue");
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	(void) factstr_stream_close(stream, -1);
}

/* Everything that can be called while the store is being closed. */
static void
ok_calls_are_refused(factstr_store *store, factstr_cursor *cursor)
{
	const factstr_batch batch = {
		.first_sequence_number = 1, .last_sequence_number = 1, .fact_count = 1,
		.facts = &(factstr_fact) {.sequence_number = 1, .event_type = "a", .payload = "1"}
	};
	recording	handler = RECORDING_INIT;
	factstr_error error;
	const factstr_fact *fact;
	union
	{
		factstr_query_result *query;
		factstr_batch_list *batches;
		factstr_stream_status_list *streams;
		factstr_stream *stream;
		factstr_cursor *cursor;
		uint64_t	number;
		char	   *text;
	}			out;

	ok_code(store_append(store, "a", NULL, &error), FACTSTR_CLOSED, &error, "append: %s",
			error.message);
	ok_code(factstr_query(store, NULL, &out.query, NULL), FACTSTR_CLOSED, NULL, "query");
	ok_null(out.query, "with no result");
	ok_code(factstr_context_version(store, NULL, &out.number, NULL), FACTSTR_CLOSED, NULL,
			"context_version");
	ok_code(factstr_read_open(store, NULL, NULL, &out.cursor, NULL), FACTSTR_CLOSED, NULL,
			"read_open");
	ok_code(factstr_read_next(cursor, &fact, NULL), FACTSTR_CLOSED, NULL, "read_next");
	ok_code(factstr_batches(store, NULL, 0, 1, &out.batches, NULL), FACTSTR_CLOSED, NULL,
			"batches");
	ok_code(factstr_export(store, 0, 1, &out.batches, NULL), FACTSTR_CLOSED, NULL, "export");
	ok_code(factstr_import(store, &batch, 1, NULL, NULL), FACTSTR_CLOSED, NULL, "import");
	ok_code(factstr_stream_open(store, NULL, NULL, recording_handler, &handler, NULL, &out.stream,
								NULL),
			FACTSTR_CLOSED, NULL, "a live stream");
	ok_code(factstr_stream_open(store, "t", NULL, recording_handler, &handler, NULL, &out.stream,
								NULL), FACTSTR_CLOSED, NULL, "a durable stream");
	ok_null(out.stream, "with no stream");
	ok_code(factstr_streams(store, &out.streams, NULL), FACTSTR_CLOSED, NULL, "streams");
	ok_code(factstr_stream_seek(store, "s", 0, NULL), FACTSTR_CLOSED, NULL, "stream_seek");
	ok_code(factstr_stream_drop(store, "s", NULL), FACTSTR_CLOSED, NULL, "stream_drop");
	ok_code(factstr_wait(store, "s", 0, 0, NULL), FACTSTR_CLOSED, NULL, "wait");
	ok_code(factstr_json_append(store, "[{\"event_type\": \"a\", \"payload\": 1}]", NULL,
								&out.text), FACTSTR_CLOSED, NULL, "json_append");
	ok_contains(out.text, "\"code\": \"closed\"", "as a document");
	factstr_json_free(out.text);
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_CLOSED, NULL, "close, a second time");
}

static void
test_calls_while_closing(void)
{
	factstr_store *store = faulty_open();
	recording	handler = RECORDING_INIT;
	factstr_stream *stream = consume(store, &handler);
	one_call	call = {.store = store};
	factstr_cursor *cursor;
	waiting_call closing;

	(void) store_append_batch(store, "a", 100);
	if (factstr_read_open(store, NULL, NULL, &cursor, NULL) != FACTSTR_OK)
		tap_bail_out("no cursor");
	recording_hold(&handler, true);
	(void) store_append_batch(store, "a", 1);
	(void) recording_await_calls(&handler, 2);
	waiting_start(&closing, close_store, &call);
	ok(waiting_is_reached(&closing), "closing waits for a handler");
	ok_calls_are_refused(store, cursor);
	recording_hold(&handler, false);
	ok(waiting_ends(&closing), "closing ends with the handler");
	ok_code(call.code, FACTSTR_OK, NULL, "and is done");
	factstr_read_close(cursor);
	(void) factstr_stream_close(stream, -1);
}

static int
interrupt_store(recording *self, const factstr_batch *batch)
{
	if (batch->last_sequence_number == 2)
		factstr_interrupt(self->store);
	return 0;
}

static void
test_interrupted_replay(void)
{
	factstr_store *store = faulty_open();
	recording	handler = RECORDING_INIT;
	factstr_stream *stream = (factstr_stream *) &handler;
	factstr_error error;

	for (int i = 0; i < 5; i++)
		(void) store_append_batch(store, "a", 1);
	handler.action = interrupt_store;
	handler.store = store;
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &handler, NULL, &stream,
								&error), FACTSTR_INTERRUPTED, &error,
			"a replay is interrupted: %s", error.message);
	ok_null(stream, "no stream is left");
	ok_recorded_now(&handler, "1-1(1) 2-2(2)", "it ends after the batch that is delivered");
	ok_int((int64_t) store_cursor(store, "s"), 2, "where the cursor stays");
	ok_int(faulty_get(&faulty.fails), 0, "that is no failure of the handler");
	handler.action = NULL;
	stream = consume(store, &handler);
	ok_recorded(&handler, "1-1(1) 2-2(2) 3-3(3) 4-4(4) 5-5(5)", "the next consumer continues there");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	factstr_interrupt(NULL);
}

static void
test_interrupted_search(void)
{
	factstr_store *store = store_open("memory:");
	one_call	call = {.store = store};
	waiting_call querying;

	for (int i = 0; i < MANY_BATCHES; i++)
		(void) store_append_batch(store, "a", 100);
	waiting_start(&querying, query_until_it_fails, &call);
	ok(AWAIT((factstr_interrupt(store), atomic_load(&querying.has_returned))),
	   "a search is interrupted");
	(void) waiting_ends(&querying);
	ok_code(call.code, FACTSTR_INTERRUPTED, &call.error, "%s", call.error.message);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static bool
count_down(void *context)
{
	int		   *left = context;

	return --*left <= 0;
}

/* The calls of a thread ask its function, and only they. */
static void
test_interrupt_check(void)
{
	factstr_store *store = faulty_open();
	recording	handler = RECORDING_INIT;
	factstr_stream *stream = consume(store, &handler);
	one_call	call = {.store = store};
	waiting_call waiting;
	factstr_error error;
	factstr_query_result *result;
	int			left = 3;

	waiting_start(&waiting, wait_for_fact, &call);
	ok(waiting_is_reached(&waiting), "a call of another thread waits");
	factstr_set_interrupt_check(count_down, &left);
	ok_code(factstr_wait(store, "s", 1000, -1, &error), FACTSTR_INTERRUPTED, &error, "%s", error.message);
	ok_int(left, 0, "a call that waits asks repeatedly, until it is to end");
	left = INT_MAX;
	for (int i = 0; i < 5; i++)
		(void) store_append_batch(store, "a", 1);
	left = 3;
	ok_code(factstr_query(store, NULL, &result, &error), FACTSTR_INTERRUPTED, &error, "so does a search");
	factstr_set_interrupt_check(NULL, NULL);
	ok_code(factstr_query(store, NULL, &result, &error), FACTSTR_OK, &error, "without the function nothing ends it");
	factstr_query_result_free(result);
	ok(!atomic_load(&waiting.has_returned), "the other thread still waits");
	factstr_interrupt(store);
	(void) waiting_ends(&waiting);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_stream_close(stream, -1);
}

/* So many objects, in an array of a payload and, in the other order, in one of a predicate. */
#define MANY_OBJECTS 200000

static char *
array_of_objects(const char *before, bool ascending, const char *after)
{
	fs_buffer	out = {0};
	char		number[16];

	fs_buffer_append_text(&out, before);
	for (int i = 0; i < MANY_OBJECTS; i++)
	{
		(void) snprintf(number, sizeof(number), "%d", ascending ? i : MANY_OBJECTS - 1 - i);
		fs_buffer_append_text(&out, i == 0 ? "[{\"n\": " : "}, {\"n\": ");
		fs_buffer_append_text(&out, number);
	}
	fs_buffer_append_text(&out, "}]");
	fs_buffer_append_text(&out, after);
	return fs_finish_text(&out);
}

static void
close_soon(void *context)
{
	one_call   *call = context;

	call->code = factstr_close(call->store, 200);
}

/* The search of a stream's thread takes minutes; it has begun before closing gives up. */
static void
test_closing_while_a_stream_searches(void)
{
	factstr_store *store = store_open("memory:");
	char	   *query = array_of_objects("{\"filters\": [{\"payload_predicates\": [", false, "]}]}");
	char	   *payload = array_of_objects("", true, "");
	recording	handler = RECORDING_INIT;
	one_call	call = {.store = store};
	waiting_call closing;
	factstr_stream *stream;

	if (factstr_stream_open(store, NULL, query, recording_handler, &handler, NULL, &stream, NULL) != FACTSTR_OK)
		tap_bail_out("no stream");
	ok_code(store_append(store, "a", payload, NULL), FACTSTR_OK, NULL, "a fact that takes long to match");
	waiting_start(&closing, close_soon, &call);
	ok(waiting_ends(&closing), "closing ends the search of a stream");
	ok_code(call.code, FACTSTR_WAIT_TIMED_OUT, NULL, "and says that something was not delivered");
	ok_recorded_now(&handler, "", "nor was it");
	(void) factstr_stream_close(stream, -1);
	free(payload);
	free(query);
}

/* Another connection holds the file. */
static void
test_append_to_a_busy_file(bool closes, int code)
{
	factstr_store *store;
	one_call	call = {0};
	waiting_call appending;
	sqlite3    *other;

	sqlite_new_file(closes ? "closed" : "interrupted", "?busy_timeout_ms=3600000");
	store = sqlite_open();
	call.store = store;
	if (sqlite3_open(sqlite_path, &other) != SQLITE_OK ||
		sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("the file cannot be held");
	waiting_start(&appending, append, &call);
	ok(waiting_is_reached(&appending), "an append waits for the file");
	if (closes)
		ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing ends that");
	else
		factstr_interrupt(store);
	ok(waiting_ends(&appending), "the append ends");
	ok_code(call.code, code, &call.error, "%s", call.error.message);
	(void) sqlite3_close(other);
	if (!closes)
	{
		ok_int((int64_t) store_head(store), 0, "nothing is stored");
		ok_code(store_append(store, "a", NULL, NULL), FACTSTR_OK, NULL, "the next append is");
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
}

/* The turn is a stream's, whose transaction no interruption ends. */
static void
test_append_behind_a_transaction(bool closes, int code)
{
	factstr_store *store;
	recording	handler = RECORDING_INIT;
	const factstr_stream_options options = {.size = sizeof(options), .transactional = true};
	factstr_stream *stream;
	one_call	call = {0};
	one_call	closing_call = {0};
	waiting_call appending;
	waiting_call closing;

	sqlite_new_file(closes ? "turn_closed" : "turn_interrupted", "?busy_timeout_ms=3600000");
	store = sqlite_open();
	call.store = store;
	closing_call.store = store;
	if (factstr_stream_open(store, "s", NULL, recording_handler, &handler, &options, &stream, NULL) != FACTSTR_OK)
		tap_bail_out("no stream");
	recording_hold(&handler, true);
	(void) store_append(store, "a", NULL, NULL);
	(void) recording_await_calls(&handler, 1);
	waiting_start(&appending, append, &call);
	ok(waiting_is_reached(&appending), "an append waits for a transaction to end");
	if (closes)
		waiting_start(&closing, close_store, &closing_call);
	else
		factstr_interrupt(store);
	ok(waiting_ends(&appending), "the append ends before that");
	ok_code(call.code, code, &call.error, "%s", call.error.message);
	recording_hold(&handler, false);
	if (closes)
		ok(waiting_ends(&closing), "then the handler, and closing");
	else
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_stream_close(stream, -1);
}

int
main(void)
{
	sqlite_begin();
	test_waiting_call(wait_for_fact, true, FACTSTR_CLOSED, "waiting for a cursor");
	test_waiting_call(wait_for_name, true, FACTSTR_CLOSED, "waiting for a name");
	test_waiting_call(wait_for_fact, false, FACTSTR_INTERRUPTED, "waiting for a cursor");
	test_waiting_call(wait_for_name, false, FACTSTR_INTERRUPTED, "waiting for a name");
	test_calls_while_closing();
	test_interrupted_replay();
	test_interrupted_search();
	test_interrupt_check();
	test_closing_while_a_stream_searches();
	test_append_to_a_busy_file(true, FACTSTR_CLOSED);
	test_append_to_a_busy_file(false, FACTSTR_INTERRUPTED);
	test_append_behind_a_transaction(true, FACTSTR_CLOSED);
	test_append_behind_a_transaction(false, FACTSTR_INTERRUPTED);
	return sqlite_end();
}
