/*
 * transactions.c
 *		Rule 31: a handler's writes are committed together with the cursor.
 */
#include "deliveries.h"

static const factstr_stream_options transactional = {.size = sizeof(transactional), .transactional = true};

/*
 * Writes the batch's last number; the collector's context says at which number it fails after that,
 * and how often.
 */
typedef struct plan
{
	uint64_t	fails_at;
	int			failures;
} plan;

static int
write_effect(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	const factstr_conformance_target *target = test->target;
	plan	   *planned = collector->context;

	fc_expect(test, batch->transaction != NULL, "a transactional delivery has no transaction");
	if (batch->transaction == NULL)
		return 1;
	fc_expect(test, target->effect(target->context, batch->transaction,
								   (int) batch->last_sequence_number),
			  "writing in the delivery's transaction failed");
	if (planned != NULL && planned->fails_at == batch->last_sequence_number &&
		planned->failures-- > 0)
		return 1;
	return 0;
}

static void
expect_effects(fc_test *test, int number, long expected)
{
	const factstr_conformance_target *target = test->target;
	long		found = target->effects(target->context, test->url, number);

	fc_expect(test, found == expected, "effects of batch %d: expected %ld, found %ld", number,
			  expected, found);
}

static fc_collector *
open_transactional(fc_test *test, plan *planned)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = write_effect;
	stream->context = planned;
	fc_expect_ok(test, "opening a transactional stream",
				 fc_open_durable(stream, test->store, "s", FC_TYPE("a"), &transactional, &error),
				 &error);
	return stream;
}

static void
effects_are_committed(fc_test *test)
{
	fc_collector *stream;

	(void) fc_append_types(test, "a b");
	stream = open_transactional(test, NULL);
	expect_effects(test, 2, 1);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	fc_await_cursor(test, "s", 4);
	expect_effects(test, 3, 1);
	expect_effects(test, 4, 0);
	fc_expect_deliveries(stream, "1-2: 1; 3-3: 3");
}

static void
failures_leave_no_effect(fc_test *test)
{
	plan	   *planned = fc_allocate(test, sizeof(plan));
	fc_collector *stream;

	*planned = (plan) {.fails_at = 2, .failures = 1};
	stream = open_transactional(test, planned);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 3);
	for (int i = 1; i <= 3; i++)
		expect_effects(test, i, 1);
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2 failed; 2-2: 2; 3-3: 3");
}

static void
failing_replay_leaves_no_effect(fc_test *test)
{
	plan	   *planned = fc_allocate(test, sizeof(plan));
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	*planned = (plan) {.fails_at = 2, .failures = 1};
	stream->then = write_effect;
	stream->context = planned;
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	fc_expect_code(test, "opening with a handler that fails in the replay",
				   fc_open_durable(stream, test->store, "s", FC_TYPE("a"), &transactional, &error),
				   &error, FACTSTR_HANDLER_FAILED);
	expect_effects(test, 1, 1);
	expect_effects(test, 2, 0);
	fc_expect_cursor(test, "s", 1);
	(void) open_transactional(test, planned);
	expect_effects(test, 1, 1);
	expect_effects(test, 2, 1);
}

static int
try_to_append(fc_collector *collector, const factstr_batch *batch)
{
	const factstr_event event = {.event_type = "b", .payload = "1"};
	factstr_append_result result;
	factstr_error error;

	(void) batch;
	fc_expect_code(collector->test, "an append in a transactional delivery",
				   factstr_append(collector->test->store, &event, 1, NULL, &result, &error), &error,
				   FACTSTR_MISUSE);
	return 0;
}

static void
no_append_in_it(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = try_to_append;
	(void) fc_append_types(test, "a");
	fc_expect_ok(test, "opening a transactional stream",
				 fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
	fc_check_threads(test);
	fc_await_cursor(test, "s", 2);
	fc_expect_log_ends_at(test, 2);
}

/*
 * A handler's changes of other streams.  Each of these handlers works on the streams "moved" and
 * "dropped", which has no consumer.
 */
static int
change_streams(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	factstr_error error;

	fc_expect_ok(test, "a seek in a transactional delivery",
				 factstr_stream_seek(test->store, "moved", 1, &error), &error);
	fc_expect_ok(test, "a drop in a transactional delivery",
				 factstr_stream_drop(test->store, "dropped", &error), &error);
	return write_effect(collector, batch);
}

static void
make_stream(fc_test *test, const char *name)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, name, NULL, NULL, &error), &error);
	fc_end_stream(stream);
}

static void
expect_dropped(fc_test *test, const char *name)
{
	factstr_error error;

	fc_expect_code(test, "a seek of the dropped stream",
				   factstr_stream_seek(test->store, name, 0, &error), &error,
				   FACTSTR_NO_SUCH_STREAM);
}

static void
changes_of_streams_are_committed(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	plan	   *planned = fc_allocate(test, sizeof(plan));
	factstr_error error;

	(void) fc_append_types(test, "a b");
	make_stream(test, "moved");
	make_stream(test, "dropped");
	*planned = (plan) {.fails_at = 2, .failures = 1};
	stream->then = change_streams;
	stream->context = planned;
	fc_expect_code(test, "opening with a handler that fails in the replay",
				   fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect_cursor(test, "moved", 2);
	fc_expect_cursor(test, "dropped", 2);

	stream = fc_collector_new(test);
	stream->then = change_streams;
	fc_expect_ok(test, "opening a transactional stream",
				 fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error);
	fc_check_threads(test);
	expect_effects(test, 2, 1);
	fc_expect_cursor(test, "moved", 1);
	expect_dropped(test, "dropped");
}

/* A refused call leaves the transaction as it was. */
static int
try_to_change_streams(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	factstr_error error;
	int			failed = write_effect(collector, batch);

	fc_expect_code(test, "a seek of the handler's own stream",
				   factstr_stream_seek(test->store, "s", 0, &error), &error,
				   FACTSTR_STREAM_ACTIVE);
	fc_expect_code(test, "a drop of an active stream",
				   factstr_stream_drop(test->store, "active", &error), &error,
				   FACTSTR_STREAM_ACTIVE);
	fc_expect_code(test, "a drop of a stream that does not exist",
				   factstr_stream_drop(test->store, "unknown", &error), &error,
				   FACTSTR_NO_SUCH_STREAM);
	fc_expect_code(test, "a seek beyond the newest fact",
				   factstr_stream_seek(test->store, "moved", 1000, &error), &error,
				   FACTSTR_MALFORMED);
	return failed;
}

static void
refused_changes_leave_it(fc_test *test)
{
	fc_collector *active = fc_collector_new(test);
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	make_stream(test, "moved");
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(active, test->store, "active", NULL, NULL, &error), &error);
	stream->then = try_to_change_streams;
	fc_expect_ok(test, "opening a transactional stream",
				 fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error);
	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 1);
	fc_check_threads(test);
	expect_effects(test, 1, 1);
	fc_await_cursor(test, "active", 1);
}

/* Calls that could not be rolled back with the transaction, or may wait for its end, are refused immediately. */
static int
try_to_open_and_wait(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	fc_collector *inner = collector->context;
	factstr_error error;

	(void) batch;
	fc_expect_code(test, "opening a durable stream in a transactional delivery",
				   fc_open_durable(inner, test->store, "inner", NULL, NULL, &error), &error,
				   FACTSTR_MISUSE);
	fc_expect_code(test, "waiting for a stream in a transactional delivery",
				   factstr_wait(test->store, "other", 1, -1, &error), &error, FACTSTR_MISUSE);
	return 0;
}

static void
no_opening_in_it(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	make_stream(test, "other");
	stream->then = try_to_open_and_wait;
	stream->context = fc_collector_new(test);
	(void) fc_append_types(test, "a");
	fc_expect_ok(test, "opening a transactional stream",
				 fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error);
	fc_check_threads(test);
	fc_await_cursor(test, "s", 1);
}

/* Appends continue beside a slow delivery. */
static void
appends_beside_it(fc_test *test)
{
	fc_collector *stream = open_transactional(test, NULL);

	for (int i = 0; i < 20; i++)
		(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", 20);
	for (int i = 1; i <= 20; i++)
		expect_effects(test, i, 1);
	fc_await_deliveries(stream, 20);
}

/*
 * A store without transactions says so; one with them gives none to a delivery that asked for none.
 */
static int
expect_no_transaction(fc_collector *collector, const factstr_batch *batch)
{
	fc_expect(collector->test, batch->transaction == NULL,
			  "a delivery has a transaction that nobody asked for");
	return 0;
}

static void
only_where_asked_for(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = expect_no_transaction;
	(void) fc_append_types(test, "a");
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error);
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
	fc_check_threads(test);
}

static void
supported_or_refused(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;
	int			code = fc_open_durable(stream, test->store, "s", NULL, &transactional, &error);

	if (test->target->effect != NULL)
		fc_expect_ok(test, "a transactional stream", code, &error);
	else
		fc_expect_code(test, "a transactional stream", code, &error, FACTSTR_UNSUPPORTED);
}

const fc_case fc_transaction_cases[] = {
	{{"transactions", "31", "a transactional stream is supported, or refused as unsupported"},
	0, supported_or_refused},
	{{"transactions", "31", "a delivery has a transaction only where it was asked for"},
	0, only_where_asked_for},
	{{"transactions", "31", "a handler's writes are committed with the cursor"},
	FC_EFFECTS, effects_are_committed},
	{{"transactions", "28, 31", "a failed handler's writes are taken back"},
	FC_EFFECTS, failures_leave_no_effect},
	{{"transactions", "28, 31", "the same in a replay"},
	FC_EFFECTS, failing_replay_leaves_no_effect},
	{{"transactions", "31", "a handler must not append inside of its transaction"},
	FC_EFFECTS, no_append_in_it},
	{{"transactions", "31", "a handler seeks and drops other streams in its transaction"},
	FC_EFFECTS, changes_of_streams_are_committed},
	{{"transactions", "31", "a change of a stream that is refused leaves the transaction as it was"},
	FC_EFFECTS, refused_changes_leave_it},
	{{"transactions", "31", "a handler must not open a durable stream, nor wait for one, in it"},
	FC_EFFECTS, no_opening_in_it},
	{{"transactions", "31", "appends continue beside transactional deliveries"},
	FC_EFFECTS, appends_beside_it},
	{{NULL, NULL, NULL}, 0, NULL}
};
