/*
 * facts.c
 *		Rules 1 to 3 and 5: facts, their numbers, and their survival.
 */
#include "harness.h"
#include "process.h"

#include <stdlib.h>

static void
comes_back(fc_test *test)
{
	const factstr_query_result *result;

	(void) fc_append(test, "account-opened", "{'account': 'A-1', 'limits': [1, 2.50, null]}");
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, 1);
	fc_expect_number(test, "its number", result->facts[0].sequence_number, 1);
	fc_expect_text(test, "its type", result->facts[0].event_type, "account-opened");
	fc_expect_json(test, "its payload", result->facts[0].payload,
				   "{'account': 'A-1', 'limits': [1, 2.50, null]}");
	fc_expect(test, result->facts[0].metadata == NULL, "metadata: expected none, found some");
}

static void
stays_as_it_is(fc_test *test)
{
	const factstr_query_result *before;
	const factstr_query_result *after;

	(void) fc_append_types(test, "a b c");
	before = fc_query(test, test->store, NULL);
	for (int i = 0; i < 20; i++)
		(void) fc_append(test, "a", "{'later': true}");
	after = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", after->fact_count, 23);
	for (size_t i = 0; i < 3; i++)
		fc_expect_same_fact(test, "an earlier fact", &after->facts[i], &before->facts[i]);
}

static void
numbers_begin_with_one(fc_test *test)
{
	fc_expect_log_ends_at(test, 0);
	fc_expect_number(test, "the first number", fc_append(test, "a", "{}"), 1);
	fc_expect_number(test, "the end of the next batch", fc_append_types(test, "a b c"), 4);
	fc_expect_number(test, "the number after that", fc_append(test, "b", "{}"), 5);
	fc_expect_query(test, FC_ALL, "1 2 3 4 5", 5);
}

static void
failures_use_no_number(fc_test *test)
{
	const uint64_t stale = 7;
	factstr_append_result result;
	factstr_error error;

	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': 1}]", "key");
	fc_expect_code(test, "a stale append",
				   fc_try_append_if(test, "[{'event_type': 'a', 'payload': 1}]", FC_ALL, stale,
									NULL, &result, &error), &error, FACTSTR_CONFLICT);
	fc_expect_code(test, "an empty append", fc_try_append(test, "[]", NULL, &result, &error),
				   &error, FACTSTR_EMPTY_APPEND);
	fc_expect_code(test, "an append without a type",
				   fc_try_append(test, "[{'event_type': '', 'payload': 1}]", NULL, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "an append with a key of another",
				   fc_try_append(test, "[{'event_type': 'b', 'payload': 1}]", "key", &result,
								 &error),
				   &error, FACTSTR_IDEMPOTENCY_KEY_REUSED);
	fc_expect_number(test, "the next number", fc_append(test, "a", "{}"), 2);
	fc_expect_log_ends_at(test, 2);
}

/* Appends batches of one to three events: 79, 80, 81 and 79 in the first four threads. */
static void
append_some(fc_worker *worker)
{
	static const factstr_event events[3] = {{.event_type = "w", .payload = "1"}, {.event_type = "w", .payload = "2"}, {.event_type = "w", .payload = "3"}};

	for (size_t i = 0; i < 40; i++)
	{
		factstr_append_result result;
		factstr_error error;
		size_t		count = 1 + (i + (size_t) worker->index) % 3;

		fc_expect_ok(worker->test, "a concurrent append",
					 factstr_append(worker->store, events, count, NULL, &result, &error), &error);
		fc_expect(worker->test, result.committed_count == count &&
				  result.last_sequence_number - result.first_sequence_number + 1 == count,
				  "expected %zu consecutive numbers, found %s", count,
				  fc_result_text(worker->test, &result));
	}
}

/* Reads new facts, again and again: each answer continues the last one. */
static void
read_what_is_new(fc_worker *worker)
{
	fc_test    *test = worker->test;
	uint64_t	seen = 0;

	while (!fc_is_over(test) && seen < 240)
	{
		const factstr_query_result *result =
			fc_query(test, worker->store, fc_format(test, "{'after': %llu}",
													(unsigned long long) seen));

		for (size_t i = 0; i < result->fact_count; i++)
		{
			fc_expect(test, result->facts[i].sequence_number == seen + 1,
					  "a reader that had seen %llu found %llu next", (unsigned long long) seen,
					  (unsigned long long) result->facts[i].sequence_number);
			seen = result->facts[i].sequence_number;
		}
	}
}

static void
numbers_have_no_gaps(fc_test *test)
{
	fc_worker  *readers[2];
	const factstr_query_result *result;

	for (int i = 0; i < 2; i++)
		readers[i] = fc_background(test, read_what_is_new, NULL);
	fc_parallel(test, 3, append_some, NULL);
	result = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", result->fact_count, 240);
	for (size_t i = 0; i < result->fact_count; i++)
		fc_expect_number(test, "a number", result->facts[i].sequence_number, i + 1);
	for (int i = 0; i < 2; i++)
		fc_join(readers[i]);
}

static void
time_is_recorded_time(fc_test *test)
{
	const int64_t day = INT64_C(24) * 3600 * 1000000;
	const factstr_query_result *result;
	int64_t		now = (int64_t) time(NULL) * 1000000;

	(void) fc_append(test, "a", "{}");
	result = fc_query(test, test->store, NULL);
	fc_expect(test, llabs(result->facts[0].occurred_at - now) < day,
			  "occurred_at: expected a time within a day of now, found %lld",
			  (long long) result->facts[0].occurred_at);
}

static void
time_has_one_form(fc_test *test)
{
	static const struct
	{
		int64_t		time;
		const char *text;
	}			times[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{INT64_C(1769847330123456), "2026-01-31T08:15:30.123456Z"},
		{INT64_C(1769847330000000), "2026-01-31T08:15:30.000000Z"},
		{INT64_C(951827696789000), "2000-02-29T12:34:56.789000Z"},
		{INT64_C(-1), "1969-12-31T23:59:59.999999Z"},
		{INT64_C(4102444799999999), "2099-12-31T23:59:59.999999Z"},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
	{
		char		text[FACTSTR_TIME_SIZE];

		fc_expect_text(test, "a time", factstr_format_time(times[i].time, text), times[i].text);
	}
}

static void
append_is_a_batch(fc_test *test)
{
	factstr_append_result result;

	(void) fc_append(test, "a", "{}");
	result = fc_append_events(test, "[{'event_type': 'a', 'payload': 1}, {'event_type': 'b', "
									"'payload': 2},"
							  " {'event_type': 'a', 'payload': 3}]", NULL);
	fc_expect_text(test, "the result", fc_result_text(test, &result), "2-4, 3 facts");
	(void) fc_append_types(test, "c d");
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 100)),
				   "1-1: 1; 2-4: 2 3 4; 5-6: 5 6");
}

static void
order_in_a_batch(fc_test *test)
{
	factstr_event *events = fc_allocate(test, 300 * sizeof(factstr_event));
	const factstr_query_result *stored;
	factstr_append_result result;
	factstr_error error;

	for (size_t i = 0; i < 300; i++)
		events[i] = (factstr_event) {
			.event_type = i % 3 == 0 ? "x" : "y",
			.payload = fc_format(test, "%zu", i),
		};
	fc_expect_ok(test, "an append of 300",
				 factstr_append(test->store, events, 300, NULL, &result, &error), &error);
	stored = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", stored->fact_count, 300);
	for (size_t i = 0; i < 300; i++)
	{
		fc_expect_text(test, "payload", stored->facts[i].payload, events[i].payload);
		fc_expect_text(test, "type", stored->facts[i].event_type, events[i].event_type);
	}
	fc_expect_number(test, "batches", fc_batches(test, FC_ALL, 0, 100)->count, 1);
}

static void
all_or_nothing(fc_test *test)
{
	factstr_append_result result;
	factstr_error error;

	(void) fc_append(test, "a", "{}");
	fc_expect_code(test, "an append whose last event is malformed",
				   fc_try_append(test, "[{'event_type': 'a', 'payload': 1}, {'event_type': 'a', "
									   "'payload': 2},"
								 " {'event_type': '', 'payload': 3}]", NULL, &result, &error),
				   &error, FACTSTR_MALFORMED);
	fc_expect_log_ends_at(test, 1);
}

static void
facts_survive(fc_test *test)
{
	const factstr_query_result *before;
	const factstr_query_result *after;

	(void) fc_append_events(test,
							"[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': 'x'}},"
							" {'event_type': 'b', 'payload': [true]}]", "key");
	(void) fc_append_types(test, "c");
	before = fc_query(test, test->store, NULL);
	fc_restart(test);
	after = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", after->fact_count, 3);
	for (size_t i = 0; i < 3; i++)
		fc_expect_same_fact(test, "a fact after a restart", &after->facts[i], &before->facts[i]);
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 100)),
				   "1-2: 1 2; 3-3: 3");
	fc_expect_number(test, "the next number", fc_append(test, "a", "{}"), 4);
}

static void
handles_see_each_other(fc_test *test)
{
	factstr_store *other = fc_open(test, test->url);

	(void) fc_append(test, "a", "{}");
	fc_expect_number(test, "the other handle's number", fc_append_to(test, other, "b", "{}"), 2);
	fc_expect_number(test, "the first handle's number", fc_append(test, "c", "{}"), 3);
	fc_expect_number(test, "facts through the other handle",
					 fc_query(test, other, NULL)->fact_count, 3);
	fc_expect_query(test, FC_ALL, "1 2 3", 3);
}

/* Half of the threads have separate handles. */
static void
append_through_a_handle(fc_worker *worker)
{
	if (worker->index % 2 == 1)
		worker->store = worker->context;
	append_some(worker);
}

static void
handles_append_together(fc_test *test)
{
	fc_parallel(test, 4, append_through_a_handle, fc_open(test, test->url));
	fc_expect_log_ends_at(test, 319);
}

/* Reports the return of each append, and continues until it is killed. */
static void
append_until_killed(fc_child *child)
{
	const factstr_event events[2] = {{.event_type = "a", .payload = "1"}, {.event_type = "b", .payload = "2"}};

	for (;;)
	{
		factstr_append_result result;
		factstr_error error;

		fc_child_expect_ok(child, "an append",
						   factstr_append(child->store, events, 2, NULL, &result, &error), &error);
		fc_child_say(child, "stored");
	}
}

/* A server may still be at work on the append that was under way; it comes whole, or not at all. */
static void
what_was_answered_survives(fc_test *test)
{
	fc_process *process = fc_start(test, append_until_killed);
	const factstr_batch_list *log;
	uint64_t	next;

	fc_let_open(test, process);
	for (int i = 0; i < 10; i++)
		fc_expect_line(test, process, "stored");
	fc_kill(process);
	fc_open_store(test);
	next = fc_append(test, "a", "{}");
	fc_expect(test, next > 20,
			  "after 20 facts that a killed process knew of: expected a number above, found %llu",
			  (unsigned long long) next);
	log = fc_export(test, test->store);
	for (size_t i = 0; i < log->count; i++)
		fc_expect_number(test, "facts of a batch", log->batches[i].fact_count,
						 log->batches[i].first_sequence_number == next ? 1 : 2);
}

const fc_case fc_facts_cases[] = {
	{{"facts", "1", "a fact comes back with its number, type and payload"}, 0, comes_back},
	{{"facts", "1", "later appends leave a fact as it is"}, 0, stays_as_it_is},
	{{"facts", "2", "numbers begin with 1 and have no gaps"}, 0, numbers_begin_with_one},
	{{"facts", "2", "an append that fails uses no number"}, 0, failures_use_no_number},
	{{"facts", "2",
	  "readers beside many writers see no gap, and no new fact below a seen one"}, 0,
	numbers_have_no_gaps},
	{{"facts", "2", "handles of one store see each other's facts"},
	FC_PERSISTENT, handles_see_each_other},
	{{"facts", "2", "handles of one store append together without gaps"},
	FC_PERSISTENT, handles_append_together},
	{{"facts", "3", "occurred_at is recorded time, in microseconds"}, 0, time_is_recorded_time},
	{{"facts", "3", "a time as text has six digits and a Z"}, 0, time_has_one_form},
	{{"facts", "5", "an append is one batch with consecutive numbers"}, 0, append_is_a_batch},
	{{"facts", "5", "a batch keeps the order of its events"}, 0, order_in_a_batch},
	{{"facts", "5, 8", "a batch with one malformed event is not stored at all"}, 0, all_or_nothing},
	{{"facts", "1, 5", "facts and batches survive a restart"}, FC_PERSISTENT, facts_survive},
	{{"facts", "2, 5",
	  "acknowledged facts survive when a process is killed, and no half batch does"},
	FC_PROCESSES, what_was_answered_survives},
	{{NULL, NULL, NULL}, 0, NULL}
};
