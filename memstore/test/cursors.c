/*
 * cursors.c
 *		Tests of cursors, batches, exports and imports.
 */
#include "fake_store.h"
#include "recorder.h"

#include "tap.h"

/* How many facts the cursor gives, and whether their numbers go up, or down, by so many each. */
static void
reads(factstr_store *store, const char *query, const factstr_read_options *options, size_t count,
	  uint64_t first, int64_t step, const char *name)
{
	factstr_cursor *cursor;
	const factstr_fact *fact;
	uint64_t	expected = first;
	size_t		found = 0;
	bool		in_order = true;

	(void) factstr_read_open(store, query, options, &cursor, NULL);
	(void) append_facts(store, "later", 1);
	while (factstr_read_next(cursor, &fact, NULL) == FACTSTR_OK && fact != NULL)
	{
		in_order = in_order && fact->sequence_number == expected;
		expected += (uint64_t) step;
		found++;
	}
	(void) tap_ok(found == count && in_order, "%s", name);
	(void) tap_ok(factstr_read_next(cursor, &fact, NULL) == FACTSTR_OK && fact == NULL,
				  "and then the end, again and again");
	factstr_read_close(cursor);
}

static void
test_cursors(void)
{
	factstr_store *store = fake_store_open();
	const char *even = "{\"filters\": [{\"event_types\": [\"b\"]}], \"min_sequence_number\": 10}";
	factstr_read_options backwards = {.backwards = true};
	factstr_read_options limited = {.max_count = 40};
	factstr_read_options last = {.backwards = true, .max_count = 1};
	factstr_cursor *cursor;
	const factstr_fact *fact;
	bool		complete = true;

	for (int i = 0; i < 1000; i++)
		(void) append_facts(store, i % 2 == 0 ? "a" : "b", 1);
	reads(store, "{}", NULL, 1000, 1, 1, "all facts");
	reads(store, even, NULL, 495, 12, 2, "those that match and are newer");
	reads(store, even, &backwards, 495, 1000, -2, "backwards");
	reads(store, even, &limited, 40, 12, 2, "at most so many");
	reads(store, even, &last, 1, 1000, -2, "the newest");
	reads(store, "{\"filters\": [{\"event_types\": []}]}", NULL, 0, 0, 0, "none");

	(void) factstr_read_open(store, even, NULL, &cursor, NULL);
	for (uint64_t expected = 12; expected <= 1000; expected += 2)
	{
		if (expected % 100 == 0)
			fake->knobs.failing_reads = 1;
		while (factstr_read_next(cursor, &fact, NULL) == FACTSTR_STORAGE)
			complete = complete && fact == NULL;
		complete = complete && fact != NULL && fact->sequence_number == expected;
	}
	(void) tap_ok(complete, "after an error the same fact may be asked for again");
	factstr_read_close(cursor);
	factstr_read_close(NULL);
	fake->knobs.failing_heads = 1;
	(void) tap_ok(factstr_read_open(store, "{}", NULL, &cursor, NULL) == FACTSTR_STORAGE &&
				  cursor == NULL, "a store that cannot be read");
	(void) factstr_close(store);
}

static void
test_batches(void)
{
	factstr_store *store = fake_store_open();
	factstr_event event = {"b", "1", NULL};
	factstr_batch_list *list;
	factstr_error error;

	(void) append_facts(store, "a", 3);
	(void) factstr_append(store, &event, 1, "the key", NULL, NULL);
	(void) append_facts(store, "a", 2);
	(void) tap_ok(factstr_batches(store, "{\"filters\": [{\"event_types\": [\"a\"]}]}", 0, 10,
								  &list, NULL) == FACTSTR_OK &&
					  list->count == 2 && list->batches[0].fact_count == 3 &&
					  list->batches[1].first_sequence_number == 5,
				  "batches with a match");
	factstr_batch_list_free(list);
	(void) tap_ok(factstr_export(store, 3, 1, &list, NULL) == FACTSTR_OK && list->count == 1 &&
					  strcmp(list->batches[0].idempotency_key, "the key") == 0,
				  "batches with their keys");
	factstr_batch_list_free(list);
	factstr_batch_list_free(NULL);
	(void) tap_ok(factstr_batches(store, NULL, 0, 0, &list, &error) == FACTSTR_MALFORMED &&
				  list == NULL, "%s", error.message);
	(void) tap_ok(factstr_export(store, UINT64_MAX, 1, &list, &error) == FACTSTR_MALFORMED, "%s",
				  error.message);
	(void) factstr_close(store);
}

static void
import_refused(factstr_store *store, const factstr_batch *batches, size_t count,
			   const char *message)
{
	factstr_error error = {.message = "accepted"};

	if (!tap_ok(factstr_import(store, batches, count, &error) == FACTSTR_MALFORMED &&
				strcmp(error.message, message) == 0, "import refused: %s", message))
		tap_diagnostic("found %s", error.message);
}

static void
test_import(void)
{
	factstr_store *store = fake_store_open();
	factstr_fact   facts[4] = { { 4, 0, "a", "1", NULL },
								{ 5, 0, "b", "{}", "{}" },
								{ 6, 0, "c", "2", NULL },
								{ 8, 0, "d", "3", NULL } };
	factstr_fact bad = {6, 0, "c", "[", NULL};
	factstr_batch good[2] = {{4, 5, 2, facts, "key", NULL}, {6, 6, 1, &facts[2], NULL, NULL}};
	factstr_batch gap[2] = {{4, 5, 2, facts, "key", NULL}, {7, 7, 1, &facts[2], NULL, NULL}};
	factstr_batch empty = {4, 4, 0, facts, NULL, NULL};
	factstr_batch zero = {0, 0, 1, facts, NULL, NULL};
	factstr_batch wrong_last = {4, 6, 2, facts, NULL, NULL};
	factstr_batch huge = {4, UINT64_MAX, 2, facts, NULL, NULL};
	factstr_batch wrong_fact = {4, 7, 4, facts, NULL, NULL};
	factstr_batch bad_key = {4, 5, 2, facts, "", NULL};
	factstr_batch bad_payload[2] = {{4, 5, 2, facts, NULL, NULL}, {6, 6, 1, &bad, NULL, NULL}};

	(void) tap_ok(factstr_import(store, good, 2, NULL) == FACTSTR_OK, "batches are taken over");
	(void) tap_ok(factstr_import(store, NULL, 0, NULL) == FACTSTR_OK, "or none");
	import_refused(store, gap, 2, "invalid batches at $[1]: it does not follow the batch before");
	import_refused(store, &empty, 1, "invalid batches at $[0]: a batch has at least one fact");
	import_refused(store, &zero, 1, "invalid batches at $[0]: it does not follow the batch before");
	import_refused(
		store, &wrong_last, 1,
		"invalid batches at $[0]: its first and last number do not agree with its facts");
	import_refused(
		store, &huge, 1,
		"invalid batches at $[0]: its first and last number do not agree with its facts");
	import_refused(store, &wrong_fact, 1, "invalid batches at $[0].facts[3].sequence_number: "
				   "it does not follow the fact before");
	import_refused(store, &bad_key, 1, "invalid idempotency_key: it must have 1 to 2000 bytes");
	import_refused(store, bad_payload, 2,
				   "invalid batches at $[1].facts[0].payload, line 1, column 2: ']' expected near "
				   "end of file");
	(void) factstr_close(store);
}

int
main(void)
{
	test_cursors();
	test_batches();
	test_import();
	return tap_finish();
}
