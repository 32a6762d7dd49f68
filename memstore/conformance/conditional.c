/*
 * conditional.c
 *		Rules 14 to 17: appends that depend on a context.
 */
#include "harness.h"
#include "deliveries.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE "[{'event_type': 'a', 'payload': 1}]"

/* The version of an empty context. */
#define NONE 0

static int
append_if(fc_test *test, const char *events, const char *context, uint64_t expected,
		  factstr_error *error)
{
	factstr_append_result result = {0};

	memset(error, 0, sizeof(*error));
	return fc_try_append_if(test, events, context, expected, NULL, &result, error);
}

static void
expect_success(fc_test *test, const char *context, uint64_t expected)
{
	factstr_error error;
	int			code = append_if(test, ONE, context, expected, &error);

	fc_expect_ok(test, fc_format(test, "append_if on %s", context), code, &error);
}

/* Versions in the error: 0 for an empty context. */
static void
expect_conflict(fc_test *test, const char *context, uint64_t expected, uint64_t actual)
{
	const char *what = fc_format(test, "append_if on %s", context);
	factstr_error error;
	int			code = append_if(test, ONE, context, expected, &error);

	fc_expect_code(test, what, code, &error, FACTSTR_CONFLICT);
	fc_expect_number(test, "expected_context_version in the error", error.expected_context_version,
					 expected);
	fc_expect_number(test, "actual_context_version in the error", error.actual_context_version,
					 actual);
}

static void
equal_version_succeeds(fc_test *test)
{
	(void) fc_append_types(test, "a b a");
	expect_success(test, FC_TYPE("a"), 3);
	expect_success(test, FC_TYPE("b"), 2);
	expect_success(test, FC_ALL, 5);
	fc_expect_log_ends_at(test, 6);
}

static void
other_versions_conflict(fc_test *test)
{
	(void) fc_append_types(test, "a b a b");
	expect_conflict(test, FC_TYPE("a"), 1, 3);
	expect_conflict(test, FC_TYPE("a"), 2, 3);
	expect_conflict(test, FC_TYPE("a"), 4, 3);
	expect_conflict(test, FC_TYPE("a"), 99, 3);
	expect_conflict(test, FC_TYPE("a"), INT64_MAX, 3);
	expect_conflict(test, FC_TYPE("a"), UINT64_C(1) << 63, 3);
	expect_conflict(test, FC_ALL, 3, 4);
	fc_expect_log_ends_at(test, 4);
}

static void
empty_context(fc_test *test)
{
	expect_success(test, FC_ALL, NONE);
	expect_success(test, FC_TYPE("b"), NONE);
	expect_conflict(test, FC_TYPE("a"), NONE, 2);
	expect_conflict(test, FC_TYPE("b"), 2, 0);
	expect_success(test, FC_NOTHING, NONE);
	expect_conflict(test, FC_NOTHING, 3, 0);
	fc_expect_log_ends_at(test, 3);
}

/* Number 2 exists, and is newer than everything in the context, but is not in it. */
static void
version_must_be_in_the_context(fc_test *test)
{
	(void) fc_append_types(test, "a b");
	expect_conflict(test, FC_TYPE("a"), 2, 1);
	expect_conflict(test, FC_TYPE("c"), 2, 0);
	(void) fc_append(test, "d", "{'k': 1}");
	(void) fc_append(test, "d", "{'k': 2}");
	expect_conflict(test, FC_PREDICATE("{'k': 1}"), 4, 3);
	expect_success(test, FC_PREDICATE("{'k': 1}"), 3);
}

static void
others_do_not_matter(fc_test *test)
{
	(void) fc_append(test, "a", "{'account': 'A-1'}");
	(void) fc_append(test, "a", "{'account': 'A-2'}");
	(void) fc_append(test, "b", "{'account': 'A-1'}");
	expect_success(test, FC_BOTH("a", "{'account': 'A-1'}"), 1);
	expect_success(test, FC_PREDICATE("{'account': 'A-2'}"), 2);
	expect_conflict(test, FC_PREDICATE("{'account': 'A-1'}"), 1, 3);
}

static void
null_context_is_everything(fc_test *test)
{
	factstr_error error;

	(void) fc_append_types(test, "a b");
	fc_expect_code(test, "NULL as context", append_if(test, ONE, NULL, 1, &error), &error,
				   FACTSTR_CONFLICT);
	fc_expect_number(test, "the actual version", error.actual_context_version, 2);
	fc_expect_ok(test, "NULL as context", append_if(test, ONE, NULL, 2, &error), &error);
}

static void
lower_bound_has_no_influence(fc_test *test)
{
	(void) fc_append_types(test, "a b a b");
	expect_conflict(test, "{'filters': [{'event_types': ['a']}], 'after': 3}", NONE,
					3);
	expect_conflict(test, "{'filters': [{'event_types': ['a']}], 'after': 99}", NONE,
					3);
	expect_conflict(test, "{'filters': [{'event_types': ['a']}], 'after': 2}", 1, 3);
	expect_success(test, "{'filters': [{'event_types': ['a']}], 'after': 3}", 3);
	expect_success(test, "{'filters': [{'event_types': ['b']}], 'after': 99}", 4);
}

static void
conflict_leaves_nothing(fc_test *test)
{
	fc_collector *stream;
	const char *before;

	(void) fc_append_types(test, "a");
	stream = fc_subscribe(test, NULL);
	before = fc_batches_text(test, fc_batches(test, FC_ALL, 0, 10));
	for (int i = 0; i < 3; i++)
		expect_conflict(test, FC_ALL, NONE, 1);
	fc_expect_text(test, "batches", fc_batches_text(test, fc_batches(test, FC_ALL, 0, 10)), before);
	fc_expect_number(test, "the next number", fc_append(test, "marker", "{}"), 2);
	fc_expect_deliveries(stream, "2-2: 2");
}

static void
expect_input_first(fc_test *test, const char *events, const char *context, int code)
{
	factstr_error error;

	fc_expect_code(test, fc_format(test, "stale, with events %s and context %s", events, context),
				   append_if(test, events, context, 99, &error), &error, code);
}

static void
input_is_checked_first(fc_test *test)
{
	(void) fc_append_types(test, "a");
	expect_input_first(test, "[]", FC_ALL, FACTSTR_EMPTY_APPEND);
	expect_input_first(test, "[{'event_type': '', 'payload': 1}]", FC_ALL, FACTSTR_MALFORMED);
	expect_input_first(test, "[{'event_type': 'a', 'payload': 1, 'metadata': []}]", FC_ALL,
					   FACTSTR_MALFORMED);
	expect_input_first(test, ONE, "{'filter': []}", FACTSTR_MALFORMED);
	expect_input_first(test, ONE, FC_ALL, FACTSTR_CONFLICT);
	fc_expect_log_ends_at(test, 1);
}

/* Rounds of a race: in each, all threads expect the same version. */
typedef struct race
{
	uint64_t	expected;
	int			won;			/* with the test's lock held */
	factstr_store *other;		/* for every second thread, or NULL */
} race;

static void
run_race(fc_worker *worker)
{
	race	   *running = worker->context;
	factstr_store *store = running->other != NULL && worker->index % 2 == 1 ? running->other :
		worker->store;
	const factstr_event event = {.event_type = "a", .payload = "1"};
	factstr_append_result result;
	factstr_error error;
	int			code = factstr_append(store, &event, 1,
									  FC_IF("{\"filters\": [{\"event_types\": [\"a\"]}]}",
											running->expected, NULL),
									  &result, &error);

	if (code == FACTSTR_CONFLICT)
	{
		fc_expect_number(worker->test, "actual_context_version of the losers",
						 error.actual_context_version, running->expected + 1);
		return;
	}
	fc_expect_ok(worker->test, "an append_if of a race", code, &error);
	(void) pthread_mutex_lock(&worker->test->lock);
	running->won++;
	(void) pthread_mutex_unlock(&worker->test->lock);
}

static void
race_rounds(fc_test *test, factstr_store *other)
{
	race	   *running = fc_allocate(test, sizeof(race));

	running->other = other;
	for (uint64_t round = 0; round < 15; round++)
	{
		running->expected = round;
		running->won = 0;
		fc_parallel(test, 6, run_race, running);
		fc_expect_number(test, "appends with the same expected version that succeeded",
						 (uint64_t) running->won, 1);
	}
	fc_expect_log_ends_at(test, 15);
}

static void
one_of_many_succeeds(fc_test *test)
{
	race_rounds(test, NULL);
}

static void
one_of_many_over_handles(fc_test *test)
{
	race_rounds(test, fc_open(test, test->url));
}

/* Reads the context and appends at its version, until that has succeeded so often. */
static void
decide_and_append(fc_worker *worker)
{
	static const char *const contexts[] = {
		"{\"filters\": [{\"event_types\": [\"decided\"]}]}",
		"{\"filters\": [{\"payload_predicates\": [{\"topic\": 1}]}]}",
	};
	const char *context = contexts[worker->index % 2];

	for (int done = 0; done < 12 && !fc_is_over(worker->test);)
	{
		uint64_t	version = 0;
		char	   *payload;
		factstr_event event;
		factstr_append_result result;
		factstr_error error;
		int			code;

		fc_expect_ok(worker->test, "reading a version",
					 factstr_context_version(worker->store, context, &version, &error), &error);
		payload = fc_format(worker->test, "{\"topic\": 1, \"seen\": %llu}",
							(unsigned long long) version);
		event = (factstr_event) {.event_type = "decided", .payload = payload};
		code = factstr_append(worker->store, &event, 1, FC_IF(context, version, NULL), &result,
							  &error);
		if (code == FACTSTR_OK)
			done++;
		else
			fc_expect_code(worker->test, "append_if", code, &error, FACTSTR_CONFLICT);
	}
}

/* Facts of other contexts, which must not affect any append. */
static void
append_others(fc_worker *worker)
{
	const factstr_event event = {.event_type = "other", .payload = "{\"topic\": 2}"};

	for (int i = 0; i < 40; i++)
	{
		factstr_append_result result;
		factstr_error error;

		fc_expect_ok(worker->test, "an append of another context",
					 factstr_append(worker->store, &event, 1, NULL, &result, &error), &error);
	}
}

/* Every decision was made knowing the one before: each says which version it has seen. */
static void
expect_chain(fc_test *test, uint64_t length)
{
	const factstr_query_result *decided = fc_query(test, test->store, FC_TYPE("decided"));
	uint64_t	before = 0;

	fc_expect_number(test, "decisions", decided->fact_count, length);
	for (size_t i = 0; i < decided->fact_count; i++)
	{
		const factstr_fact *fact = &decided->facts[i];
		const char *expected = fc_format(test, "{\"topic\": 1, \"seen\": %llu}",
										 (unsigned long long) before);

		fc_expect(test, fc_json_same(fact->payload, expected),
				  "fact %llu follows %llu, but was appended knowing %s",
				  (unsigned long long) fact->sequence_number, (unsigned long long) before,
				  fact->payload);
		before = fact->sequence_number;
	}
}

static void
decisions_form_a_chain(fc_test *test)
{
	fc_worker  *beside = fc_background(test, append_others, NULL);

	fc_parallel(test, 4, decide_and_append, NULL);
	fc_join(beside);
	expect_chain(test, 48);
}

static void
decide_in_child(fc_child *child)
{
	static const char context[] = "{\"filters\": [{\"event_types\": [\"decided\"]}]}";

	fc_child_expect_line(child, "decide");
	for (int done = 0; done < 12;)
	{
		uint64_t	version;
		char		payload[100];
		factstr_event event = {.event_type = "decided", .payload = payload};
		factstr_append_result result;
		factstr_error error;
		int			code;

		fc_child_expect_ok(child, "reading a version",
						   factstr_context_version(child->store, context, &version, &error),
						   &error);
		(void) snprintf(payload, sizeof(payload), "{\"topic\": 1, \"seen\": %llu}",
						(unsigned long long) version);
		code = factstr_append(child->store, &event, 1, FC_IF(context, version, NULL), &result,
							  &error);
		if (code == FACTSTR_OK)
			done++;
		else if (code != FACTSTR_CONFLICT)
			fc_child_expect_ok(child, "append_if", code, &error);
	}
	fc_child_say(child, "decided");
}

static void
processes_form_a_chain(fc_test *test)
{
	fc_process *processes[3];

	for (int i = 0; i < 3; i++)
		processes[i] = fc_start(test, decide_in_child);
	fc_open_store(test);
	for (int i = 0; i < 3; i++)
		fc_let_open(test, processes[i]);
	for (int i = 0; i < 3; i++)
		fc_tell(processes[i], "decide");
	for (int i = 0; i < 3; i++)
	{
		fc_expect_line(test, processes[i], "decided");
		fc_expect_exit(test, processes[i]);
	}
	expect_chain(test, 36);
}

static void
unconditional_appends_count(fc_test *test)
{
	(void) fc_append_types(test, "a");
	(void) fc_append_types(test, "b a b");
	expect_conflict(test, FC_TYPE("a"), 1, 3);
	expect_success(test, FC_TYPE("a"), 3);
}

static void
other_handles_count(fc_test *test)
{
	factstr_store *other = fc_open(test, test->url);

	(void) fc_append_types(test, "a");
	(void) fc_append_to(test, other, "a", "{}");
	expect_conflict(test, FC_TYPE("a"), 1, 2);
	expect_success(test, FC_TYPE("a"), 2);
}

static void
decisions_survive(fc_test *test)
{
	(void) fc_append(test, "a", "{'k': 1}");
	(void) fc_append(test, "b", "{'k': 2}");
	fc_restart(test);
	expect_conflict(test, FC_PREDICATE("{'k': 1}"), NONE, 1);
	expect_conflict(test, FC_TYPE("b"), 1, 2);
	expect_success(test, FC_PREDICATE("{'k': 1}"), 1);
}

const fc_case fc_conditional_cases[] = {
	{{"conditional", "14", "the expected version equals the context's: the append succeeds"},
	0, equal_version_succeeds},
	{{"conditional", "14, 15",
		"any other version conflicts, lower or higher, and the error has both"},
	0, other_versions_conflict},
	{{"conditional", "14", "0, as null in SQL, expects an empty context"}, 0, empty_context},
	{{"conditional", "14", "a number that is not in the context is not its version"},
	0, version_must_be_in_the_context},
	{{"conditional", "14", "facts outside of the context do not matter"}, 0, others_do_not_matter},
	{{"conditional", "14", "a context of NULL is the whole log"}, 0, null_context_is_everything},
	{{"conditional", "11, 14", "after has no influence on the check"},
	0, lower_bound_has_no_influence},
	{{"conditional", "15", "a conflict stores nothing, uses no number, delivers nothing"},
	0, conflict_leaves_nothing},
	{{"conditional", "16", "input is checked before the context"}, 0, input_is_checked_first},
	{{"conditional", "17", "of many appends with one expected version exactly one succeeds"},
	0, one_of_many_succeeds},
	{{"conditional", "17", "the same over several handles"},
	FC_PERSISTENT, one_of_many_over_handles},
	{{"conditional", "17", "concurrent decisions form a chain"}, 0, decisions_form_a_chain},
	{{"conditional", "17", "concurrent decisions of several processes form a chain"},
	FC_PROCESSES, processes_form_a_chain},
	{{"conditional", "17", "unconditional appends in between count"},
	0, unconditional_appends_count},
	{{"conditional", "17", "appends through other handles count"},
	FC_PERSISTENT, other_handles_count},
	{{"conditional", "14", "contexts survive a restart"}, FC_PERSISTENT, decisions_survive},
	{{NULL, NULL, NULL}, 0, NULL}
};
