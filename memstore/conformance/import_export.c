/*
 * import_export.c
 *		Logs that move from store to store: numbers, times, batches and keys do not change.
 */
#include "deliveries.h"

#include <string.h>

static void
fill(fc_test *test)
{
	(void) fc_append_events(test, "[{'event_type': 'a', 'payload': {'n': 1.50}, 'metadata': {'by': "
								  "'x'}}, {'event_type': 'b', 'payload': null}]",
							"key");
	(void) fc_append_types(test, "a");
	(void) fc_append_events(test, "[{'event_type': 'c', 'payload': ['text']}]", NULL);
	(void) fc_append_types(test, "b a b");
}

static void
expect_same_key(fc_test *test, const char *found, const char *expected)
{
	bool		same = found == NULL || expected == NULL ? found == expected :
		strcmp(found, expected) == 0;

	fc_expect(test, same,
			  "a batch's key: expected %s, found %s", expected == NULL ? "none" : expected,
			  found == NULL ? "none" : found);
}

static void
expect_same_log(fc_test *test, const factstr_batch_list *found, const factstr_batch_list *expected)
{
	fc_expect_text(test, "batches", fc_batches_text(test, found), fc_batches_text(test, expected));
	for (size_t i = 0; i < expected->count; i++)
	{
		expect_same_key(test, found->batches[i].idempotency_key,
						expected->batches[i].idempotency_key);
		for (size_t j = 0; j < expected->batches[i].fact_count; j++)
			fc_expect_same_fact(test, "an imported fact", &found->batches[i].facts[j],
								&expected->batches[i].facts[j]);
	}
}

/* The store that is imported into. */
static factstr_store *
other_store(fc_test *test)
{
	return fc_open(test, fc_fresh(test));
}

static void
expect_import(fc_test *test, factstr_store *store, const factstr_batch *batches, size_t count)
{
	factstr_error error;

	fc_expect_ok(test, "factstr_import", factstr_import(store, batches, count, NULL, &error), &error);
}

static void
expect_refused(fc_test *test, factstr_store *store, const char *what, const factstr_batch *batches,
			   size_t count)
{
	const factstr_batch_list *before = fc_export(test, store);
	factstr_error error;

	fc_expect_code(test, what, factstr_import(store, batches, count, NULL, &error), &error,
				   FACTSTR_MALFORMED);
	expect_same_log(test, fc_export(test, store), before);
}

static void
export_is_the_log(fc_test *test)
{
	const factstr_batch_list *exported;
	factstr_batch_list *part = NULL;
	factstr_error error;

	fc_expect_number(test, "batches of an empty log", fc_export(test, test->store)->count, 0);
	fill(test);
	exported = fc_export(test, test->store);
	fc_expect_text(test, "the export", fc_batches_text(test, exported),
				   "1-2: 1 2; 3-3: 3; 4-4: 4; 5-7: 5 6 7");
	expect_same_key(test, exported->batches[0].idempotency_key, "key");
	for (size_t i = 1; i < 4; i++)
		expect_same_key(test, exported->batches[i].idempotency_key, NULL);
	fc_expect_ok(test, "factstr_export", factstr_export(test->store, 2, 2, &part, &error), &error);
	fc_expect_text(test, "a part", fc_batches_text(test, part), "3-3: 3; 4-4: 4");
	factstr_batch_list_free(part);
	fc_expect(test, fc_batches(test, FC_ALL, 0, 1)->batches[0].idempotency_key == NULL,
			  "factstr_batches gave a key");
}

static void
import_is_the_log(fc_test *test)
{
	factstr_store *copy = other_store(test);
	const factstr_batch_list *exported;

	fill(test);
	exported = fc_export(test, test->store);
	expect_import(test, copy, exported->batches, exported->count);
	expect_same_log(test, fc_export(test, copy), exported);
	fc_expect_number(test, "the next number", fc_append_to(test, copy, "a", "{}"), 8);
	test->store = copy;
	fc_expect_query(test, FC_TYPE("a"), "1 3 6 8", 8);
	fc_expect_query(test, FC_PREDICATE("['text']"), "4", 4);
}

static void
import_goes_on(fc_test *test)
{
	factstr_store *copy = other_store(test);
	const factstr_batch_list *exported;

	fill(test);
	exported = fc_export(test, test->store);
	expect_import(test, copy, exported->batches, 1);
	expect_import(test, copy, exported->batches + 1, 2);
	expect_import(test, copy, exported->batches + 3, 1);
	expect_same_log(test, fc_export(test, copy), exported);
	expect_import(test, copy, NULL, 0);
}

static void
keys_move_along(fc_test *test)
{
	factstr_store *copy = other_store(test);
	const factstr_batch_list *exported;
	factstr_append_result result;
	factstr_error error;

	fill(test);
	exported = fc_export(test, test->store);
	expect_import(test, copy, exported->batches, exported->count);
	test->store = copy;
	result = fc_append_events(test,
							  "[{'event_type': 'a', 'payload': {'n': 1.5},"
							  " 'metadata': {'by': 'x'}}, {'event_type': 'b', 'payload': null}]",
							  "key");
	fc_expect_text(test, "the result of a call that was repeated in the copy",
				   fc_result_text(test, &result), "1-2, 2 facts");
	fc_expect_code(test, "the key with other events",
				   fc_try_append(test, "[{'event_type': 'a', 'payload': 1}]", "key", &result,
								 &error), &error,
				   FACTSTR_IDEMPOTENCY_KEY_REUSED);
}

static void
gaps_are_refused(fc_test *test)
{
	factstr_store *copy = other_store(test);
	const factstr_batch_list *exported;
	factstr_batch reordered[2];

	fill(test);
	exported = fc_export(test, test->store);
	reordered[0] = exported->batches[0];
	reordered[1] = exported->batches[2];
	expect_refused(test, copy, "an import that begins with 3", exported->batches + 1, 3);
	expect_refused(test, copy, "an import with a gap inside", reordered, 2);
	expect_import(test, copy, exported->batches, 2);
	expect_refused(test, copy, "an import that leaves out a batch", exported->batches + 3, 1);
	expect_refused(test, copy, "an import of stored batches", exported->batches, 2);
	expect_refused(test, copy, "an import of the last batch that is there", exported->batches + 1,
				   3);
	expect_import(test, copy, exported->batches + 2, 2);
}

/* One thing is wrong in the last of two batches. */
static void
expect_wrong_batch(fc_test *test, const char *what, factstr_batch wrong)
{
	static const factstr_fact fact = {1, 1000000, "a", "1", NULL, {0}};
	const factstr_batch batches[2] = {{1, 1, 1, &fact, NULL, NULL, 0, NULL, {0}}, wrong};

	expect_refused(test, test->store, what, batches, 2);
}

static void
malformed_batches_are_refused(fc_test *test)
{
	const factstr_fact good[2] = {{2, 1000000, "a", "1", NULL, {0}}, {3, 1000000, "b", "2", NULL, {0}}};
	const factstr_fact gap[2] = {{2, 1000000, "a", "1", NULL, {0}}, {4, 1000000, "b", "2", NULL, {0}}};
	const factstr_fact no_type[2] = {{2, 1000000, "a", "1", NULL, {0}}, {3, 1000000, "", "2", NULL, {0}}};
	const factstr_fact no_json[2] = {{2, 1000000, "a", "1", NULL, {0}}, {3, 1000000, "b", "{", NULL, {0}}};
	const factstr_fact no_object[2] = {{2, 1000000, "a", "1", NULL, {0}}, {3, 1000000, "b", "2", "[]", {0}}};

	expect_wrong_batch(test, "a batch without facts", (factstr_batch) {2, 3, 0, good, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "a batch with fewer facts than numbers",
					   (factstr_batch) {2, 3, 1, good, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "a batch with more facts than numbers",
					   (factstr_batch) {2, 2, 2, good, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "a batch with a gap", (factstr_batch) {2, 3, 2, gap, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "a fact without a type",
					   (factstr_batch) {2, 3, 2, no_type, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "a payload that is not JSON",
					   (factstr_batch) {2, 3, 2, no_json, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "metadata that is not an object",
					   (factstr_batch) {2, 3, 2, no_object, NULL, NULL, 0, NULL, {0}});
	expect_wrong_batch(test, "an empty key", (factstr_batch) {2, 3, 2, good, "", NULL, 0, NULL, {0}});
	fc_expect_log_ends_at(test, 0);
}

static void
streams_get_imports(fc_test *test)
{
	factstr_store *source = other_store(test);
	fc_collector *live = fc_subscribe(test, FC_TYPE("a"));
	fc_collector *durable = fc_subscribe_durable(test, "s", NULL);
	factstr_store *store = test->store;
	const factstr_batch_list *exported;

	test->store = source;
	fill(test);
	exported = fc_export(test, source);
	test->store = store;
	expect_import(test, store, exported->batches, 3);
	expect_import(test, store, exported->batches + 3, 1);
	fc_expect_deliveries(durable, "1-2: 1 2; 3-3: 3; 4-4: 4; 5-7: 5 6 7");
	fc_expect_deliveries(live, "1-2: 1; 3-3: 3; 5-7: 6");
	fc_await_cursor(test, "s", 7);
}

static void
times_are_kept(fc_test *test)
{
	const factstr_fact facts[3] = {{1, 0, "a", "1", NULL, {0}},
								   {2, INT64_C(1769847330123456), "a", "2", NULL, {0}},
		{3, INT64_C(951827696789001), "a", "3", "{\"by\": \"x\"}", {0}}};
	const factstr_batch batch = {1, 3, 3, facts, "k", NULL, 0, NULL, {0}};
	const factstr_query_result *stored;

	expect_import(test, test->store, &batch, 1);
	stored = fc_query(test, test->store, NULL);
	fc_expect_number(test, "facts", stored->fact_count, 3);
	for (size_t i = 0; i < 3; i++)
		fc_expect_same_fact(test, "an imported fact", &stored->facts[i], &facts[i]);
}

/* Imports batches without numbers; the result shows the stored ones. */
static void
expect_history(fc_test *test, const factstr_batch *batches, size_t count, const char *expected)
{
	factstr_append_result result;
	factstr_error error;

	fc_expect_ok(test, "factstr_import",
				 factstr_import(test->store, batches, count, &result, &error), &error);
	fc_expect_text(test, "the stored batches", fc_result_text(test, &result), expected);
}

static const factstr_fact history[4] = {
	{0, INT64_C(1517967921000000), "a", "{\"n\": 1}", "{\"by\": \"x\"}", {0}},
	{0, INT64_C(1517967921000000), "b", "null", NULL, {0}},
	{0, INT64_C(951827696789001), "a", "2", NULL, {0}},
	{0, INT64_C(-1), "c", "[3]", NULL, {0}}
};

static void
history_gets_numbers(fc_test *test)
{
	const factstr_batch batches[3] = {
		{0, 0, 2, history, "k 1", NULL, 0, NULL, {0}}, {0, 0, 1, history + 2, NULL, NULL, 0, NULL, {0}},
		{0, 0, 1, history + 3, "k 3", NULL, 0, NULL, {0}}
	};
	const factstr_batch_list *stored;

	(void) fc_append_types(test, "b");
	expect_history(test, batches, 3, "2-5, 4 facts");
	fc_expect_number(test, "the next number", fc_append_to(test, test->store, "a", "{}"), 6);
	expect_history(test, batches + 1, 1, "7-7, 1 facts");
	stored = fc_export(test, test->store);
	fc_expect_text(test, "the log", fc_batches_text(test, stored),
				   "1-1: 1; 2-3: 2 3; 4-4: 4; 5-5: 5; 6-6: 6; 7-7: 7");
	for (size_t i = 0; i < 4; i++)
	{
		factstr_fact expected = history[i];

		expected.sequence_number = i + 2;
		fc_expect_same_fact(test, "history", i < 2 ? &stored->batches[1].facts[i] :
							&stored->batches[i].facts[0], &expected);
	}
	expect_same_key(test, stored->batches[1].idempotency_key, "k 1");
	expect_same_key(test, stored->batches[2].idempotency_key, NULL);
	expect_same_key(test, stored->batches[3].idempotency_key, "k 3");
	fc_expect_query(test, FC_TYPE("a"), "2 4 6 7", 7);
	fc_expect_query(test, FC_PREDICATE("[3]"), "5", 5);
}

static void
history_is_passed_by(fc_test *test)
{
	factstr_fact later = history[2];
	const factstr_batch batches[6] = {
		{0, 0, 2, history, "k 1", NULL, 0, NULL, {0}}, {0, 0, 1, history + 2, "k 2", NULL, 0, NULL, {0}},
		{0, 0, 2, history, "k 1", NULL, 0, NULL, {0}}, {0, 0, 1, history + 3, "k 3", NULL, 0, NULL, {0}},
		{0, 0, 1, &later, "k 2", NULL, 0, NULL, {0}}, {0, 0, 1, history + 3, "k 4", NULL, 0, NULL, {0}}
	};
	factstr_append_result result;

	expect_history(test, batches, 2, "1-3, 3 facts");
	expect_history(test, batches, 4, "4-4, 1 facts");
	expect_history(test, batches, 4, "0-0, 0 facts");
	later.occurred_at++;
	expect_history(test, batches + 3, 3, "5-5, 1 facts");
	fc_expect_query(test, FC_TYPE("c"), "4 5", 5);
	fc_expect_query(test, FC_PREDICATE("[3]"), "4 5", 5);

	/* The key of an append counts too, and the other way round. */
	result = fc_append_events(test, "[{'event_type': 'a', 'payload': 2}]", "k 2");
	fc_expect_text(test, "an append of an imported batch", fc_result_text(test, &result),
				   "3-3, 1 facts");
	(void) fc_append_events(test, "[{'event_type': 'c', 'payload': [3]}]", "k 5");
	expect_history(test, (factstr_batch[]) {{0, 0, 1, history + 3, "k 5", NULL, 0, NULL, {0}}}, 1, "0-0, 0 facts");
	fc_expect_log_ends_at(test, 6);
}

static void
expect_reused(fc_test *test, const char *what, const factstr_batch *batches, size_t count)
{
	factstr_append_result result = {1, 1, 1, {0}};
	factstr_error error;

	fc_expect_code(test, what, factstr_import(test->store, batches, count, &result, &error), &error,
				   FACTSTR_IDEMPOTENCY_KEY_REUSED);
	fc_expect_number(test, "facts stored by it", (int64_t) result.committed_count, 0);
	fc_expect_log_ends_at(test, 2);
}

static void
keys_of_history_are_checked(fc_test *test)
{
	const factstr_batch first = {0, 0, 2, history, "k 1", NULL, 0, NULL, {0}};
	const factstr_batch other[2] = {
		{0, 0, 1, history + 3, NULL, NULL, 0, NULL, {0}}, {0, 0, 1, history, "k 1", NULL, 0, NULL, {0}}
	};
	const factstr_batch twice[2] = {
		{0, 0, 1, history + 2, "k 2", NULL, 0, NULL, {0}}, {0, 0, 1, history + 3, "k 2", NULL, 0, NULL, {0}}
	};
	const factstr_fact facts[3] = {
		{3, 0, "a", "{\"n\": 1}", NULL, {0}}, {4, 0, "b", "null", NULL, {0}}, {5, 0, "b", "null", NULL, {0}}
	};
	const factstr_batch numbered = {3, 4, 2, facts, "k 1", NULL, 0, NULL, {0}};
	const factstr_batch numbered_twice[2] = {
		{3, 3, 1, facts, "k 2", NULL, 0, NULL, {0}}, {4, 4, 1, facts + 1, "k 2", NULL, 0, NULL, {0}}
	};

	expect_history(test, &first, 1, "1-2, 2 facts");
	expect_reused(test, "a known key with other events", other, 2);
	expect_reused(test, "one key for two batches", twice, 2);
	expect_reused(test, "a known key of a batch with numbers", &numbered, 1);
	expect_reused(test, "one key for two batches with numbers", numbered_twice, 2);
}

static void
some_numbers_are_refused(fc_test *test)
{
	const factstr_fact numbered[2] = {{1, 0, "a", "1", NULL, {0}}, {2, 0, "a", "2", NULL, {0}}};
	const factstr_batch without = {0, 0, 1, history, NULL, NULL, 0, NULL, {0}};
	const factstr_batch with = {1, 1, 1, numbered, NULL, NULL, 0, NULL, {0}};

	expect_refused(test, test->store, "a batch without numbers after one with them",
				   (factstr_batch[]) {with, without}, 2);
	expect_refused(test, test->store, "a batch with numbers after one without",
				   (factstr_batch[]) {without, with}, 2);
	expect_refused(test, test->store, "facts with numbers in a batch without",
				   (factstr_batch[]) {{0, 0, 2, numbered, NULL, NULL, 0, NULL, {0}}}, 1);
	expect_refused(test, test->store, "facts without numbers in a batch with them",
				   (factstr_batch[]) {{1, 1, 1, history, NULL, NULL, 0, NULL, {0}}}, 1);
	expect_refused(test, test->store, "a last number alone",
				   (factstr_batch[]) {{0, 1, 1, history, NULL, NULL, 0, NULL, {0}}}, 1);
	expect_refused(test, test->store, "a first number alone",
				   (factstr_batch[]) {{1, 0, 1, numbered, NULL, NULL, 0, NULL, {0}}}, 1);
}

const fc_case fc_import_export_cases[] = {
	{{"import and export", "5, 33", "an export is the whole log with its batches and keys"},
	0, export_is_the_log},
	{{"import and export", "1, 5", "an import of it is the same log"}, 0, import_is_the_log},
	{{"import and export", "2", "an import continues where one ended"}, 0, import_goes_on},
	{{"import and export", "3", "an import keeps recorded times"}, 0, times_are_kept},
	{{"import and export", "33", "keys move along"}, 0, keys_move_along},
	{{"import and export", "2", "an import with a gap or an overlap is refused"},
	0, gaps_are_refused},
	{{"import and export", "5, 8", "an import with one malformed batch is refused as a whole"},
	0, malformed_batches_are_refused},
	{{"import and export", "18, 23", "streams get imported batches like any other"},
	0, streams_get_imports},
	{{"import and export", "37", "batches without numbers get the next ones, with their times and keys"},
	0, history_gets_numbers},
	{{"import and export", "33, 37", "a batch without numbers whose key is known is passed by"},
	0, history_is_passed_by},
	{{"import and export", "33, 37", "a key with other events refuses the whole import"},
	0, keys_of_history_are_checked},
	{{"import and export", "8, 37", "an import has all numbers or none"},
	0, some_numbers_are_refused},
	{{NULL, NULL, NULL}, 0, NULL}
};
