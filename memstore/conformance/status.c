/*
 * status.c
 *		Rule 30: durable streams are listed, reset and dropped; and waiting for a cursor.
 */
#include "deliveries.h"

#include <string.h>

static void
release_list(void *list)
{
	factstr_stream_status_list_free(list);
}

static const factstr_stream_status_list *
list_streams(fc_test *test)
{
	factstr_stream_status_list *list = NULL;
	factstr_error error;

	fc_expect_ok(test, "factstr_streams", factstr_streams(test->store, &list, &error), &error);
	fc_own(test, release_list, list);
	return list;
}

static void
all_are_listed(fc_test *test)
{
	static const char *const ordered[] = {"B", "a", "aa", "b", "\xC3\xA9"};
	static const int order_of_opening[] = {3, 1, 4, 0, 2};
	const factstr_stream_status_list *list;

	fc_expect_number(test, "streams of an empty store", list_streams(test)->count, 0);
	for (size_t i = 0; i < 5; i++)
		(void) fc_subscribe_durable(test, ordered[order_of_opening[i]], NULL);
	list = list_streams(test);
	fc_expect_number(test, "streams", list->count, 5);
	for (size_t i = 0; i < 5; i++)
		fc_expect_text(test, "a name, ordered byte by byte", list->streams[i].name, ordered[i]);
}

static void
status_of_a_stream(fc_test *test)
{
	const char *query = FC_BOTH("a", "{'n': 1}");
	fc_collector *stream = fc_subscribe_durable(test, "s", query);
	const factstr_stream_status *status = fc_status(test, "s");

	fc_expect_json(test, "event_query", status->event_query, query);
	fc_expect(test, status->active, "active: expected true with a consumer, found false");
	fc_expect_number(test, "lag_facts of an empty log", status->lag_facts, 0);
	fc_expect_number(test, "failure_count", status->failure_count, 0);
	fc_expect(test, status->last_error == NULL, "last_error: expected none, found \"%s\"",
			  status->last_error);
	fc_expect_number(test, "last_failed_at", (uint64_t) status->last_failed_at, 0);
	fc_expect_number(test, "retry_at", (uint64_t) status->retry_at, 0);
	(void) fc_append(test, "a", "{'n': 1}");
	fc_await_cursor(test, "s", 1);
	fc_expect(test, fc_status(test, "s")->last_success_at > 0,
			  "last_success_at: expected a time after a success, found none");
	fc_end_stream(stream);
	fc_expect(test, !fc_status(test, "s")->active,
			  "active: expected false without a consumer, found true");
}

static void
lag_counts_facts(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	const factstr_stream_status *status;

	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "s", 2);
	status = fc_status(test, "s");
	fc_expect_number(test, "lag_facts at the end", status->lag_facts, 0);
	fc_expect_number(test, "lag_time at the end", (uint64_t) status->lag_us, 0);
	fc_end_stream(stream);
	(void) fc_append_types(test, "b a b");
	(void) fc_append_types(test, "c");
	status = fc_status(test, "s");
	fc_expect_number(test, "cursor_sequence_number", status->cursor_sequence_number, 2);
	fc_expect_number(test, "head_sequence_number", status->head_sequence_number, 6);
	fc_expect_number(test, "lag_facts", status->lag_facts, 4);
	fc_expect(test, status->lag_us >= 0 && status->lag_us < INT64_C(3600) * 1000000,
			  "lag_time: expected the age of the first fact after the cursor, "
			  "found %lld microseconds", (long long) status->lag_us);
}

static void
expect_seek(fc_test *test, uint64_t position)
{
	factstr_error error;

	fc_expect_ok(test, "factstr_stream_seek", factstr_stream_seek(test->store, "s", position,
																  &error), &error);
	fc_expect_cursor(test, "s", position);
}

static void
seeking(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);

	(void) fc_append_types(test, "a b");
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b c");
	fc_await_cursor(test, "s", 5);
	fc_end_stream(stream);
	expect_seek(test, 3);
	stream = fc_subscribe_durable(test, "s", NULL);
	fc_expect_deliveries(stream, "4-5: 4 5");
	fc_end_stream(stream);
	expect_seek(test, 0);
	stream = fc_subscribe_durable(test, "s", NULL);
	fc_expect_deliveries(stream, "1-2: 1 2; 3-3: 3; 4-5: 4 5");
	fc_end_stream(stream);
	expect_seek(test, 2);
	expect_seek(test, 5);
	stream = fc_subscribe_durable(test, "s", NULL);
	(void) fc_append_types(test, "d");
	fc_expect_deliveries(stream, "6-6: 6");
}

static void
seeking_has_errors(fc_test *test)
{
	fc_collector *stream;
	factstr_error error;

	fc_expect_code(test, "seeking a stream that does not exist",
				   factstr_stream_seek(test->store, "s", 0, &error), &error,
				   FACTSTR_NO_SUCH_STREAM);
	stream = fc_subscribe_durable(test, "s", NULL);
	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "s", 2);
	fc_expect_code(test, "seeking an active stream",
				   factstr_stream_seek(test->store, "s", 0, &error), &error, FACTSTR_STREAM_ACTIVE);
	fc_end_stream(stream);
	fc_expect_code(test, "seeking beyond the newest fact",
				   factstr_stream_seek(test->store, "s", 3, &error), &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "seeking beyond 63 bits",
				   factstr_stream_seek(test->store, "s", UINT64_MAX, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_cursor(test, "s", 2);
}

static void
dropping(fc_test *test)
{
	fc_collector *stream;
	factstr_error error;

	fc_expect_code(test, "dropping a stream that does not exist",
				   factstr_stream_drop(test->store, "s", &error), &error, FACTSTR_NO_SUCH_STREAM);
	stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));
	(void) fc_subscribe_durable(test, "other", NULL);
	(void) fc_append_types(test, "a b");
	fc_await_cursor(test, "s", 2);
	fc_expect_code(test, "dropping an active stream", factstr_stream_drop(test->store, "s", &error),
				   &error, FACTSTR_STREAM_ACTIVE);
	fc_end_stream(stream);
	fc_expect_ok(test, "dropping a stream", factstr_stream_drop(test->store, "s", &error), &error);
	fc_expect_number(test, "streams", list_streams(test)->count, 1);
	fc_expect_code(test, "dropping it again", factstr_stream_drop(test->store, "s", &error), &error,
				   FACTSTR_NO_SUCH_STREAM);
	stream = fc_subscribe_durable(test, "s", FC_TYPE("b"));
	fc_expect_deliveries(stream, "1-2: 2");
}

static void
waiting_for_a_cursor(fc_test *test)
{
	factstr_error error;
	fc_collector *stream = fc_subscribe_durable(test, "s", FC_TYPE("a"));

	for (int i = 0; i < 10; i++)
	{
		uint64_t	last = fc_append_types(test, i % 3 == 2 ? "b" : "b a b");

		fc_expect_ok(test, "factstr_wait", factstr_wait(test->store, "s", last,
														test->patience * 1000, &error), &error);
		fc_expect(test, fc_status(test, "s")->cursor_sequence_number >= last,
				  "the cursor after factstr_wait: expected at least %llu",
				  (unsigned long long) last);
	}
	fc_end_stream(stream);
	fc_expect_ok(test, "waiting for a past fact", factstr_wait(test->store, "s", 1, 0, &error),
				 &error);
	fc_expect_ok(test, "waiting for a past fact, without limit",
				 factstr_wait(test->store, "s", 1, -1, &error), &error);
}

static void
wait_in_a_thread(fc_worker *worker)
{
	factstr_error error;

	fc_expect_ok(worker->test, "factstr_wait in a thread",
				 factstr_wait(worker->store, "s", 2, -1, &error), &error);
}

static void
waiting_is_woken(fc_test *test)
{
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);
	fc_worker  *worker = fc_background(test, wait_in_a_thread, NULL);

	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "a");
	fc_join(worker);
	fc_expect_deliveries(stream, "1-1: 1; 2-2: 2");
}

static void
waiting_ends(fc_test *test)
{
	factstr_error error;
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);

	fc_end_stream(stream);
	(void) fc_append_types(test, "a");
	fc_expect_code(test, "waiting for a stream without a consumer",
				   factstr_wait(test->store, "s", 1, 10, &error), &error, FACTSTR_WAIT_TIMED_OUT);
	fc_expect_code(test, "waiting no time at all", factstr_wait(test->store, "s", 1, 0, &error),
				   &error, FACTSTR_WAIT_TIMED_OUT);
	fc_expect_code(test, "waiting for a stream that does not exist",
				   factstr_wait(test->store, "t", 1, 10, &error), &error, FACTSTR_NO_SUCH_STREAM);
}

static void
waiting_across_handles(fc_test *test)
{
	factstr_store *other = fc_open(test, test->url);
	fc_collector *stream = fc_subscribe_durable(test, "s", NULL);
	factstr_error error;
	uint64_t	last = fc_append_to(test, other, "a", "{}");

	fc_expect_ok(test, "factstr_wait on another handle",
				 factstr_wait(other, "s", last, test->patience * 1000, &error), &error);
	fc_expect_deliveries(stream, "1-1: 1");
}

const fc_case fc_status_cases[] = {
	{{"status", "30", "durable streams are listed in the order of their names"}, 0, all_are_listed},
	{{"status", "30", "the list describes each stream and its state"}, 0, status_of_a_stream},
	{{"status", "30", "the lag counts all facts after the cursor"}, 0, lag_counts_facts},
	{{"status", "30", "a stream continues from where it is reset to"}, 0, seeking},
	{{"status", "29, 30", "resetting refuses impossible positions"}, 0, seeking_has_errors},
	{{"status", "29, 30", "a dropped stream is gone, and a new one begins at the first fact"}, 0, dropping},
	{{"status", "27", "waiting for a fact returns when the cursor is there"},
	0, waiting_for_a_cursor},
	{{"status", "27", "waiting for a fact is woken by the cursor"}, 0, waiting_is_woken},
	{{"status", "27", "waiting for a fact ends in time, and for no stream at once"},
	0, waiting_ends},
	{{"status", "23, 27", "waiting for a fact works from another handle"},
	FC_PERSISTENT, waiting_across_handles},
	{{NULL, NULL, NULL}, 0, NULL}
};
