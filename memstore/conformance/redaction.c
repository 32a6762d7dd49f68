/*
 * redaction.c
 *		Erasing the content of facts, on record.
 */
#include "deliveries.h"
#include "redactions.h"

#include <string.h>

static void
only_what_it_says_changes(fc_test *test)
{
	factstr_fact before;
	const factstr_fact *after;

	fc_append_owners(test);
	before = *fc_fact_of(test, test->store, 1);
	fc_redact(test, 1, "{'account': 'A-1'}", NULL, "request 17");
	fc_expect_says(test, test->store, 1, "{'account': 'A-1'}", NULL);
	fc_expect_says(test, test->store, 2, "{'account': 'A-1', 'owner': 'Ada'}", NULL);
	after = fc_fact_of(test, test->store, 1);
	fc_expect_text(test, "the type", after->event_type, before.event_type);
	fc_expect_number(test, "the time", (uint64_t) after->occurred_at, (uint64_t) before.occurred_at);
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 10)),
				   "1-2: 1 2; 3-3: 3");
	fc_redact(test, 1, "'gone'", "{'was': 'A-1'}", "again");
	fc_expect_says(test, test->store, 1, "'gone'", "{'was': 'A-1'}");
	fc_redact(test, 1, "null", "null", "and again");
	fc_expect_says(test, test->store, 1, "null", NULL);
	fc_expect_number(test, "the next number", fc_append(test, "a", "{}"), 4);
}

/* Facts and the values that find them: an index that is not updated keeps the old value, or misses the new one. */
static void
found_by_what_it_says(fc_test *test)
{
	fc_append_owners(test);
	fc_redact(test, 1, "{'account': 'A-1', 'owner': 'X'}", NULL, "r");
	fc_expect_query(test, FC_OWNER, "2 3", 3);
	fc_expect_query(test, FC_PREDICATE("{'owner': 'X'}"), "1", 1);
	fc_expect_query(test, FC_ACCOUNT, "1 2", 2);
	fc_expect_query(test, FC_TYPE("opened"), "1 3", 3);
	fc_expect_text(test, "batches about the owner", fc_batches_text(test, fc_batches(test, FC_OWNER, 0, 10)),
				   "1-2: 2; 3-3: 3");
	fc_redact(test, 2, "{}", NULL, "r");
	fc_redact(test, 3, "{}", NULL, "r");
	fc_expect_query(test, FC_OWNER, "", 0);
	fc_expect_query(test, FC_ACCOUNT, "1", 1);
	fc_redact(test, 3, "{'account': 'A-1'}", NULL, "r");
	fc_expect_query(test, FC_ACCOUNT, "1 3", 3);
}

/* Versions of contexts follow from the current content of facts. */
static void
decisions_see_it(fc_test *test)
{
	static const char event[] = "[{'event_type': 'a', 'payload': {'account': 'A-1'}}]";
	const uint64_t before = 2;
	factstr_append_result result;
	factstr_error error;

	fc_append_owners(test);
	fc_redact(test, 2, "{}", NULL, "r");
	fc_expect_code(test, "a decision on a fact that has left the context",
				   fc_try_append_if(test, event, FC_ACCOUNT, before, NULL, &result, &error), &error,
				   FACTSTR_CONFLICT);
	fc_expect_number(test, "the version that it has now", error.actual_context_version, 1);
	fc_expect_ok(test, "a decision on the present facts",
				 fc_try_append_if(test, event, FC_ACCOUNT, error.actual_context_version, NULL, &result,
								  &error), &error);
	fc_expect_query(test, FC_ACCOUNT, "1 4", 4);
}

static void
each_is_on_record(fc_test *test)
{
	const factstr_redaction_list *list;

	fc_append_owners(test);
	fc_expect_number(test, "redactions at first", fc_redactions_after(test, test->store, 0, 10)->count, 0);
	fc_redact(test, 3, "{}", NULL, "first");
	fc_redact(test, 1, "{}", NULL, "second \"é\"");
	fc_redact(test, 3, "[]", NULL, "third");
	fc_expect_record(test, test->store, "1 second \"é\"; 3 first; 3 third");
	list = fc_redactions_after(test, test->store, 0, 10);
	for (size_t i = 0; i < list->count; i++)
	{
		fc_expect(test, list->redactions[i].redacted_by[0] != '\0', "redacted_by is empty");
		fc_expect(test, list->redactions[i].redacted_at >= fc_fact_of(test, test->store, 3)->occurred_at,
				  "redacted_at is before the fact's time");
	}
	list = fc_redactions_after(test, test->store, 0, 1);
	fc_expect_text(test, "a page", fc_record_text(test, list->redactions, list->count),
				   "1 second \"é\"");
	list = fc_redactions_after(test, test->store, 1, 1);
	fc_expect_text(test, "a page has all of a fact", fc_record_text(test, list->redactions, list->count),
				   "3 first; 3 third");
	fc_expect_number(test, "redactions after the last", fc_redactions_after(test, test->store, 3, 1)->count, 0);
}

static void
expect_no_redaction(fc_test *test, uint64_t number, const char *payload, const char *metadata,
					const char *reason)
{
	factstr_error error;

	fc_expect_code(test, fc_format(test, "a redaction of %llu by %s, %s, \"%s\"",
								   (unsigned long long) number, payload, metadata == NULL ? "none" :
								   metadata, reason),
				   fc_try_redact(test, test->store, number, payload, metadata, reason, &error), &error,
				   FACTSTR_MALFORMED);
}

static void
errors_change_nothing(fc_test *test)
{
	bool		remain;
	factstr_error error;

	expect_no_redaction(test, 1, "{}", NULL, "r");
	fc_append_owners(test);
	expect_no_redaction(test, 0, "{}", NULL, "r");
	expect_no_redaction(test, 4, "{}", NULL, "r");
	expect_no_redaction(test, UINT64_C(1) << 63, "{}", NULL, "r");
	expect_no_redaction(test, 1, "{", NULL, "r");
	expect_no_redaction(test, 1, "", NULL, "r");
	expect_no_redaction(test, 1, "{} {}", NULL, "r");
	expect_no_redaction(test, 1, "{}", "[]", "r");
	expect_no_redaction(test, 1, "{}", "{", "r");
	expect_no_redaction(test, 1, "{}", NULL, "");
	expect_no_redaction(test, 1, "{}", NULL, "\xff");
	fc_expect_code(test, "a redaction without a reason",
				   factstr_redact(test->store, 1, "{}", NULL, NULL, &remain, &error), &error,
				   FACTSTR_MISUSE);
	fc_expect_code(test, "a redaction without a payload",
				   factstr_redact(test->store, 1, NULL, "r", NULL, &remain, &error), &error,
				   FACTSTR_MISUSE);
	fc_expect_record(test, test->store, "");
	fc_expect_query(test, FC_OWNER, "1 2 3", 3);
}

/* The original content of a redacted fact is unknown. */
static void
repeated_appends_find_it(fc_test *test)
{
	factstr_append_result result;
	factstr_error error;

	fc_append_owners(test);
	fc_redact(test, 1, "{}", NULL, "r");
	result = fc_append_events(test, "[{'event_type': 'opened', 'payload': {'account': 'A-1', 'owner': 'Ada'}},"
							  " {'event_type': 'paid', 'payload': {'account': 'A-1', 'owner': 'Ada'}}]", "key");
	fc_expect_text(test, "the result of a repeated append", fc_result_text(test, &result), "1-2, 2 facts");
	fc_expect_code(test, "the key with another type for the redacted fact",
				   fc_try_append(test, "[{'event_type': 'paid', 'payload': {}}, {'event_type': 'paid',"
								 " 'payload': {'account': 'A-1', 'owner': 'Ada'}}]", "key", &result, &error),
				   &error, FACTSTR_IDEMPOTENCY_KEY_REUSED);
	fc_expect_code(test, "the key with another payload for the other fact",
				   fc_try_append(test, "[{'event_type': 'opened', 'payload': {}}, {'event_type': 'paid',"
								 " 'payload': {}}]", "key", &result, &error), &error,
				   FACTSTR_IDEMPOTENCY_KEY_REUSED);
	fc_expect_log_ends_at(test, 3);
}

static void
streams_deliver_what_it_says(fc_test *test)
{
	fc_collector *live = fc_subscribe(test, NULL);
	fc_collector *durable;
	fc_delivery delivery;

	fc_append_owners(test);
	fc_expect_deliveries(live, "1-2: 1 2; 3-3: 3");
	fc_redact(test, 2, "'gone'", NULL, "r");
	durable = fc_subscribe_durable(test, "s", NULL);
	fc_expect_deliveries(durable, "1-2: 1 2; 3-3: 3");
	delivery = fc_delivery_at(durable, 0);
	fc_expect_json(test, "later deliveries", delivery.facts[1].payload, "'gone'");
	(void) fc_append(test, "a", "{}");
	fc_expect_deliveries(live, "1-2: 1 2; 3-3: 3; 4-4: 4");
	fc_await_cursor(test, "s", 4);
}

static bool
has_failed(fc_test *test, void *context)
{
	(void) context;
	return fc_status(test, "s")->last_error != NULL;
}

/* They may quote the content of the fact. */
static void
errors_of_streams_are_erased(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	fc_append_owners(test);
	stream->fails_at = 3;
	stream->failures = 1000;
	fc_expect_code(test, "opening a stream whose handler fails",
				   fc_open_durable(stream, test->store, "s", NULL, NULL, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect(test, fc_comes_true(test, has_failed, NULL), "expected an error, found none");
	fc_redact(test, 1, "{}", NULL, "r");
	fc_expect_text(test, "last_error", fc_status(test, "s")->last_error,
				   "message erased by a redaction");
	fc_expect_cursor(test, "s", 2);
}

/* A handler may do it, as it may do anything but wait for itself. */
static int
redact_delivered(fc_collector *collector, const factstr_batch *batch)
{
	return factstr_redact(collector->test->store, batch->first_sequence_number, "0", "h", NULL, NULL,
						  NULL);
}

static void
handlers_may_redact(fc_test *test)
{
	fc_collector *stream = fc_collector_new(test);
	factstr_error error;

	stream->then = redact_delivered;
	fc_append_owners(test);
	fc_expect_ok(test, "opening a stream", fc_open_durable(stream, test->store, "s", NULL, NULL, &error),
				 &error);
	(void) fc_append(test, "a", "{}");
	fc_expect_deliveries(stream, "1-2: 1 2; 3-3: 3; 4-4: 4");
	fc_await_cursor(test, "s", 4);
	fc_expect_record(test, test->store, "1 h; 3 h; 4 h");
}

#define REDACTIONS_OF_A_WORKER 20

/* Some redact the same two facts, some append, and all of them read. */
static void
redact_or_append(fc_worker *worker)
{
	fc_test    *test = worker->test;
	factstr_error error;

	for (int i = 0; i < REDACTIONS_OF_A_WORKER; i++)
	{
		const factstr_query_result *found;

		if (worker->index < 2)
			fc_expect_ok(test, "factstr_redact",
						 factstr_redact(worker->store, (uint64_t) (1 + i % 2),
										worker->index == 0 ? "{\"n\": 1, \"owner\": \"X\"}" : "{\"n\": 2}",
										"r", NULL, NULL, &error), &error);
		else
			(void) fc_append_to(test, worker->store, "a", "{'owner': 'Ada'}");
		found = fc_query(test, worker->store, FC_OWNER);
		for (size_t j = 0; j < found->fact_count; j++)
			fc_expect(test, strstr(found->facts[j].payload, "Ada") != NULL,
					  "a fact was found by content that it does not have");
	}
}

static void
side_by_side(fc_test *test)
{
	fc_append_owners(test);
	fc_parallel(test, 4, redact_or_append, NULL);
	fc_expect_number(test, "redactions", fc_redactions_after(test, test->store, 0, 1000)->count,
					 2 * REDACTIONS_OF_A_WORKER);
	fc_expect_log_ends_at(test, 3 + 2 * REDACTIONS_OF_A_WORKER);
	fc_expect_number(test, "facts that say the one or the other",
					 fc_query(test, test->store,
							  "{'filters': [{'payload_predicates': [{'n': 1}, {'n': 2}]}]}")->fact_count, 2);
}

static void
survives_closing(fc_test *test)
{
	fc_append_owners(test);
	fc_redact(test, 1, "{}", NULL, "r");
	fc_restart(test);
	fc_expect_says(test, test->store, 1, "{}", NULL);
	fc_expect_record(test, test->store, "1 r");
	fc_expect_query(test, FC_OWNER, "2 3", 3);
}

const fc_case fc_redaction_cases[] = {
	{{"redaction", "1, 40", "a redaction changes the content of a fact, and nothing else"},
	0, only_what_it_says_changes},
	{{"redaction", "12, 40", "a redacted fact is found by its new content, and not by the old"},
	0, found_by_what_it_says},
	{{"redaction", "14, 40", "decisions see what facts say now"}, 0, decisions_see_it},
	{{"redaction", "40", "each redaction is on record"}, 0, each_is_on_record},
	{{"redaction", "40", "a redaction that is impossible is an error, and nothing changes"},
	0, errors_change_nothing},
	{{"redaction", "33, 40", "a repeated append finds the batch of a redacted fact by its types"},
	0, repeated_appends_find_it},
	{{"redaction", "18, 40", "streams deliver what facts say now, in the same order"},
	0, streams_deliver_what_it_says},
	{{"redaction", "28, 40", "a redaction erases the messages of streams' errors"},
	0, errors_of_streams_are_erased},
	{{"redaction", "22, 40", "a handler may redact"}, 0, handlers_may_redact},
	{{"redaction", "2, 40", "redactions, appends and reads run side by side"}, 0, side_by_side},
	{{"redaction", "40", "a redaction survives closing"}, FC_PERSISTENT, survives_closing},
	{{NULL, NULL, NULL}, 0, NULL}
};
