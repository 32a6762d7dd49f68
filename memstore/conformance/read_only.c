/*
 * read_only.c
 *		Rule 39: a store that may only be read.
 */
#include <string.h>

#include "deliveries.h"

/* The same store, opened to be read only. */
static factstr_store *
open_to_read(fc_test *test)
{
	const char *options = test->target->read_only;

	return fc_open(test, fc_format(test, "%s%c%s", test->url,
								   strchr(test->url, '?') == NULL ? '?' : '&', options));
}

static void
reading_works(fc_test *test)
{
	factstr_store *reader;
	factstr_read_options backwards = {.size = sizeof(backwards), .backwards = true};
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	factstr_error error;

	(void) fc_append_types(test, "a b");
	(void) fc_subscribe_durable(test, "s", FC_TYPE("a"));
	reader = open_to_read(test);
	fc_expect_number(test, "the facts", fc_query(test, reader, FC_ALL)->fact_count, 2);
	fc_expect_number(test, "the exported batches", fc_export(test, reader)->count, 1);
	fc_expect_ok(test, "a cursor",
				 factstr_read_open(reader, NULL, &backwards, &cursor, &error), &error);
	fc_expect_ok(test, "its first fact", factstr_read_next(cursor, &fact, &error), &error);
	fc_expect_number(test, "the newest fact", fact->sequence_number, 2);
	factstr_read_close(cursor);
	(void) fc_append_types(test, "c");
	fc_expect_number(test, "the facts after another append",
					 fc_query(test, reader, FC_ALL)->fact_count, 3);
}

static void
writing_is_refused(fc_test *test)
{
	const factstr_event event = {.event_type = "a", .payload = "1"};
	const uint64_t version = 1;
	fc_collector *stream = fc_collector_new(test);
	factstr_append_result result;
	factstr_store *reader;
	factstr_error error;

	(void) fc_append_types(test, "a");
	fc_end_stream(fc_subscribe_durable(test, "s", NULL));
	reader = open_to_read(test);
	fc_expect_code(test, "an append", factstr_append(reader, &event, 1, NULL, &result, &error),
				   &error, FACTSTR_READ_ONLY);
	fc_expect_code(test, "an append under a key",
				   factstr_append(reader, &event, 1, FC_KEY("k"), &result, &error), &error,
				   FACTSTR_READ_ONLY);
	fc_expect_code(test, "a conditional append",
				   factstr_append(reader, &event, 1, FC_IF(NULL, version, NULL), &result, &error),
				   &error, FACTSTR_READ_ONLY);
	fc_expect_code(test, "opening a durable stream",
				   fc_open_durable(stream, reader, "s", NULL, NULL, &error), &error,
				   FACTSTR_READ_ONLY);
	fc_expect_code(test, "a seek", factstr_stream_seek(reader, "s", 0, &error), &error,
				   FACTSTR_READ_ONLY);
	fc_expect_code(test, "a drop", factstr_stream_drop(reader, "s", &error), &error,
				   FACTSTR_READ_ONLY);
	fc_expect_log_ends_at(test, 1);
	fc_expect_cursor(test, "s", 1);
	fc_expect_number(test, "the next fact", fc_append_types(test, "a"), 2);
}

static void
streams_that_keep_nothing(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "a stream of a store that is only read",
				 fc_open_stream(stream, open_to_read(test), FC_TYPE("a"), &error), &error);
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(stream, "1-1: 1; 3-3: 3");
}

const fc_case fc_read_only_cases[] = {
	{{"read-only", "39", "a store that may only be read can be read, also while others append"},
	FC_READ_ONLY, reading_works},
	{{"read-only", "39", "what would write to it is refused, and stores nothing"},
	FC_READ_ONLY, writing_is_refused},
	{{"read-only", "39", "it has streams that keep no cursor"},
	FC_READ_ONLY, streams_that_keep_nothing},
	{{NULL, NULL, NULL}, 0, NULL}
};
