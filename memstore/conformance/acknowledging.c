/*
 * acknowledging.c
 *		Rules 27, 28, 31: a cursor that moves once for several batches.
 */
#include "deliveries.h"

#include <string.h>

#include "process.h"

#define BATCHES 40

static const factstr_stream_options in_groups = {.size = sizeof(in_groups), .ack_batches = 100, .ack_ms = -1};
static const factstr_stream_options transactional = {
	.size = sizeof(transactional), .ack_batches = 100, .ack_ms = -1, .transactional = true
};

static void
append_batches(fc_test *test)
{
	for (int i = 0; i < BATCHES; i++)
		(void) fc_append_types(test, "a");
}

/* "1-1: 1; 2-2: 2" and so on; one batch fails, and the stream continues from another. */
static const char *
deliveries_from(fc_test *test, unsigned int first, unsigned int last)
{
	char	   *text = fc_format(test, "%u-%u: %u", first, first, first);

	for (unsigned int i = first + 1; i <= last; i++)
		text = fc_format(test, "%s; %u-%u: %u", text, i, i, i);
	return text;
}

static void
cursor_gets_to_the_end(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	append_batches(test);
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, &in_groups, &error), &error);
	fc_expect_cursor(test, "s", BATCHES);
	fc_expect_deliveries(stream, deliveries_from(test, 1, BATCHES));
	(void) fc_append_types(test, "a");
	fc_await_cursor(test, "s", BATCHES + 1);
}

/* Batches delivered before a failure count as delivered. */
static void
failure_keeps_what_was_delivered(fc_test *test)
{
	fc_collector *failing = fc_collector_new(test);
	fc_collector *next = fc_collector_new(test);
	factstr_error error;

	append_batches(test);
	failing->fails_at = 30;
	failing->failures = 1;
	fc_expect_code(test, "a replay that fails",
				   fc_open_durable(failing, test->store, "s", NULL, &in_groups, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect_cursor(test, "s", 29);
	fc_expect_ok(test, "the same again",
				 fc_open_durable(next, test->store, "s", NULL, &in_groups, &error), &error);
	fc_expect_deliveries(next, deliveries_from(test, 30, BATCHES));
}

static int
unsubscribe_at_20(fc_collector *collector, const factstr_batch *batch)
{
	if (batch->last_sequence_number == 20)
		factstr_stream_unsubscribe(collector->stream);
	return 0;
}

static void
unsubscribing_keeps_what_was_delivered(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	append_batches(test);
	stream->then = unsubscribe_at_20;
	fc_expect_ok(test, "opening a durable stream",
				 fc_open_durable(stream, test->store, "s", NULL, &in_groups, &error), &error);
	fc_expect_cursor(test, "s", 20);
	fc_expect_deliveries(stream, deliveries_from(test, 1, 20));
}

/* Writes the batch's number; the context says at which number it fails after that, once. */
static int
write_effect(fc_collector *collector, const factstr_batch *batch)
{
	fc_test    *test = collector->test;
	const factstr_conformance_target *target = test->target;
	uint64_t   *fails_at = collector->context;
	bool		fails = *fails_at == batch->last_sequence_number;

	fc_expect(test, target->effect(target->context, batch->transaction,
								   (int) batch->last_sequence_number),
			  "writing in the delivery's transaction failed");
	return fails ? 1 : 0;
}

static void
expect_effects(fc_test *test, int first, int last, long expected)
{
	const factstr_conformance_target *target = test->target;

	for (int i = first; i <= last; i++)
		fc_expect_number(test, fc_format(test, "effects of batch %d", i),
						 (uint64_t) target->effects(target->context, test->url, i),
						 (uint64_t) expected);
}

static void
effects_of_a_group_are_committed_once(fc_test *test)
{
	uint64_t   *fails_at = fc_allocate(test, sizeof(uint64_t));
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	append_batches(test);
	*fails_at = 30;
	stream->then = write_effect;
	stream->context = fails_at;
	fc_expect_code(test, "a replay that fails",
				   fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	expect_effects(test, 1, 29, 1);
	expect_effects(test, 30, BATCHES, 0);
	fc_expect_cursor(test, "s", 29);
	*fails_at = 0;
	fc_expect_ok(test, "the same again",
				 fc_open_durable(stream, test->store, "s", NULL, &transactional, &error), &error);
	expect_effects(test, 1, BATCHES, 1);
	fc_expect_cursor(test, "s", BATCHES);
}

/* The batch that the process dies in, and those of its group, come again: none is missing. */
static int
say_and_wait(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) error;
	if (batch->last_sequence_number == 20)
	{
		fc_child_say(context, "in batch 20");
		fc_child_expect_line(context, "go on");
	}
	return 0;
}

static void
deliver_in_child(fc_child *child)
{
	factstr_stream *stream;
	factstr_error error;

	fc_child_expect_ok(child, "a durable stream in another process",
					   factstr_stream_open(child->store, "s", NULL, say_and_wait, child, &in_groups,
										   &stream, &error), &error);
}

static void
killed_in_a_group(fc_test *test)
{
	fc_process *process = fc_start(test, deliver_in_child);
	fc_collector *stream;
	uint64_t	cursor;

	fc_open_store(test);
	append_batches(test);
	fc_let_open(test, process);
	fc_expect_line(test, process, "in batch 20");
	cursor = fc_status(test, "s")->cursor_sequence_number;
	fc_expect(test, cursor < 20, "the cursor has passed a batch that is being delivered");
	fc_kill(process);
	stream = fc_subscribe_next(test, "s", NULL);
	fc_expect_deliveries(stream, deliveries_from(test, (unsigned int) cursor + 1, BATCHES));
}

const fc_case fc_acknowledging_cases[] = {
	{{"acknowledging", "27", "a cursor that moves for several batches gets to the end"},
	0, cursor_gets_to_the_end},
	{{"acknowledging", "27, 28", "after a failure the cursor is right before the batch that failed"},
	0, failure_keeps_what_was_delivered},
	{{"acknowledging", "27, 30", "unsubscribing keeps the cursor after the delivered batches"},
	0, unsubscribing_keeps_what_was_delivered},
	{{"acknowledging", "31", "batches that share a transaction have their effects once"},
	FC_EFFECTS, effects_of_a_group_are_committed_once},
	{{"acknowledging", "27, 29", "batches that a killed consumer had not acknowledged go to its successor"},
	FC_PROCESSES, killed_in_a_group},
	{{NULL, NULL, NULL}, 0, NULL}
};
