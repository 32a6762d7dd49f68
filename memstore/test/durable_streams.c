/*
 * durable_streams.c
 *		Tests of durable streams: replay, names, cursors, waiting for them.
 */
#include "api/store.h"
#include "streams/list.h"
#include "streams/stream.h"

#include "lib/faulty_store.h"
#include "lib/recording.h"
#include "lib/waiting.h"

#define B_FACTS "{\"filters\": [{\"event_types\": [\"b\"]}]}"

static factstr_stream *
open_durable(factstr_store *store, const char *name, recording *recorder)
{
	factstr_stream *stream = NULL;

	(void) factstr_stream_open(store, name, NULL, recording_handler, recorder, NULL, &stream, NULL);
	return stream;
}

static void
test_replay_and_live(void)
{
	factstr_store *store = faulty_open();
	recording	first = RECORDING_INIT;
	recording	again = RECORDING_INIT;
	factstr_stream *stream;

	(void) store_append_batch(store, "a", 2);
	(void) store_append_batch(store, "a", 1);
	stream = open_durable(store, "s", &first);
	ok_recorded_now(&first, "1-2(1,2) 3-3(3)",
					"present facts are delivered before the call returns");
	ok(pthread_equal(first.thread, pthread_self()), "on its thread");
	ok_int(store_cursor(store, "s"), 3, "the cursor is behind it");
	(void) store_append_batch(store, "a", 3);
	ok_recorded(&first, "1-2(1,2) 3-3(3) 4-6(4,5,6)", "then the appended ones");
	ok_int_soon(store_cursor(store, "s"), 6, "and the cursor follows");
	factstr_stream_unsubscribe(stream);
	(void) store_append_batch(store, "a", 1);
	(void) factstr_stream_close(stream, -1);
	ok_int(store_cursor(store, "s"), 6, "unsubscribing keeps the cursor");

	stream = open_durable(store, "s", &again);
	ok_recorded_now(&again, "7-7(7)", "opened again it continues after its cursor");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * The handle exists before the first delivery: all calls work with a stream that replays.
 */
/* A failure after that changes nothing. */
static int
free_itself_and_fail(recording *self, const factstr_batch *batch)
{
	(void) recording_frees(self, batch);
	return 1;
}

static void
append_batches(factstr_store *store, int count)
{
	for (int i = 0; i < count; i++)
		(void) store_append_batch(store, "a", 1);
}

static void
test_ended_replays(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_error error;

	append_batches(store, 1000);
	recorder.action = recording_unsubscribes;
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, NULL,
								&recorder.stream, &error), FACTSTR_OK, &error,
			"a handler unsubscribes its stream in the replay");
	ok_recorded_now(&recorder, "1-1(1)", "and gets nothing more");
	ok_code(factstr_stream_state(recorder.stream, NULL), FACTSTR_MISUSE, NULL, "as its state says");
	(void) factstr_stream_close(recorder.stream, -1);
	ok_int(store_cursor(store, "s"), 1, "the cursor is after the delivered batches");

	recorder.action = recording_frees;
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, NULL,
								&recorder.stream, &error), FACTSTR_OK, &error,
			"a handler frees its stream in the replay");
	ok_null(recorder.stream, "no handle is left");
	ok_recorded_now(&recorder, "1-1(1) 2-2(2)", "it got the next batch");

	recorder.action = free_itself_and_fail;
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, NULL,
								&recorder.stream, &error), FACTSTR_HANDLER_FAILED, &error,
			"a handler frees its stream in the replay, and fails");
	ok_null(recorder.stream, "no handle is left");
	ok_int(store_cursor(store, "s"), 2, "the cursor stays");
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing");
}

static void
open_recording(void *context)
{
	recording  *recorder = context;

	recording_set_result(recorder, factstr_stream_open(recorder->store, "s", NULL,
													   recording_handler, recorder, NULL,
													   &recorder->stream, NULL));
}

static void
free_recording(void *context)
{
	(void) factstr_stream_close(((recording *) context)->stream, -1);
}

/* From another thread, which waits for the handler. */
static void
test_freeing_a_replay(int failures, int code)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	waiting_call opening;
	waiting_call freeing;

	append_batches(store, 1000);
	recorder.store = store;
	recorder.failures_left = failures;
	recording_hold(&recorder, true);
	waiting_start(&opening, open_recording, &recorder);
	(void) recording_await_calls(&recorder, 1);
	waiting_start(&freeing, free_recording, &recorder);
	ok(waiting_is_reached(&freeing), "freeing a stream that replays waits for its handler");
	recording_hold(&recorder, false);
	ok(waiting_ends(&freeing), "freeing ends");
	ok(waiting_ends(&opening), "and so does the replay");
	ok_code(recording_result(&recorder), code, NULL, "the call that opened it");
	ok_int(recording_calls(&recorder), 1, "after the one delivery");
	ok_int((int64_t) store_cursor(store, "s"), failures == 0 ? 1 : 0, "where the cursor is");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_long_replay(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream;

	for (int i = 0; i < 1000; i++)
		(void) store_append_batch(store, i % 10 == 0 ? "b" : "a", 1 + (size_t) i % 3);
	(void) factstr_stream_open(store, "s", B_FACTS, recording_handler, &recorder, NULL, &stream,
							   NULL);
	ok_int(recording_calls(&recorder), 100, "a replay of many lists of batches misses none");
	ok_int(store_cursor(store, "s"), 1999, "and goes to the end of the log");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_from_now(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream_options options = {.size = sizeof(options), .start = FACTSTR_FROM_NOW};
	factstr_stream *stream;

	(void) store_append_batch(store, "a", 2);
	(void) factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &options, &stream,
							   NULL);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "3-3(3)", "a stream may begin with the next fact");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_one_consumer(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream_options waiting_shortly = {.size = sizeof(waiting_shortly), .timeout_ms = 30};
	factstr_stream *stream = open_durable(store, "s", &recorder);
	factstr_stream *second = stream;
	factstr_error error;

	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, NULL, &second,
								&error), FACTSTR_STREAM_ACTIVE, &error,
			"a name has one consumer: %s", error.message);
	ok_null(second, "a second one gets no stream");
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &waiting_shortly,
								&second, &error), FACTSTR_STREAM_ACTIVE, &error,
			"also after some waiting");
	ok_code(factstr_stream_open(store, "s", B_FACTS, recording_handler, &recorder, NULL, &second,
								&error), FACTSTR_STREAM_QUERY_DIFFERS, &error,
			"and one query: %s", error.message);
	(void) factstr_stream_close(stream, -1);
	ok_code(factstr_stream_drop(store, "s", &error), FACTSTR_OK, &error,
			"after freeing, the stream is dropped");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A consumer that waits for the name. */
typedef struct opener
{
	factstr_store *store;
	recording	recorder;
	factstr_stream *stream;
	int			code;
	factstr_error error;
} opener;

static void
open_when_free(void *argument)
{
	opener	   *self = argument;
	factstr_stream_options waiting = {.size = sizeof(waiting), .timeout_ms = -1};

	self->code = factstr_stream_open(self->store, "s", NULL, recording_handler, &self->recorder,
									 &waiting, &self->stream, &self->error);
}

static void
test_waiting_for_a_name(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream = open_durable(store, "s", &recorder);
	opener		next = {.store = store, .recorder = RECORDING_INIT};
	waiting_call opening;

	waiting_start(&opening, open_when_free, &next);
	ok(waiting_is_reached(&opening), "a name that another consumer has is waited for");
	(void) factstr_stream_close(stream, -1);
	ok(waiting_ends(&opening), "until that one leaves");
	ok_code(next.code, FACTSTR_OK, &next.error, "then the stream is opened");
	(void) factstr_stream_close(next.stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * The claim fails since the first stream, which is ending, still has the name; before the claim
 * returns, that stream has ended.
 */
static factstr_store *store_of_claims;
static atomic_bool may_release;

static int
claim_slowly(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			 factstr_error *error)
{
	factstr_stream next = {.store = store_of_claims, .name = (char *) claim->name};
	int			code = fs_memory_store.stream_claim(backend, claim, lease, cursor, error);

	if (code == FACTSTR_STREAM_ACTIVE)
	{
		atomic_store(&may_release, true);
		(void) AWAIT(!fs_streams_name_is_ending(&next));
	}
	return code;
}

static void
release_late(fs_lease *lease)
{
	(void) AWAIT(atomic_load(&may_release));
	fs_memory_store.stream_release(lease);
}

static void
test_name_that_becomes_free(void)
{
	fs_methods	methods = fs_memory_store;
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream;
	factstr_stream *second;
	factstr_error error;

	methods.stream_claim = claim_slowly;
	methods.stream_release = release_late;
	if (fs_open_methods(&methods, "", &store_of_claims, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	stream = open_durable(store_of_claims, "s", &recorder);
	factstr_stream_unsubscribe(stream);
	ok_code(factstr_stream_open(store_of_claims, "s", NULL, recording_handler, &recorder, NULL,
								&second, &error), FACTSTR_OK, &error,
			"a name that becomes free after it was asked for is asked for again");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_close(second, -1);
	(void) factstr_close(store_of_claims, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_name_after_unsubscribing(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream = open_durable(store, "s", &recorder);
	int			opened = 0;

	for (int i = 0; i < 100 && stream != NULL; i++)
	{
		factstr_stream *second;

		factstr_stream_unsubscribe(stream);
		second = open_durable(store, "s", &recorder);
		opened += second != NULL ? 1 : 0;
		(void) factstr_stream_close(stream, -1);
		stream = second;
	}
	ok_int(opened, 100, "after unsubscribing the name can be opened at once");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_unmatched(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream;

	(void) store_append_batch(store, "a", 1);
	(void) factstr_stream_open(store, "s", B_FACTS, recording_handler, &recorder, NULL, &stream,
							   NULL);
	ok_int(store_cursor(store, "s"), 1, "the cursor moves past facts that do not match");
	for (int i = 0; i < 500; i++)
		(void) store_append_batch(store, "a", 1);
	ok_int_soon(store_cursor(store, "s"), 501, "also later, to the end");
	ok_cmp(faulty_get(&faulty.settlements), "<", 100, "not with each batch");
	ok_int(recording_calls(&recorder), 0, "and without a delivery");
	(void) store_append_batch(store, "a", 1);
	(void) factstr_stream_close(stream, -1);
	ok_cmp((int64_t) store_cursor(store, "s"), ">=", 501, "and never back");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static int
wait_for_itself(recording *self, const factstr_batch *batch)
{
	recording_set_result(self, factstr_wait(self->store, "s", batch->last_sequence_number, -1,
											NULL));
	return 0;
}

static void
test_wait(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream;
	factstr_error error;

	recorder.action = wait_for_itself;
	recorder.store = store;
	stream = open_durable(store, "s", &recorder);
	(void) store_append_batch(store, "a", 1);
	ok_code(factstr_wait(store, "s", 1, PATIENCE, &error), FACTSTR_OK, &error,
			"a stream is waited for");
	ok_code(recording_result(&recorder), FACTSTR_MISUSE, NULL, "but not by its own handler");
	ok_code(factstr_wait(store, "s", 2, 20, &error), FACTSTR_WAIT_TIMED_OUT, &error,
			"not for longer than wanted: %s", error.message);
	ok_code(factstr_wait(store, "t", 1, -1, &error), FACTSTR_NO_SUCH_STREAM, &error,
			"and not for nothing: %s", error.message);
	ok_code(factstr_wait(store, "s", UINT64_MAX, -1, &error), FACTSTR_MALFORMED, &error,
			"nor for a number that no fact can have: %s", error.message);
	(void) factstr_stream_close(stream, -1);
	ok_code(factstr_wait(store, "s", 1, 0, &error), FACTSTR_OK, &error,
			"a reached fact is not waited for");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static int
wait_for_other(recording *self, const factstr_batch *batch)
{
	(void) batch;
	recording_set_result(self, factstr_wait(self->store, "other", 1000, -1, NULL));
	return 0;
}

/* A handler that waits for a stream that closing ends: it must not wait forever. */
static void
test_close_while_waiting(void)
{
	factstr_store *store = faulty_open();
	recording	waiting = RECORDING_INIT;
	recording	other = RECORDING_INIT;
	factstr_stream *stream;
	factstr_stream *other_stream;

	waiting.action = wait_for_other;
	waiting.store = store;
	stream = open_durable(store, "s", &waiting);
	other_stream = open_durable(store, "other", &other);
	(void) store_append_batch(store, "a", 1);
	(void) recording_await_calls(&waiting, 1);
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "a store is closed while a handler waits");
	ok_code(recording_result(&waiting), FACTSTR_CLOSED, NULL, "which ends its waiting");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_close(other_stream, -1);
}

/*
 * The replay's handler runs within the other's: neither may close the store or wait for the other.
 */
static int
open_another(recording *self, const factstr_batch *batch)
{
	(void) batch;
	self->other->stream = open_durable(self->store, "inner", self->other);
	return self->other->stream == NULL;
}

/* The codes of closing and waiting. */
static int	close_code;
static int	wait_code;

static int
try_what_must_not_be(recording *self, const factstr_batch *batch)
{
	(void) batch;
	close_code = factstr_close(self->store, FACTSTR_CLOSE_TIMEOUT_MS);
	wait_code = factstr_wait(self->store, "s", 1, -1, NULL);
	recording_set_result(self, 1);
	(void) factstr_stream_close(self->other->stream, -1);
	return 0;
}

static void
test_handler_in_handler(void)
{
	factstr_store *store = faulty_open();
	recording	outer = RECORDING_INIT;
	recording	inner = RECORDING_INIT;

	outer.store = inner.store = store;
	outer.other = &inner;
	inner.other = &outer;
	outer.action = open_another;
	inner.action = try_what_must_not_be;
	outer.stream = open_durable(store, "s", &outer);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&inner, "1-1(1)", "a handler may open a stream");
	ok_recorded(&outer, "1-1(1)", "whose replay is within its own delivery");
	ok_int_soon(recording_result(&inner), 1, "the inner handler comes to its end");
	ok_code(close_code, FACTSTR_MISUSE, NULL, "it must not close the store");
	ok_code(wait_code, FACTSTR_MISUSE, NULL, "nor wait for the outer one's stream");
	ok_int_soon(store_cursor(store, "s"), 1, "and may free that");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_stream_close(inner.stream, -1);
}

int
main(void)
{
	test_replay_and_live();
	test_ended_replays();
	test_freeing_a_replay(0, FACTSTR_OK);
	test_freeing_a_replay(1, FACTSTR_HANDLER_FAILED);
	test_long_replay();
	test_from_now();
	test_one_consumer();
	test_waiting_for_a_name();
	test_name_that_becomes_free();
	test_name_after_unsubscribing();
	test_unmatched();
	test_wait();
	test_close_while_waiting();
	test_handler_in_handler();
	return tap_finish();
}
