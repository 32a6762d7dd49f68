/*
 * durable_streams.c
 *		Tests of durable streams against a store that fails when told to.
 */
#include "fake_store.h"
#include "recorder.h"
#include "stream.h"

#include "tap.h"

#define B_FACTS "{\"filters\": [{\"event_types\": [\"b\"]}]}"

static factstr_stream *
open_durable(factstr_store *store, const char *name, recording *recorder)
{
	factstr_stream *stream = NULL;

	(void) factstr_stream_all_durable(store, name, NULL, record, recorder, &stream, NULL);
	return stream;
}

static uint64_t
cursor_of(factstr_store *store, const char *name)
{
	factstr_stream_status_list *list = NULL;
	uint64_t	cursor = UINT64_MAX;

	(void) factstr_streams(store, &list, NULL);
	for (size_t i = 0; list != NULL && i < list->count; i++)
	{
		if (strcmp(list->streams[i].name, name) == 0)
			cursor = list->streams[i].cursor_sequence_number;
	}
	factstr_stream_status_list_free(list);
	return cursor;
}

static void
test_replay_and_live(void)
{
	factstr_store *store = fake_store_open();
	recording	first = RECORDER_INIT;
	recording	again = RECORDER_INIT;
	factstr_stream *stream;

	(void) append_facts(store, "a", 2);
	(void) append_facts(store, "a", 1);
	stream = open_durable(store, "s", &first);
	(void) tap_ok(recorder_log_is(&first, "1-2(1,2) 3-3(3)") &&
				  pthread_equal(first.thread, pthread_self()),
				  "what is there is delivered before the call returns, on its thread");
	(void) tap_ok(cursor_of(store, "s") == 3, "and the cursor is behind it");
	(void) append_facts(store, "a", 3);
	(void) tap_ok(await_log(&first, "1-2(1,2) 3-3(3) 4-6(4,5,6)"), "then comes what is appended");
	(void) tap_ok(AWAIT(cursor_of(store, "s") == 6), "and the cursor follows");
	factstr_stream_unsubscribe(stream);
	(void) append_facts(store, "a", 1);
	factstr_stream_free(stream);
	(void) tap_ok(cursor_of(store, "s") == 6, "unsubscribing keeps the cursor");

	stream = open_durable(store, "s", &again);
	(void) tap_ok(recorder_log_is(&again, "7-7(7)"), "opened again it goes on after its cursor");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_long_replay(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream;

	for (int i = 0; i < 1000; i++)
		(void) append_facts(store, i % 10 == 0 ? "b" : "a", 1 + (size_t) i % 3);
	(void) factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &recorder, &stream, NULL);
	(void) tap_ok(recorder.calls == 100 && cursor_of(store, "s") == 1999,
				  "a replay of many lists of batches misses none");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_from_now(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream_options options = {.start = FACTSTR_FROM_NOW};
	factstr_stream *stream;

	(void) append_facts(store, "a", 2);
	(void) factstr_stream_all_durable(store, "s", &options, record, &recorder, &stream, NULL);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "3-3(3)"), "a stream may begin with what comes next");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void *
free_later(void *stream)
{
	(void) usleep(30000);
	factstr_stream_free(stream);
	return NULL;
}

static void
test_names(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream_options waiting = {.wait = -1};
	factstr_stream_options waiting_shortly = {.wait = 30};
	factstr_stream *stream = open_durable(store, "s", &recorder);
	factstr_stream *second;
	pthread_t	thread;
	factstr_error error;
	bool		all_open = true;

	(void) tap_ok(factstr_stream_all_durable(store, "s", NULL, record, &recorder, &second,
											 &error) == FACTSTR_STREAM_ACTIVE && second == NULL,
				  "a name has one consumer: %s", error.message);
	(void) tap_ok(factstr_stream_all_durable(store, "s", &waiting_shortly, record, &recorder,
											 &second, &error) == FACTSTR_STREAM_ACTIVE,
				  "also after some waiting");
	(void) tap_ok(factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &recorder, &second,
											&error) == FACTSTR_STREAM_QUERY_DIFFERS,
				  "and one query: %s", error.message);
	(void) pthread_create(&thread, NULL, free_later, stream);
	(void) tap_ok(factstr_stream_all_durable(store, "s", &waiting, record, &recorder, &stream,
											 &error) == FACTSTR_OK, "or it is waited for");
	(void) pthread_join(thread, NULL);
	for (int i = 0; i < 100 && stream != NULL; i++)
	{
		factstr_stream_unsubscribe(stream);
		second = open_durable(store, "s", &recorder);
		all_open = all_open && second != NULL;
		factstr_stream_free(stream);
		stream = second;
	}
	(void) tap_ok(all_open, "after unsubscribing the name can be opened at once");
	factstr_stream_free(stream);
	(void) tap_ok(factstr_stream_drop(store, "s", NULL) == FACTSTR_OK,
				  "and after freeing, dropped");
	(void) factstr_close(store);
}

static void
test_failing_replay(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	recording	again = RECORDER_INIT;
	factstr_stream *stream;
	factstr_error error;

	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "b", 1);
	recorder_fail(&recorder, -1);
	(void) tap_ok(factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &recorder, &stream,
											&error) == FACTSTR_HANDLER_FAILED && stream == NULL,
				  "a handler that fails in the replay fails the call: %s", error.message);
	(void) tap_ok(cursor_of(store, "s") < 2 && fake->knobs.last_retry_at == 0 &&
				  strcmp(fake->streams[0].last_error, error.message) == 0,
				  "the cursor stays, the words are kept, nothing tries again");
	(void) tap_ok(factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &again, &stream,
											&error) == FACTSTR_OK &&
					  recorder_log_is(&again, "2-2(2)"),
				  "the name is free, and the batch comes again");
	factstr_stream_free(stream);
	(void) tap_ok(fake->knobs.watching == 0, "nothing is left behind");

	fake->knobs.failing_batches = 1;
	(void) append_facts(store, "b", 1);
	(void) tap_ok(factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &again, &stream,
											&error) == FACTSTR_STORAGE && stream == NULL,
				  "so does a failure of the storage");
	(void) factstr_close(store);
}

static int64_t
last_retry_at(void)
{
	int64_t		retry_at;

	fake_lock(fake);
	retry_at = fake->knobs.last_retry_at;
	(void) fake_unlock(fake, 0);
	return retry_at;
}

static void
test_failing_handler(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream = open_durable(store, "s", &recorder);

	recorder_fail(&recorder, 2);
	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(AWAIT(fake_get(&fake->knobs.fails) == 1) && cursor_of(store, "s") == 0,
				  "a failure is noted, the cursor stays");
	(void) tap_ok(last_retry_at() > INT64_C(1000000000000000), "with the time of the retry");
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2)") && recorder_calls(&recorder) == 4,
				  "the batch comes again, and no other before it");
	(void) tap_ok(fake_get(&fake->knobs.fails) == 2 && fake_get(&fake->knobs.resumes) == 2,
				  "the name was given up and taken again each time");
	(void) tap_ok(AWAIT(factstr_stream_state(stream, NULL) == FACTSTR_OK) &&
				  AWAIT(cursor_of(store, "s") == 2), "after that all is well");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_takeover(void)
{
	factstr_store *store = fake_store_open();
	recording	failing = RECORDER_INIT;
	recording	second = RECORDER_INIT;
	factstr_stream *stream = open_durable(store, "s", &failing);
	factstr_stream *other;
	factstr_error error;

	recorder_fail(&failing, 1);
	(void) append_facts(store, "a", 1);
	(void) AWAIT(fake_get(&fake->knobs.fails) == 1);
	other = open_durable(store, "s", &second);
	(void) tap_ok(recorder_log_is(&second, "1-1(1)"), "while a stream pauses another takes over");
	(void) tap_ok(AWAIT(factstr_stream_state(stream, &error) == FACTSTR_STREAM_ACTIVE),
				  "the first then ends: %s", error.message);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&second, "1-1(1) 2-2(2)") && recorder_calls(&failing) == 1,
				  "without another delivery");
	factstr_stream_free(stream);
	factstr_stream_free(other);

	stream = open_durable(store, "t", &failing);
	recorder_fail(&failing, 1);
	(void) append_facts(store, "a", 1);
	(void) AWAIT(fake_get(&fake->knobs.fails) == 2);
	(void) tap_ok(factstr_stream_drop(store, "t", NULL) == FACTSTR_OK &&
				  AWAIT(factstr_stream_state(stream, &error) == FACTSTR_NO_SUCH_STREAM),
				  "a stream that is dropped while it pauses ends: %s", error.message);
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_failing_move(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream = open_durable(store, "s", &recorder);

	fake_set(&fake->knobs.failing_moves, 2);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(AWAIT(factstr_stream_state(stream, NULL) == FACTSTR_STORAGE),
				  "a cursor that cannot be moved is a failure");
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2)") && recorder_calls(&recorder) == 2 &&
				  AWAIT(cursor_of(store, "s") == 2),
				  "which is made up for, without another delivery");

	fake_set(&fake->knobs.lying_moves, 1);
	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2) 3-3(3) 4-4(4)") &&
				  recorder_calls(&recorder) == 4, "also if it was moved after all");

	fake_set(&fake->knobs.failing_resumes, 1);
	fake_set(&fake->knobs.failing_batches, 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2) 3-3(3) 4-4(4) 5-5(5)"),
				  "or the name could not be taken again at once");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_seek_while_pausing(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream;

	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "a", 1);
	stream = open_durable(store, "s", &recorder);
	recorder_fail(&recorder, 1);
	(void) append_facts(store, "a", 1);
	(void) AWAIT(fake_get(&fake->knobs.fails) == 1);
	(void) tap_ok(factstr_stream_seek(store, "s", 1, NULL) == FACTSTR_OK &&
				  await_log(&recorder, "1-1(1) 2-2(2) 2-2(2) 3-3(3)"),
				  "a stream whose cursor is moved while it pauses goes on from there");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

static void
test_unmatched(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream;

	(void) append_facts(store, "a", 1);
	(void) factstr_stream_to_durable(store, "s", B_FACTS, NULL, record, &recorder, &stream, NULL);
	(void) tap_ok(cursor_of(store, "s") == 1, "the cursor moves over what does not match");
	for (int i = 0; i < 500; i++)
		(void) append_facts(store, "a", 1);
	(void) tap_ok(AWAIT(cursor_of(store, "s") == 501), "also later, to the end");
	(void) tap_ok(fake_get(&fake->knobs.settlements) < 100 && recorder_calls(&recorder) == 0,
				  "not with each batch, and without a delivery");
	(void) append_facts(store, "a", 1);
	factstr_stream_free(stream);
	(void) tap_ok(cursor_of(store, "s") >= 501, "and never back");
	(void) factstr_close(store);
}

static int
append_in_handler(recording *recorder, const factstr_batch *batch)
{
	int			result = append_facts(recorder->store, "a", 1);

	recorder_set_result(recorder, batch->transaction == NULL ? 1 : result);
	return 0;
}

static void
test_transactions(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream_options options = {.transactional = true};
	factstr_stream *stream;

	recorder.action = append_in_handler;
	recorder.store = store;
	(void) append_facts(store, "a", 1);
	(void) factstr_stream_all_durable(store, "s", &options, record, &recorder, &stream, NULL);
	(void) tap_ok(recorder_result(&recorder) == FACTSTR_MISUSE,
				  "a handler with a transaction has it, and must not append");
	recorder_fail(&recorder, 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2)") && fake_get(&fake->knobs.begins) == 3,
				  "each delivery has a transaction of its own");
	(void) AWAIT(cursor_of(store, "s") == 2);
	fake_set(&fake->knobs.failing_moves, 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3)"),
				  "what was not committed is delivered again");
	(void) AWAIT(cursor_of(store, "s") == 3);
	fake_set(&fake->knobs.lying_moves, 1);
	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3) 4-4(4) 5-5(5)"),
				  "what was committed after all is not");
	fake_set(&fake->knobs.failing_begins, 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3) 4-4(4) 5-5(5) 6-6(6)"),
				  "without a transaction there is no delivery");
	factstr_stream_free(stream);
	(void) tap_ok(fake->knobs.open_transactions == 0, "no transaction is left open");
	(void) factstr_close(store);
}

static int
wait_for_itself(recording *recorder, const factstr_batch *batch)
{
	recorder_set_result(recorder, factstr_wait(recorder->store, batch->last_sequence_number, "s",
											   -1, NULL));
	return 0;
}

static void
test_wait(void)
{
	factstr_store *store = fake_store_open();
	recording	recorder = RECORDER_INIT;
	factstr_stream *stream;
	factstr_error error;

	recorder.action = wait_for_itself;
	recorder.store = store;
	stream = open_durable(store, "s", &recorder);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(factstr_wait(store, 1, "s", PATIENCE, NULL) == FACTSTR_OK,
				  "a stream is waited for");
	(void) tap_ok(recorder_result(&recorder) == FACTSTR_MISUSE, "but not by its own handler");
	(void) tap_ok(factstr_wait(store, 2, "s", 20, &error) == FACTSTR_WAIT_TIMED_OUT,
				  "not for longer than wanted: %s", error.message);
	(void) tap_ok(factstr_wait(store, 1, "t", -1, &error) == FACTSTR_NO_SUCH_STREAM,
				  "and not for nothing: %s", error.message);
	(void) tap_ok(factstr_wait(store, UINT64_MAX, "s", -1, &error) == FACTSTR_MALFORMED,
				  "nor for what no fact can be: %s", error.message);
	factstr_stream_free(stream);
	(void) tap_ok(factstr_wait(store, 1, "s", 0, NULL) == FACTSTR_OK, "what is reached is reached");
	(void) factstr_close(store);
}

static int
wait_for_other(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	recorder_set_result(recorder, factstr_wait(recorder->store, 1000, "other", -1, NULL));
	return 0;
}

/* A handler that waits for a stream that closing ends: it must not wait for good. */
static void
test_close_while_waiting(void)
{
	factstr_store *store = fake_store_open();
	recording	waiting = RECORDER_INIT;
	recording	other = RECORDER_INIT;
	factstr_stream *stream;
	factstr_stream *other_stream;

	waiting.action = wait_for_other;
	waiting.store = store;
	stream = open_durable(store, "s", &waiting);
	other_stream = open_durable(store, "other", &other);
	(void) append_facts(store, "a", 1);
	(void) await_calls(&waiting, 1);
	(void) tap_ok(factstr_close(store) == FACTSTR_OK && recorder_result(&waiting) == FACTSTR_MISUSE,
				  "closing ends what handlers wait for");
	factstr_stream_free(stream);
	factstr_stream_free(other_stream);
}

/*
 * The replay's handler runs within the other's: neither may close the store or wait for the other.
 */
static int
open_another(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	(void) factstr_stream_all_durable(recorder->store, "inner", NULL, record, recorder->other,
									  &recorder->other->stream, NULL);
	return recorder->other->stream == NULL;
}

static int
try_what_must_not_be(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	if (factstr_close(recorder->store) == FACTSTR_MISUSE &&
		factstr_wait(recorder->store, 1, "s", -1, NULL) == FACTSTR_MISUSE)
		recorder_set_result(recorder, 1);
	factstr_stream_free(recorder->other->stream);
	return 0;
}

static void
test_handler_in_handler(void)
{
	factstr_store *store = fake_store_open();
	recording	outer = RECORDER_INIT;
	recording	inner = RECORDER_INIT;

	outer.store = inner.store = store;
	outer.other = &inner;
	inner.other = &outer;
	outer.action = open_another;
	inner.action = try_what_must_not_be;
	outer.stream = open_durable(store, "s", &outer);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&inner, "1-1(1)") && await_log(&outer, "1-1(1)") &&
				  AWAIT(recorder_result(&inner) == 1),
				  "a handler within a handler knows of both");
	(void) tap_ok(AWAIT(cursor_of(store, "s") == 1), "and may free the outer one's stream");
	(void) factstr_close(store);
	factstr_stream_free(inner.stream);
}

int
main(void)
{
	test_replay_and_live();
	test_long_replay();
	test_from_now();
	test_names();
	test_failing_replay();
	test_failing_handler();
	test_takeover();
	test_failing_move();
	test_seek_while_pausing();
	test_unmatched();
	test_transactions();
	test_wait();
	test_close_while_waiting();
	test_handler_in_handler();
	return tap_finish();
}
