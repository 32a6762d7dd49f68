/*
 * logs.c
 *		Rule 48: two logs in one place do not see each other.
 */
#include "deliveries.h"

#include <string.h>

static factstr_store *
open_beside(fc_test *test)
{
	return fc_open(test, fc_beside(test));
}

static void
expect_facts(fc_test *test, factstr_store *store, const char *query, const char *numbers, uint64_t version)
{
	const factstr_query_result *result = fc_query(test, store, query);

	fc_expect_text(test, "the facts of a log", fc_numbers(test, result->facts, result->fact_count), numbers);
	fc_expect_number(test, "current_context_version", result->current_context_version, version);
}

static void
facts_of_one_log(fc_test *test)
{
	factstr_store *other = open_beside(test);

	expect_facts(test, other, FC_ALL, "", 0);
	(void) fc_append_types(test, "a b");
	fc_expect_number(test, "the first number of the other log", fc_append_to(test, other, "c", "{'n': 1}"), 1);
	fc_expect_number(test, "the next number", fc_append(test, "c", "{'n': 1}"), 3);
	fc_expect_number(test, "the next number of the other log", fc_append_to(test, other, "a", "{'n': 1}"), 2);
	expect_facts(test, test->store, FC_ALL, "1 2 3", 3);
	expect_facts(test, other, FC_ALL, "1 2", 2);
	expect_facts(test, test->store, FC_TYPE("a"), "1", 1);
	expect_facts(test, other, FC_TYPE("a"), "2", 2);
	expect_facts(test, other, FC_PREDICATE("{'n': 1}"), "1 2", 2);
	(void) fc_append_to(test, other, "d", "1");
	fc_expect_number(test, "exported batches", fc_export(test, test->store)->count, 2);
	fc_expect_number(test, "exported batches of the other log", fc_export(test, other)->count, 3);
}

static void
contexts_of_one_log(fc_test *test)
{
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_store *other = open_beside(test);
	char	   *query = fc_quote(test, FC_TYPE("a"));
	factstr_append_result result;
	factstr_error error;

	(void) fc_append_types(test, "b");
	(void) fc_append_types(test, "a");
	fc_expect_ok(test, "an append on a context that is empty in its log",
				 factstr_append(other, &event, 1, FC_IF(query, 0, NULL), &result, &error), &error);
	fc_expect_number(test, "its number", result.first_sequence_number, 1);
	fc_expect_ok(test, "an append on the version of its context in the first log",
				 factstr_append(test->store, &event, 1, FC_IF(query, 2, NULL), &result, &error), &error);
	fc_expect_code(test, "an append on the version of the other log",
				   factstr_append(other, &event, 1, FC_IF(query, 2, NULL), NULL, &error), &error, FACTSTR_CONFLICT);
	fc_expect_number(test, "actual_context_version", error.actual_context_version, 1);
	fc_expect_code(test, "an append after a number of the other log",
				   factstr_append(other, &event, 1, FC_UNLESS(query, 2, NULL), NULL, &error), &error,
				   FACTSTR_MALFORMED);
	fc_expect_ok(test, "an append after the newest fact of its log",
				 factstr_append(other, &event, 1, FC_UNLESS(query, 1, NULL), &result, &error), &error);
	expect_facts(test, test->store, FC_TYPE("a"), "2 3", 3);
}

static void
keys_of_one_log(fc_test *test)
{
	const factstr_event events[] = {{.event_type = "a", .payload = "1"}, {.event_type = "b", .payload = "1"}};
	factstr_store *other = open_beside(test);
	factstr_append_result result;
	factstr_error error;

	(void) fc_append_types(test, "c");
	fc_expect_ok(test, "an append with a key", factstr_append(test->store, events, 1, FC_KEY("k"), NULL, &error), &error);
	fc_expect_ok(test, "the key with other events in another log",
				 factstr_append(other, events, 2, FC_KEY("k"), &result, &error), &error);
	fc_expect_text(test, "the result in the other log", fc_result_text(test, &result), "1-2, 2 facts");
	fc_expect_ok(test, "the key again", factstr_append(test->store, events, 1, FC_KEY("k"), &result, &error), &error);
	fc_expect_text(test, "the first result again", fc_result_text(test, &result), "2-2, 1 facts");
	expect_facts(test, other, FC_ALL, "1 2", 2);
}

/* Appends many batches to the log of its store. */
static void
appends_to_own_log(fc_worker *worker)
{
	factstr_store *const *stores = worker->context;

	worker->store = stores[worker->index % 2];
	fc_append_batches(worker);
}

/* Two threads append to each log. */
static void
numbers_of_one_log(fc_test *test)
{
	factstr_store *stores[] = {test->store, open_beside(test)};

	fc_parallel(test, 4, appends_to_own_log, stores);
	for (size_t i = 0; i < 2; i++)
	{
		const factstr_query_result *result = fc_query(test, stores[i], FC_ALL);

		fc_expect_number(test, "the newest number is how many facts there are", result->current_context_version,
						 result->fact_count);
		fc_expect_number(test, "batches of two threads", fc_export(test, stores[i])->count, 2 * FC_APPENDED_BATCHES);
	}
}

static void
streams_of_one_log(fc_test *test)
{
	factstr_store *other = open_beside(test);
	fc_collector *live = fc_subscribe(test, NULL);
	fc_collector *durable = fc_subscribe_durable(test, "s", NULL);
	fc_collector *other_live = fc_collector_new(test);
	fc_collector *other_durable = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "a stream of the other log", fc_open_stream(other_live, other, FC_TYPE("a"), &error), &error);
	fc_expect_ok(test, "a durable stream of the name, with another query, in the other log",
				 fc_open_durable(other_durable, other, "s", FC_TYPE("a"), NULL, &error), &error);
	(void) fc_append_types(test, "a b");
	(void) fc_append_to(test, other, "a", "1");
	(void) fc_append_to(test, other, "a", "1");
	(void) fc_append_types(test, "a");
	fc_expect_deliveries(live, "1-2: 1 2; 3-3: 3");
	fc_expect_deliveries(durable, "1-2: 1 2; 3-3: 3");
	fc_expect_deliveries(other_live, "1-1: 1; 2-2: 2");
	fc_expect_deliveries(other_durable, "1-1: 1; 2-2: 2");
}

/* Where a stream of a store is; UINT64_MAX: there is none of this name. */
static uint64_t
cursor_in(fc_test *test, factstr_store *store, const char *name)
{
	factstr_stream_status_list *list = NULL;
	factstr_error error;
	uint64_t	cursor = UINT64_MAX;

	fc_expect_ok(test, "factstr_streams", factstr_streams(store, &list, &error), &error);
	fc_expect(test, list->count <= 1, "a log has the streams of another: %zu", list->count);
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->streams[i].name, name) == 0)
			cursor = list->streams[i].cursor_sequence_number;
	}
	factstr_stream_status_list_free(list);
	return cursor;
}

static void
cursors_of_one_log(fc_test *test)
{
	factstr_store *other = open_beside(test);
	fc_collector *collector = fc_subscribe_durable(test, "s", NULL);
	fc_collector *other_collector = fc_collector_new(test);
	factstr_error error;

	fc_expect_ok(test, "a durable stream of the name in the other log",
				 fc_open_durable(other_collector, other, "s", NULL, NULL, &error), &error);
	(void) fc_append_types(test, "a b c");
	(void) fc_append_to(test, other, "a", "1");
	fc_expect_ok(test, "a wait", factstr_wait(test->store, "s", 3, -1, &error), &error);
	fc_expect_ok(test, "a wait for the other", factstr_wait(other, "s", 1, -1, &error), &error);
	fc_end_stream(collector);
	fc_end_stream(other_collector);
	fc_expect_number(test, "the cursor", cursor_in(test, test->store, "s"), 3);
	fc_expect_number(test, "the cursor in the other log", cursor_in(test, other, "s"), 1);
	fc_expect_ok(test, "a seek", factstr_stream_seek(other, "s", 0, &error), &error);
	fc_expect_number(test, "the cursor after a seek in the other log", cursor_in(test, test->store, "s"), 3);
	fc_expect_number(test, "the cursor that was moved", cursor_in(test, other, "s"), 0);
	fc_expect_ok(test, "a drop", factstr_stream_drop(test->store, "s", &error), &error);
	fc_expect_number(test, "the cursor after a drop in the other log", cursor_in(test, other, "s"), 0);
	fc_expect_code(test, "a wait for a stream that only the other log has",
				   factstr_wait(test->store, "s", 1, 0, &error), &error, FACTSTR_NO_SUCH_STREAM);
}

static void
redactions_of_one_log(fc_test *test)
{
	factstr_store *other = open_beside(test);
	factstr_redaction_list *list;
	factstr_error error;

	(void) fc_append(test, "a", "{'n': 1}");
	(void) fc_append_to(test, other, "a", "{'n': 1}");
	fc_expect_ok(test, "a redaction", factstr_redact(other, 1, "{}", "asked for", NULL, NULL, &error), &error);
	expect_facts(test, test->store, FC_PREDICATE("{'n': 1}"), "1", 1);
	expect_facts(test, other, FC_PREDICATE("{'n': 1}"), "", 0);
	fc_expect_ok(test, "the redactions of the log", factstr_redactions(test->store, 0, 10, &list, &error), &error);
	fc_expect_number(test, "redactions of the log", list->count, 0);
	factstr_redaction_list_free(list);
}

const fc_case fc_log_cases[] = {
	{{"logs", "48", "a log has its own facts and numbers"}, 0, facts_of_one_log},
	{{"logs", "48", "a context and its version belong to one log"}, 0, contexts_of_one_log},
	{{"logs", "48", "an idempotency key belongs to one log"}, 0, keys_of_one_log},
	{{"logs", "48", "concurrent appends to two logs leave no gap in either"}, 0, numbers_of_one_log},
	{{"logs", "48", "streams deliver the facts of their log"}, 0, streams_of_one_log},
	{{"logs", "48", "a durable stream has its cursor in one log"}, 0, cursors_of_one_log},
	{{"logs", "48", "a redaction concerns one log"}, 0, redactions_of_one_log},
	{{NULL, NULL, NULL}, 0, NULL}
};
