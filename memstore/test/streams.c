/*
 * streams.c
 *		Tests of streams that are not durable, and of handles and handlers, against a store that
 *		fails when told to.
 */
#include <stdlib.h>

#include "stores/handle.h"

#include "lib/faulty_store.h"
#include "lib/recording.h"
#include "lib/waiting.h"

#define B_FACTS "{\"filters\": [{\"event_types\": [\"b\"]}]}"

/* Longer than any test takes.  In ms. */
#define LONG_PAUSE 3600000

/* Streams that record all facts from now on, or those that a query selects. */
static void
subscribe(factstr_store *store, recording *all)
{
	factstr_error error;

	if (factstr_stream_open(store, NULL, NULL, recording_handler, all, NULL, &all->stream, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
}

static void
subscribe_to(factstr_store *store, const char *query, recording *some)
{
	factstr_error error;

	if (factstr_stream_open(store, NULL, query, recording_handler, some, NULL, &some->stream,
							&error) !=
		FACTSTR_OK)
		tap_bail_out("%s", error.message);
}

static void
test_delivery(void)
{
	factstr_store *store = faulty_open();
	recording	all = RECORDING_INIT;
	recording	some = RECORDING_INIT;

	(void) store_append_batch(store, "before", 3);
	subscribe(store, &all);
	subscribe_to(store, B_FACTS, &some);
	(void) store_append_batch(store, "a", 2);
	(void) store_append_batch(store, "b", 1);
	(void) store_append_batch(store, "b", 2);
	ok_recorded(&all, "4-5(4,5) 6-6(6) 7-8(7,8)", "batches are delivered one by one, from now on");
	ok_recorded(&some, "6-6(6) 7-8(7,8)", "batches without a match are not delivered");
	ok(!pthread_equal(all.thread, some.thread), "each stream has its own thread");
	ok(!pthread_equal(all.thread, pthread_self()), "which is not the one that appends");
	ok_int(faulty_get(&faulty.watching), 1, "the store watches once for both");

	factstr_stream_unsubscribe(all.stream);
	(void) store_append_batch(store, "b", 1);
	ok_recorded(&some, "6-6(6) 7-8(7,8) 9-9(9)", "when one unsubscribes the other continues");
	ok_int(recording_calls(&all), 3, "nothing is delivered after unsubscribing");
	ok_code(factstr_stream_state(all.stream, NULL), FACTSTR_MISUSE, NULL, "its state says so");
	ok_code(factstr_stream_state(some.stream, NULL), FACTSTR_OK, NULL, "the other one's is good");
	factstr_stream_unsubscribe(all.stream);
	(void) factstr_stream_close(all.stream, -1);
	(void) factstr_stream_close(some.stream, -1);
	ok_int(faulty_get(&faulty.watching), 0, "with the last stream the watching ends");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_arguments(void)
{
	factstr_store *store = faulty_open();
	recording	recorded = RECORDING_INIT;
	const factstr_stream_options transactional = {.size = sizeof(transactional), .transactional = true};
	const factstr_stream_options after = {.size = sizeof(after), .start = FACTSTR_FROM_AFTER};
	factstr_stream *stream = (factstr_stream *) &recorded;
	factstr_error error;

	ok_code(factstr_stream_open(store, "s", NULL, NULL, NULL, &transactional, &stream, &error),
			FACTSTR_MISUSE, &error, "a handler is required for options of one: %s", error.message);
	ok_null(stream, "an error leaves no stream");
	ok_code(factstr_stream_open(store, NULL, "{\"after\": 3}", recording_handler, &recorded, NULL,
								&stream, &error), FACTSTR_MALFORMED, &error,
			"a stream has no minimum: %s", error.message);
	ok_code(factstr_stream_open(store, NULL, NULL, recording_handler, &recorded, &transactional,
								&stream, &error), FACTSTR_MISUSE, &error,
			"only a durable stream is transactional: %s", error.message);
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorded, &after, &stream,
								&error), FACTSTR_MISUSE, &error,
			"only a live stream begins after a fact: %s", error.message);
	ok_code(factstr_stream_open(store, "", NULL, recording_handler, &recorded, NULL, &stream,
								&error), FACTSTR_MALFORMED, &error, "which is not empty: %s",
			error.message);
	faulty.failing_watches = 1;
	stream = (factstr_stream *) &recorded;
	ok_code(factstr_stream_open(store, NULL, NULL, recording_handler, &recorded, NULL, &stream,
								&error),
			FACTSTR_STORAGE, &error, "a store that cannot watch fails the call");
	ok_null(stream, "no stream is left then");
	faulty.failing_heads = 1;
	ok_code(factstr_stream_open(store, NULL, NULL, recording_handler, &recorded, NULL, &stream,
								&error),
			FACTSTR_STORAGE, &error, "so does one that cannot read");
	ok_int(faulty_get(&faulty.watching), 0, "nothing watches then");
	factstr_stream_unsubscribe(NULL);
	(void) factstr_stream_close(NULL, -1);
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing");
	ok_code(factstr_close(NULL, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing nothing");
}

/*
 * Contexts that are destroyed with their streams.
 */
typedef struct owned_context
{
	factstr_stream *stream;
	struct owned_context *other;	/* whose stream the handler frees; or NULL */
	pthread_barrier_t *meeting; /* of the handlers, before that; or NULL */
	int		   *destroyed;
} owned_context;

static int
free_owned(const factstr_batch *batch, void *context, factstr_error *error)
{
	owned_context *own = context;

	(void) batch;
	(void) error;
	if (own->meeting != NULL)
		(void) pthread_barrier_wait(own->meeting);
	if (own->other != NULL)
		(void) factstr_stream_close(own->other->stream, -1);
	return 0;
}

static void
destroy_context(void *context)
{
	owned_context *own = context;

	faulty_set(own->destroyed, faulty_get(own->destroyed) + 1);
	free(own);
}

static const factstr_stream_options owning = {.size = sizeof(owning), .destroy = destroy_context};

static owned_context *
subscribe_owned(factstr_store *store, int *destroyed)
{
	owned_context *own = calloc(1, sizeof(owned_context));

	if (own == NULL)
		abort();
	own->destroyed = destroyed;
	if (factstr_stream_open(store, NULL, NULL, free_owned, own,
							&owning, &own->stream, NULL) != FACTSTR_OK)
		tap_bail_out("no stream");
	return own;
}

static void
test_destroying(void)
{
	factstr_store *store = faulty_open();
	owned_context *own;
	factstr_stream *stream;
	int			destroyed = 0;

	own = subscribe_owned(store, &destroyed);
	stream = own->stream;
	factstr_stream_unsubscribe(stream);
	ok_int(faulty_get(&destroyed), 0, "unsubscribing destroys no context");
	(void) factstr_stream_close(stream, -1);
	ok_int(faulty_get(&destroyed), 1, "freeing does, before it returns");

	own = subscribe_owned(store, &destroyed);
	own->other = own;
	(void) store_append_batch(store, "a", 1);
	ok_int_soon(faulty_get(&destroyed), 2, "a handler may free its own stream");

	own = subscribe_owned(store, &destroyed);
	stream = own->stream;
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(faulty_get(&destroyed), 2, "closing the store destroys no context");
	(void) factstr_stream_close(stream, -1);
	ok_int(faulty_get(&destroyed), 3, "freeing the stream afterwards does");
}

/* While both run, neither context may go. */
static void
test_destroying_each_other(void)
{
	for (int round = 0; round < 20; round++)
	{
		factstr_store *store = faulty_open();
		pthread_barrier_t meeting;
		int			destroyed = 0;
		owned_context *one = subscribe_owned(store, &destroyed);
		owned_context *two = subscribe_owned(store, &destroyed);

		(void) pthread_barrier_init(&meeting, NULL, 2);
		one->other = two;
		two->other = one;
		one->meeting = &meeting;
		two->meeting = &meeting;
		(void) store_append_batch(store, "a", 1);
		if (AWAIT_INT(faulty_get(&destroyed), 2) != 2)
			tap_bail_out("%d contexts are destroyed", faulty_get(&destroyed));
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
		(void) pthread_barrier_destroy(&meeting);
	}
	ok(true, "two handlers free each other's streams, and their contexts go after both");
}

static int
refuse_and_free(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) free_owned(batch, context, error);
	return 1;
}

static void
test_destroying_in_a_replay(void)
{
	factstr_store *store = faulty_open();
	int			destroyed = 0;
	owned_context *own = calloc(1, sizeof(owned_context));

	if (own == NULL)
		abort();
	own->destroyed = &destroyed;
	own->other = own;
	(void) store_append_batch(store, "a", 1);
	ok_code(factstr_stream_open(store, "s", NULL, refuse_and_free, own, &owning,
								&own->stream, NULL), FACTSTR_HANDLER_FAILED, NULL,
			"a replay fails, whose handler has freed the stream");
	ok_int(faulty_get(&destroyed), 0, "the context is the caller's as before");
	ok_code(factstr_stream_open(store, "s", NULL, free_owned, own, &owning,
								&own->stream, NULL), FACTSTR_OK, NULL,
			"a replay succeeds, whose handler has freed the stream");
	ok_int_soon(faulty_get(&destroyed), 1, "the context is destroyed");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Facts appended before the store is closed are delivered. */
static void
test_closing_delivers(void)
{
	for (int round = 0; round < 20; round++)
	{
		factstr_store *store = faulty_open();
		recording	all = RECORDING_INIT;
		recording	some = RECORDING_INIT;
		recording	ended = RECORDING_INIT;

		subscribe(store, &all);
		subscribe_to(store, B_FACTS, &some);
		subscribe(store, &ended);
		factstr_stream_unsubscribe(ended.stream);
		(void) store_append_batch(store, "a", 1);
		(void) store_append_batch(store, "b", 1);
		(void) store_append_batch(store, "a", 1);
		if (factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS) != FACTSTR_OK || recording_calls(&all) != 3 ||
			recording_calls(&some) != 1 || recording_calls(&ended) != 0)
			tap_bail_out("closed in round %d with %d, %d and %d deliveries", round,
						 recording_calls(&all), recording_calls(&some), recording_calls(&ended));
		(void) factstr_stream_close(all.stream, -1);
		(void) factstr_stream_close(some.stream, -1);
		(void) factstr_stream_close(ended.stream, -1);
	}
	ok(true, "closing delivers appended facts, but not to a stream that was unsubscribed");
}

/* A failure is tried again, if that comes in time. */
static void
test_closing_recovers(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;

	failing.failures_left = 3;
	subscribe(store, &failing);
	(void) store_append_batch(store, "a", 1);
	ok_code(factstr_close(store, -1), FACTSTR_OK, NULL, "closing waits for a recovery");
	ok_recorded_now(&failing, "1-1(1)", "the batch that failed was delivered");
	(void) factstr_stream_close(failing.stream, -1);
}

static void
test_closing_gives_up(int64_t timeout_ms, const char *name)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	recording	other = RECORDING_INIT;

	store->first_pause = LONG_PAUSE;
	recording_fail(&failing, -1);
	subscribe(store, &failing);
	subscribe(store, &other);
	(void) store_append_batch(store, "a", 1);
	(void) recording_await_calls(&failing, 1);
	ok_recorded(&other, "1-1(1)", "another stream has it");
	ok_code(factstr_close(store, timeout_ms), FACTSTR_WAIT_TIMED_OUT, NULL, "%s", name);
	ok_int(recording_calls(&failing), 1, "the pause ended without another try");
	(void) factstr_stream_close(failing.stream, -1);
	(void) factstr_stream_close(other.stream, -1);
}

static int
append_more(recording *self, const factstr_batch *batch)
{
	if (batch->last_sequence_number == 1)
		recording_set_result(self, store_append(self->store, "a", NULL, NULL));
	return 0;
}

static void
close_in_background(void *context)
{
	recording  *self = context;

	self->result = factstr_close(self->store, -1);
}

/* Facts that a handler appends meanwhile are stored, but closing does not wait for their delivery. */
static void
test_appends_while_closing(void)
{
	factstr_store *store = faulty_open();
	recording	appending = RECORDING_INIT;
	recording	closer = {.mutex = PTHREAD_MUTEX_INITIALIZER, .store = store, .result = -1};
	waiting_call closing;

	appending.action = append_more;
	appending.store = store;
	appending.result = -1;
	subscribe(store, &appending);
	recording_hold(&appending, true);
	(void) store_append_batch(store, "a", 1);
	(void) recording_await_calls(&appending, 1);
	waiting_start(&closing, close_in_background, &closer);
	ok(waiting_is_reached(&closing), "closing waits for a handler");
	recording_hold(&appending, false);
	ok(waiting_ends(&closing), "and ends");
	ok_code(closer.result, FACTSTR_OK, NULL, "with everything delivered");
	ok_code(recording_result(&appending), FACTSTR_OK, NULL, "the handler could append");
	ok_recorded_now(&appending, "1-1(1)", "its appends are not delivered any more");
	(void) factstr_stream_close(appending.stream, -1);
}

static void
free_stream(void *context)
{
	(void) factstr_stream_close(((recording *) context)->stream, -1);
}

static void
test_failures(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	recording	other = RECORDING_INIT;
	factstr_error error;

	/* The pause after the first failure lasts until the state has been seen. */
	store->first_pause = LONG_PAUSE;
	failing.failures_left = 1;
	subscribe(store, &failing);
	subscribe(store, &other);
	(void) store_append_batch(store, "a", 1);
	ok_code_soon(factstr_stream_state(failing.stream, &error), FACTSTR_HANDLER_FAILED, NULL,
				 "a failure can be seen");
	ok_str(error.message, "the handler returned 7", "with the code of the handler");
	ok_recorded(&other, "1-1(1)", "the other stream notices nothing");
	ok_recorded_now(&failing, "", "a batch does not come again during the pause");
	(void) factstr_stream_close(failing.stream, -1);
	(void) factstr_stream_close(other.stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_recovery(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	recording	other = RECORDING_INIT;

	failing.failures_left = 1;
	subscribe(store, &failing);
	subscribe(store, &other);
	(void) store_append_batch(store, "a", 1);
	(void) store_append_batch(store, "a", 2);
	ok_recorded(&failing, "1-1(1) 2-3(2,3)", "the batch that failed comes again");
	ok_int(recording_calls(&failing), 3, "once");
	ok_code_soon(factstr_stream_state(failing.stream, NULL), FACTSTR_OK, NULL,
				 "after that the state is good");
	ok_recorded(&other, "1-1(1) 2-3(2,3)", "the other stream has had each batch once");

	faulty_set(&faulty.failing_batches, 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&failing, "1-1(1) 2-3(2,3) 4-4(4)", "a failure of the storage loses nothing");
	ok_recorded(&other, "1-1(1) 2-3(2,3) 4-4(4)", "for no stream");
	ok_int(faulty_get(&faulty.failing_batches), 0, "it has happened");
	(void) factstr_stream_close(failing.stream, -1);
	(void) factstr_stream_close(other.stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_failing_storage(void)
{
	factstr_store *store = faulty_open();
	recording	recorded = RECORDING_INIT;

	store->first_pause = LONG_PAUSE;
	subscribe(store, &recorded);
	faulty_set(&faulty.failing_batches, 1);
	(void) store_append_batch(store, "a", 1);
	ok_code_soon(factstr_stream_state(recorded.stream, NULL), FACTSTR_STORAGE, NULL,
				 "a failure of the storage can be seen");
	(void) factstr_stream_close(recorded.stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_freeing_while_pausing(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	waiting_call freeing;

	store->first_pause = LONG_PAUSE;
	recording_fail(&failing, -1);
	subscribe(store, &failing);
	(void) store_append_batch(store, "a", 1);
	(void) AWAIT(factstr_stream_state(failing.stream, NULL) == FACTSTR_HANDLER_FAILED);
	waiting_start(&freeing, free_stream, &failing);
	ok(waiting_ends(&freeing), "freeing ends a pause");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static int
append_and_subscribe(recording *self, const factstr_batch *batch)
{
	if (batch->first_sequence_number > 1)
		return 0;
	self->result = factstr_stream_open(self->store, NULL, NULL, recording_handler, self->other,
									   NULL, &self->other->stream, NULL);
	return self->result == FACTSTR_OK ? store_append_batch(self->store, "b", 2) : 1;
}

static int
close_store(recording *self, const factstr_batch *batch)
{
	(void) batch;
	recording_set_result(self, factstr_close(self->store, FACTSTR_CLOSE_TIMEOUT_MS));
	return 0;
}

static void
test_handlers(void)
{
	factstr_store *store = faulty_open();
	recording	unsubscribing = RECORDING_INIT;
	recording	freeing = RECORDING_INIT;
	recording	busy = RECORDING_INIT;
	recording	second = RECORDING_INIT;
	recording	closing = RECORDING_INIT;

	unsubscribing.action = recording_unsubscribes;
	freeing.action = recording_frees;
	busy.action = append_and_subscribe;
	busy.store = closing.store = store;
	busy.other = &second;
	closing.action = close_store;
	subscribe(store, &unsubscribing);
	subscribe(store, &freeing);
	subscribe(store, &busy);
	subscribe(store, &closing);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&busy, "1-1(1) 2-3(2,3)", "a handler may append");
	ok_recorded(&second, "2-3(2,3)", "and subscribe");
	ok_recorded(&unsubscribing, "1-1(1)", "and unsubscribe its own stream");
	ok_recorded(&freeing, "1-1(1)", "and free it");
	ok_recorded(&closing, "1-1(1) 2-3(2,3)", "one that tries to close the store continues");
	ok_code(recording_result(&closing), FACTSTR_MISUSE, NULL, "since it must not");
	(void) factstr_stream_close(unsubscribing.stream, -1);
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing ends the streams that are left");
	ok_code(factstr_stream_state(busy.stream, NULL), FACTSTR_MISUSE, NULL,
			"handles are still valid");
	factstr_stream_unsubscribe(busy.stream);
	(void) factstr_stream_close(busy.stream, -1);
	(void) factstr_stream_close(second.stream, -1);
	(void) factstr_stream_close(closing.stream, -1);
}

/* Frees the other's stream, once both handlers are running. */
static int
free_other(recording *self, const factstr_batch *batch)
{
	(void) batch;
	if (!recording_await_calls(self->other, 1))
		return 1;
	(void) factstr_stream_close(self->other->stream, -1);
	recording_set_result(self, 1);
	return 0;
}

/* Each handler of a ring frees the next one's stream: the last to do so must not wait. */
static void
test_ring(int size)
{
	factstr_store *store = faulty_open();
	recording	ring[5];
	int			returned = 0;

	for (int i = 0; i < size; i++)
	{
		ring[i] = (recording) RECORDING_INIT;
		ring[i].action = free_other;
		ring[i].other = &ring[(i + 1) % size];
		subscribe(store, &ring[i]);
	}
	(void) store_append_batch(store, "a", 1);
	for (int i = 0; i < size; i++)
		returned += AWAIT(recording_result(&ring[i])) ? 1 : 0;
	ok_int(returned, size, "handlers free each other's streams in a ring of %d", size);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
close_the_store(void *context)
{
	(void) factstr_close(((recording *) context)->store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Both wait for a handler that is held; unsubscribing does not. */
static void
test_waiting(void (*end) (void *), const char *name)
{
	factstr_store *store = faulty_open();
	recording	held = RECORDING_INIT;
	waiting_call ending;

	held.is_held = true;
	held.store = store;
	subscribe(store, &held);
	(void) store_append_batch(store, "a", 1);
	(void) recording_await_calls(&held, 1);
	factstr_stream_unsubscribe(held.stream);
	ok(true, "unsubscribing does not wait for the handler");
	waiting_start(&ending, end, &held);
	ok(waiting_is_reached(&ending), "%s does", name);
	recording_hold(&held, false);
	ok(waiting_ends(&ending), "until the handler returns");
	if (end == close_the_store)
		(void) factstr_stream_close(held.stream, -1);
	else
		(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_json_stream(void)
{
	factstr_store *store = faulty_open();
	recording	text = RECORDING_INIT;
	factstr_fact fact = {
		.sequence_number = 1, .occurred_at = INT64_C(1769847330123456),
		.event_type = "a \"b\"", .payload = " [1.50]", .metadata = "{\"m\": 1}"
	};
	factstr_batch batch = {
		.first_sequence_number = 1, .last_sequence_number = 1, .fact_count = 1, .facts = &fact
	};
	factstr_error error;
	char	   *result;

	ok_code(factstr_json_stream_open(store, NULL, "{}", recording_json_handler, NULL, NULL, &text, NULL,
									 &text.stream, &result), FACTSTR_OK, NULL, "a JSON stream");
	ok_str(result, "{}", "is opened with this result");
	factstr_json_free(result);
	ok_code(factstr_import(store, &batch, 1, NULL, &error), FACTSTR_OK, &error, "a fact of known time");
	ok_recorded(&text, "{\"first_sequence_number\": 1, \"last_sequence_number\": 1, "
				"\"event_records\": [{\"sequence_number\": 1, "
				"\"occurred_at\": \"2026-01-31T08:15:30.123456Z\", "
				"\"event_type\": \"a \\\"b\\\"\", \"payload\":  [1.50], \"metadata\": {\"m\": 1}}]}",
				"a JSON stream delivers event records and the numbers of their batch");
	(void) factstr_stream_close(text.stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Appends, subscribes and unsubscribes from several threads at the same time. */
static void *
storm(void *context)
{
	factstr_store *store = context;
	recording	recorded = RECORDING_INIT;

	for (int i = 0; i < 50; i++)
	{
		factstr_stream *stream;

		if (factstr_stream_open(store, NULL, NULL, recording_handler, &recorded, NULL, &stream,
								NULL) != FACTSTR_OK)
			return context;
		(void) store_append_batch(store, "a", 2);
		if (i % 2 == 0)
			(void) recording_await_calls(&recorded, i / 2 + 1);
		(void) factstr_stream_close(stream, -1);
	}
	return NULL;
}

static void
test_storm(void)
{
	factstr_store *store = faulty_open();
	recording	witness = RECORDING_INIT;
	pthread_t	threads[3];
	void	   *failure;
	int			failures = 0;

	subscribe(store, &witness);
	for (int i = 0; i < 3; i++)
		(void) pthread_create(&threads[i], NULL, storm, store);
	for (int i = 0; i < 3; i++)
	{
		(void) pthread_join(threads[i], &failure);
		failures += failure != NULL ? 1 : 0;
	}
	ok_int(failures, 0, "streams come and go while facts are appended");
	(void) recording_await_calls(&witness, 150);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_int(recording_calls(&witness), 150, "a stream that stays sees each batch once");
	(void) factstr_stream_close(witness.stream, -1);
}

int
main(void)
{
	test_delivery();
	test_arguments();
	test_failures();
	test_recovery();
	test_failing_storage();
	test_freeing_while_pausing();
	test_destroying();
	test_destroying_each_other();
	test_destroying_in_a_replay();
	test_closing_delivers();
	test_closing_recovers();
	test_closing_gives_up(0, "closing at once leaves a batch");
	test_closing_gives_up(1000, "a pause that is longer than the timeout is not waited for");
	test_appends_while_closing();
	test_handlers();
	test_ring(2);
	test_ring(3);
	test_ring(5);
	test_waiting(free_stream, "freeing");
	test_waiting(close_the_store, "closing");
	test_json_stream();
	test_storm();
	return tap_finish();
}
