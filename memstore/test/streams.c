/*
 * streams.c
 *		Tests of streams that are not durable, and of handles and handlers, against a store that
 *		fails when told to.
 */
#include "fake_store.h"
#include "recorder.h"
#include "stream.h"

#include "tap.h"

static void
test_delivery(void)
{
	factstr_store *store = fake_store_open();
	recording	all = RECORDER_INIT;
	recording	some = RECORDER_INIT;
	factstr_stream *all_stream = NULL;
	factstr_stream *some_stream = NULL;

	(void) append_facts(store, "before", 3);
	(void) tap_ok(factstr_stream_all(store, record, &all, &all_stream, NULL) == FACTSTR_OK &&
				  factstr_stream_to(store, "{\"filters\": [{\"event_types\": [\"b\"]}]}", record,
									&some, &some_stream, NULL) == FACTSTR_OK, "streams open");
	(void) append_facts(store, "a", 2);
	(void) append_facts(store, "b", 1);
	(void) append_facts(store, "b", 2);
	(void) tap_ok(await_log(&all, "4-5(4,5) 6-6(6) 7-8(7,8)"),
				  "batches are delivered one by one, from now on");
	(void) tap_ok(await_log(&some, "6-6(6) 7-8(7,8)"), "batches without a match are not delivered");
	(void) tap_ok(all.thread != some.thread && all.thread != pthread_self(),
				  "each stream has a thread of its own");
	(void) tap_ok(fake_get(&fake->knobs.watching) == 1, "the store watches once for both");

	factstr_stream_unsubscribe(all_stream);
	(void) append_facts(store, "b", 1);
	(void) tap_ok(await_log(&some, "6-6(6) 7-8(7,8) 9-9(9)") && recorder_calls(&all) == 3,
				  "nothing is delivered after unsubscribing");
	(void) tap_ok(factstr_stream_state(all_stream, NULL) == FACTSTR_MISUSE &&
				  factstr_stream_state(some_stream, NULL) == FACTSTR_OK, "states say so");
	factstr_stream_unsubscribe(all_stream);
	factstr_stream_free(all_stream);
	factstr_stream_free(some_stream);
	(void) tap_ok(fake_get(&fake->knobs.watching) == 0, "with the last stream the watching ends");
	(void) factstr_close(store);
}

static void
test_arguments(void)
{
	factstr_store *store = fake_store_open();
	recording	recorded = RECORDER_INIT;
	factstr_stream *stream = (factstr_stream *) &recorded;
	factstr_error error;

	(void) tap_ok(factstr_stream_all(store, NULL, NULL, &stream, &error) == FACTSTR_MISUSE &&
				  stream == NULL, "a handler is required: %s", error.message);
	(void) tap_ok(factstr_stream_to(store, "{\"min_sequence_number\": 3}", record, &recorded,
									&stream, &error) == FACTSTR_MALFORMED,
				  "a stream has no minimum: %s", error.message);
	(void) tap_ok(factstr_stream_all_durable(store, NULL, NULL, record, &recorded, &stream,
											 &error) == FACTSTR_MISUSE,
				  "a durable stream has a name: %s", error.message);
	(void) tap_ok(factstr_stream_all_durable(store, "", NULL, record, &recorded, &stream,
											 &error) == FACTSTR_MALFORMED,
				  "which is not empty: %s", error.message);
	fake->knobs.failing_watches = 1;
	(void) tap_ok(factstr_stream_all(store, record, &recorded, &stream, NULL) == FACTSTR_STORAGE &&
				  stream == NULL, "a store that cannot watch fails the call");
	fake->knobs.failing_heads = 1;
	(void) tap_ok(factstr_stream_all(store, record, &recorded, &stream, NULL) == FACTSTR_STORAGE &&
				  fake->knobs.watching == 0, "and one that cannot read; nothing is left behind");
	factstr_stream_unsubscribe(NULL);
	factstr_stream_free(NULL);
	(void) tap_ok(factstr_close(store) == FACTSTR_OK && factstr_close(NULL) == FACTSTR_OK,
				  "closing, and closing nothing");
}

static void
test_failures(void)
{
	factstr_store *store = fake_store_open();
	recording	failing = RECORDER_INIT;
	recording	other = RECORDER_INIT;
	factstr_stream *failing_stream;
	factstr_stream *other_stream;
	factstr_error error;

	failing.failures_left = 1;
	(void) factstr_stream_all(store, record, &failing, &failing_stream, NULL);
	(void) factstr_stream_all(store, record, &other, &other_stream, NULL);
	(void) append_facts(store, "a", 1);
	(void) append_facts(store, "a", 2);
	(void) tap_ok(AWAIT(factstr_stream_state(failing_stream, &error) == FACTSTR_HANDLER_FAILED),
				  "a failure can be seen: %s", error.message);
	(void) tap_ok(await_log(&other, "1-1(1) 2-3(2,3)"), "the other stream notices nothing");
	(void) tap_ok(await_log(&failing, "1-1(1) 2-3(2,3)"), "the batch that failed comes again");
	(void) tap_ok(recorder_calls(&failing) == 3 &&
				  AWAIT(factstr_stream_state(failing_stream, NULL) == FACTSTR_OK),
				  "after that all is well");

	fake_set(&fake->knobs.failing_batches, 1);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(AWAIT(factstr_stream_state(failing_stream, NULL) == FACTSTR_STORAGE ||
						factstr_stream_state(other_stream, NULL) == FACTSTR_STORAGE),
				  "a failure of the storage can be seen");
	(void) tap_ok(await_log(&failing, "1-1(1) 2-3(2,3) 4-4(4)") &&
				  await_log(&other, "1-1(1) 2-3(2,3) 4-4(4)"), "and loses nothing");

	recorder_fail(&failing, -1);
	(void) append_facts(store, "a", 1);
	(void) AWAIT(factstr_stream_state(failing_stream, NULL) == FACTSTR_HANDLER_FAILED);
	factstr_stream_free(failing_stream);
	(void) tap_ok(true, "freeing ends a pause");
	factstr_stream_free(other_stream);
	(void) factstr_close(store);
}

static int
unsubscribe_itself(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	factstr_stream_unsubscribe(recorder->stream);
	return 0;
}

static int
free_itself(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	factstr_stream_free(recorder->stream);
	return 0;
}

static int
append_and_subscribe(recording *recorder, const factstr_batch *batch)
{
	if (batch->first_sequence_number > 1)
		return 0;
	recorder->result = factstr_stream_all(recorder->store, record, recorder->other,
										  &recorder->other->stream, NULL);
	return recorder->result == FACTSTR_OK ? append_facts(recorder->store, "b", 2) : 1;
}

static int
close_store(recording *recorder, const factstr_batch *batch)
{
	int			result = factstr_close(recorder->store);

	(void) batch;
	recorder_set_result(recorder, result);
	return 0;
}

static void
test_handlers(void)
{
	factstr_store *store = fake_store_open();
	recording	unsubscribing = RECORDER_INIT;
	recording	freeing = RECORDER_INIT;
	recording	busy = RECORDER_INIT;
	recording	second = RECORDER_INIT;
	recording	closing = RECORDER_INIT;

	unsubscribing.action = unsubscribe_itself;
	freeing.action = free_itself;
	busy.action = append_and_subscribe;
	busy.store = closing.store = store;
	busy.other = &second;
	closing.action = close_store;
	(void) factstr_stream_all(store, record, &unsubscribing, &unsubscribing.stream, NULL);
	(void) factstr_stream_all(store, record, &freeing, &freeing.stream, NULL);
	(void) factstr_stream_all(store, record, &busy, &busy.stream, NULL);
	(void) factstr_stream_all(store, record, &closing, &closing.stream, NULL);
	(void) append_facts(store, "a", 1);
	(void) tap_ok(await_log(&busy, "1-1(1) 2-3(2,3)"), "a handler may append");
	(void) tap_ok(await_log(&second, "2-3(2,3)"), "and subscribe");
	(void) tap_ok(await_log(&unsubscribing, "1-1(1)") && await_log(&freeing, "1-1(1)"),
				  "and unsubscribe or free its own stream");
	(void) tap_ok(await_log(&closing, "1-1(1) 2-3(2,3)") &&
					  recorder_result(&closing) == FACTSTR_MISUSE,
				  "but not close the store");
	factstr_stream_free(unsubscribing.stream);
	(void) tap_ok(factstr_close(store) == FACTSTR_OK, "closing ends the streams that are left");
	(void) tap_ok(factstr_stream_state(busy.stream, NULL) == FACTSTR_MISUSE,
				  "handles are still valid");
	factstr_stream_unsubscribe(busy.stream);
	factstr_stream_free(busy.stream);
	factstr_stream_free(second.stream);
	factstr_stream_free(closing.stream);
}

/* Frees the other's stream, once both handlers are running. */
static int
free_other(recording *recorder, const factstr_batch *batch)
{
	(void) batch;
	if (!await_calls(recorder->other, 1))
		return 1;
	factstr_stream_free(recorder->other->stream);
	recorder_set_result(recorder, 1);
	return 0;
}

/* Each handler of a ring frees the next one's stream: the last to do so must not wait. */
static void
test_ring(int size)
{
	factstr_store *store = fake_store_open();
	recording	ring[5];
	bool		all_returned = true;

	for (int i = 0; i < size; i++)
	{
		ring[i] = (recording) RECORDER_INIT;
		ring[i].action = free_other;
		ring[i].other = &ring[(i + 1) % size];
		(void) factstr_stream_all(store, record, &ring[i], &ring[i].stream, NULL);
	}
	(void) append_facts(store, "a", 1);
	for (int i = 0; i < size; i++)
		all_returned = AWAIT(recorder_result(&ring[i])) && all_returned;
	(void) tap_ok(all_returned, "handlers free each other's streams in a ring of %d", size);
	(void) factstr_close(store);
}

static void *
free_in_thread(void *context)
{
	recording  *recorder = context;

	factstr_stream_free(recorder->stream);
	recorder_set_result(recorder, 1);
	return NULL;
}

static void *
close_in_thread(void *context)
{
	recording  *recorder = context;

	(void) factstr_close(recorder->store);
	recorder_set_result(recorder, 1);
	return NULL;
}

/* Both wait for a handler that is held; unsubscribing does not. */
static void
test_waiting(void *(*ending) (void *), const char *name)
{
	factstr_store *store = fake_store_open();
	recording	held = RECORDER_INIT;
	pthread_t	thread;

	held.is_held = true;
	held.store = store;
	(void) factstr_stream_all(store, record, &held, &held.stream, NULL);
	(void) append_facts(store, "a", 1);
	(void) await_calls(&held, 1);
	factstr_stream_unsubscribe(held.stream);
	(void) tap_ok(true, "unsubscribing does not wait for the handler");
	(void) pthread_create(&thread, NULL, ending, &held);
	(void) usleep(20000);
	(void) tap_ok(!recorder_result(&held), "%s does", name);
	recorder_hold(&held, false);
	(void) tap_ok(AWAIT(recorder_result(&held)), "until it returns");
	(void) pthread_join(thread, NULL);
	if (ending == close_in_thread)
		factstr_stream_free(held.stream);
	else
		(void) factstr_close(store);
}

static int
record_text(const char *event_records, void *context)
{
	recording  *to = context;

	(void) pthread_mutex_lock(&to->mutex);
	(void) snprintf(to->log, sizeof(to->log), "%s", event_records);
	(void) pthread_mutex_unlock(&to->mutex);
	return 0;
}

static void
test_json_stream(void)
{
	factstr_store *store = fake_store_open();
	recording	text = RECORDER_INIT;
	factstr_stream *stream;
	factstr_event event = {.event_type = "a \"b\"", .payload = " [1.50]", .metadata = "{\"m\": 1}"};

	(void) factstr_json_stream_to(store, "{}", record_text, &text, &stream, NULL);
	(void) factstr_append(store, &event, 1, NULL, NULL, NULL);
	(void) tap_ok(await_log(&text, "[{\"sequence_number\": 1, "
							"\"occurred_at\": \"2026-01-31T08:15:30.123456Z\", "
							"\"event_type\": \"a \\\"b\\\"\", \"payload\":  [1.50], "
							"\"metadata\": {\"m\": 1}}]"), "a JSON stream delivers event records");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

/* Appends, subscribes and unsubscribes from several threads at the same time. */
static void *
storm(void *context)
{
	factstr_store *store = context;
	recording	recorded = RECORDER_INIT;

	for (int i = 0; i < 50; i++)
	{
		factstr_stream *stream;

		if (factstr_stream_all(store, record, &recorded, &stream, NULL) != FACTSTR_OK)
			return context;
		(void) append_facts(store, "a", 2);
		if (i % 2 == 0)
			(void) await_calls(&recorded, i / 2 + 1);
		factstr_stream_free(stream);
	}
	return NULL;
}

static void
test_storm(void)
{
	factstr_store *store = fake_store_open();
	recording	witness = RECORDER_INIT;
	factstr_stream *stream;
	pthread_t	threads[3];
	void	   *failure;
	bool		failed = false;

	(void) factstr_stream_all(store, record, &witness, &stream, NULL);
	for (int i = 0; i < 3; i++)
		(void) pthread_create(&threads[i], NULL, storm, store);
	for (int i = 0; i < 3; i++)
	{
		(void) pthread_join(threads[i], &failure);
		failed = failed || failure != NULL;
	}
	(void) tap_ok(!failed && await_calls(&witness, 150),
				  "streams come and go while facts are appended");
	(void) tap_ok(recorder_calls(&witness) == 150, "a stream that stays sees each batch once");
	(void) factstr_close(store);
	factstr_stream_free(stream);
}

int
main(void)
{
	test_delivery();
	test_arguments();
	test_failures();
	test_handlers();
	test_ring(2);
	test_ring(3);
	test_ring(5);
	test_waiting(free_in_thread, "freeing");
	test_waiting(close_in_thread, "closing");
	test_json_stream();
	test_storm();
	return tap_finish();
}
