/*
 * durable_stream_failures.c
 *		Tests of durable streams whose handlers fail, or whose store does.
 *
 * Actions during a stream's pause are taken while it is kept from continuing.
 */
#include "lib/faulty_store.h"
#include "lib/recording.h"

#define B_FACTS "{\"filters\": [{\"event_types\": [\"b\"]}]}"

static factstr_stream *
open_durable(factstr_store *store, const char *name, recording *recorder)
{
	factstr_stream *stream = NULL;

	(void) factstr_stream_open(store, name, NULL, recording_handler, recorder, NULL, &stream, NULL);
	return stream;
}

/* A stream with these facts pauses after its first failure, until it may resume. */
static factstr_stream *
open_pausing(factstr_store *store, const char *name, recording *recorder)
{
	factstr_stream *stream = open_durable(store, name, recorder);
	int			fails = faulty_get(&faulty.fails);

	faulty_hold_resumes(true);
	recording_fail(recorder, 1);
	(void) store_append_batch(store, "a", 1);
	(void) AWAIT(faulty_get(&faulty.fails) == fails + 1);
	return stream;
}

/* The words that are kept of a stream's last failure. */
static void
ok_kept_words(factstr_store *store, const char *words, const char *name)
{
	factstr_stream_status_list *list;

	if (factstr_streams(store, &list, NULL) != FACTSTR_OK || list->count != 1)
		tap_bail_out("there is not one stream");
	ok_str(list->streams[0].last_error, words, "%s", name);
	factstr_stream_status_list_free(list);
}

static void
test_failing_replay(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	recording	again = RECORDING_INIT;
	factstr_stream *stream;
	factstr_error error;

	(void) store_append_batch(store, "a", 1);
	(void) store_append_batch(store, "b", 1);
	recording_fail(&recorder, -1);
	stream = (factstr_stream *) &recorder;
	ok_code(factstr_stream_open(store, "s", B_FACTS, recording_handler, &recorder, NULL, &stream,
								&error), FACTSTR_HANDLER_FAILED, &error,
			"a handler that fails in the replay fails the call: %s", error.message);
	ok_null(stream, "and there is no stream");
	ok_cmp((int64_t) store_cursor(store, "s"), "<", 2, "the cursor stays");
	ok_kept_words(store, error.message, "the words are kept");
	ok_int(faulty_last_retry_at(), 0, "nothing tries again");

	ok_code(factstr_stream_open(store, "s", B_FACTS, recording_handler, &again, NULL, &stream,
								&error), FACTSTR_OK, &error, "the name is free");
	ok_recorded_now(&again, "2-2(2)", "and the batch comes again");
	(void) factstr_stream_close(stream, -1);
	ok_int(faulty_get(&faulty.watching), 0, "nothing is left behind");

	faulty.failing_batches = 1;
	(void) store_append_batch(store, "b", 1);
	ok_code(factstr_stream_open(store, "s", B_FACTS, recording_handler, &again, NULL, &stream,
								&error), FACTSTR_STORAGE, &error,
			"a failure of the storage fails the call, too");
	ok_null(stream, "and there is no stream, either");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_failing_handler(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream = open_pausing(store, "s", &recorder);

	(void) store_append_batch(store, "a", 1);
	ok_int(store_cursor(store, "s"), 0, "a failure lets the cursor stay");
	ok_cmp(faulty_last_retry_at(), ">", INT64_C(1000000000000000),
		   "the time of the retry is noted");
	ok_recorded_now(&recorder, "", "nothing is delivered during the pause");
	recording_fail(&recorder, 1);
	faulty_hold_resumes(false);
	ok_recorded(&recorder, "1-1(1) 2-2(2)", "the batch comes again, and no other before it");
	ok_int(recording_calls(&recorder), 4, "each time once");
	ok_int(faulty_get(&faulty.fails), 2, "the name was given up each time");
	ok_int(faulty_get(&faulty.resumes), 2, "and taken again");
	ok_code_soon(factstr_stream_state(stream, NULL), FACTSTR_OK, NULL,
				 "after that the state is good");
	ok_int_soon(store_cursor(store, "s"), 2, "and the cursor behind both");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_takeover(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	recording	second = RECORDING_INIT;
	factstr_stream *stream = open_pausing(store, "s", &failing);
	factstr_stream *other = open_durable(store, "s", &second);
	factstr_error error;

	ok_recorded_now(&second, "1-1(1)", "while a stream pauses another takes over");
	faulty_hold_resumes(false);
	ok_code_soon(factstr_stream_state(stream, &error), FACTSTR_STREAM_ACTIVE, &error,
				 "the first then ends: %s", error.message);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&second, "1-1(1) 2-2(2)", "the second continues");
	ok_int(recording_calls(&failing), 1, "without another delivery to the first");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_close(other, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_drop_while_pausing(void)
{
	factstr_store *store = faulty_open();
	recording	failing = RECORDING_INIT;
	factstr_stream *stream = open_pausing(store, "s", &failing);
	factstr_error error;

	ok_code(factstr_stream_drop(store, "s", &error), FACTSTR_OK, &error,
			"a stream that pauses can be dropped");
	faulty_hold_resumes(false);
	ok_code_soon(factstr_stream_state(stream, &error), FACTSTR_NO_SUCH_STREAM, &error,
				 "then it ends: %s", error.message);
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_seek_while_pausing(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream;
	factstr_error error;

	(void) store_append_batch(store, "a", 1);
	(void) store_append_batch(store, "a", 1);
	stream = open_pausing(store, "s", &recorder);
	ok_code(factstr_stream_seek(store, "s", 1, &error), FACTSTR_OK, &error,
			"the cursor of a stream that pauses can be moved");
	faulty_hold_resumes(false);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 2-2(2) 3-3(3)", "and it continues from there");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_failing_move(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream *stream = open_durable(store, "s", &recorder);

	faulty_hold_resumes(true);
	faulty_set(&faulty.failing_moves, 2);
	(void) store_append_batch(store, "a", 1);
	ok_code_soon(factstr_stream_state(stream, NULL), FACTSTR_STORAGE, NULL,
				 "a cursor that cannot be moved is a failure");
	faulty_hold_resumes(false);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2)", "after which the stream continues");
	ok_int_soon(store_cursor(store, "s"), 2, "the cursor is moved after all");
	ok_int(recording_calls(&recorder), 2, "without another delivery");

	faulty_set(&faulty.lying_moves, 1);
	(void) store_append_batch(store, "a", 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 3-3(3) 4-4(4)", "a move may fail that was done");
	ok_int(recording_calls(&recorder), 4, "also then there is no other delivery");

	(void) AWAIT(store_cursor(store, "s") == 4);
	faulty_set(&faulty.failing_resumes, 1);
	faulty_set(&faulty.failing_batches, 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 3-3(3) 4-4(4) 5-5(5)",
				"the name may fail to be taken again at once");
	ok_int(faulty_get(&faulty.failing_resumes), 0, "which has happened");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static int
append_in_handler(recording *self, const factstr_batch *batch)
{
	int			result = store_append_batch(self->store, "a", 1);

	recording_set_result(self, batch->transaction == NULL ? 1 : result);
	return 0;
}

static void
test_transactions(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream_options options = {.size = sizeof(options), .transactional = true};
	factstr_stream *stream;

	recorder.action = append_in_handler;
	recorder.store = store;
	(void) store_append_batch(store, "a", 1);
	(void) factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &options, &stream,
							   NULL);
	ok_code(recording_result(&recorder), FACTSTR_MISUSE, NULL,
			"a handler with a transaction has it, and must not append");
	recording_fail(&recorder, 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2)", "a delivery that failed comes again");
	ok_int(faulty_get(&faulty.begins), 3, "each in a separate transaction");
	(void) AWAIT(store_cursor(store, "s") == 2);
	faulty_set(&faulty.failing_moves, 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3)",
				"uncommitted batches are delivered again");
	(void) AWAIT(store_cursor(store, "s") == 3);
	faulty_set(&faulty.lying_moves, 1);
	(void) store_append_batch(store, "a", 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3) 4-4(4) 5-5(5)",
				"those that were committed after all are not");
	(void) AWAIT(store_cursor(store, "s") == 5);
	faulty_set(&faulty.failing_begins, 1);
	(void) store_append_batch(store, "a", 1);
	ok_recorded(&recorder, "1-1(1) 2-2(2) 3-3(3) 3-3(3) 4-4(4) 5-5(5) 6-6(6)",
				"without a transaction there is no delivery");
	ok_int(faulty_get(&faulty.failing_begins), 0, "one could not be begun");
	(void) factstr_stream_close(stream, -1);
	ok_int(faulty_get(&faulty.open_transactions), 0, "no transaction is left open");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Batches that come one right after the other share a transaction, until one of them fails. */
static void
test_groups(void)
{
	factstr_store *store = faulty_open();
	recording	recorder = RECORDING_INIT;
	factstr_stream_options options = {.size = sizeof(options), .ack_batches = 8, .ack_ms = -1, .transactional = true};
	factstr_stream *stream;
	factstr_error error;

	for (int i = 0; i < 15; i++)
		(void) store_append_batch(store, "a", 1);
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &options, &stream,
								&error), FACTSTR_OK, &error, "a stream that acknowledges batches by eights");
	ok_int(faulty_get(&faulty.begins), 2, "two transactions for fifteen batches");
	ok_int((int64_t) store_cursor(store, "s"), 15, "the second ends with the last batch");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_seek(store, "s", 0, NULL);
	faulty_set(&faulty.failing_moves, 1);
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &options, &stream,
								&error), FACTSTR_STORAGE, &error, "one whose transaction is not committed");
	ok_int((int64_t) store_cursor(store, "s"), 0, "leaves the cursor before all of its batches");
	ok_int(faulty_get(&faulty.open_transactions), 0, "no transaction is left open");
	options.transactional = false;
	options.ack_ms = 0;
	faulty_set(&faulty.failing_moves, 1);
	options.in_background = true;
	ok_code(factstr_stream_open(store, "s", NULL, recording_handler, &recorder, &options, &stream,
								&error), FACTSTR_OK, &error, "one that works in the background");
	ok(AWAIT(store_cursor(store, "s") == 15), "gets to the end, though a move has failed");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_failing_replay();
	test_failing_handler();
	test_takeover();
	test_drop_while_pausing();
	test_seek_while_pausing();
	test_failing_move();
	test_transactions();
	test_groups();
	return tap_finish();
}
