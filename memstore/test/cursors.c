/*
 * cursors.c
 *		Tests of cursors, batches, exports and imports.
 */
#include <string.h>

#include "api/store.h"

#include "lib/faulty_store.h"

/* The cursor gives so many facts, whose numbers go up, or down, by so many each. */
static void
ok_reads(factstr_store *store, const char *query, const factstr_read_options *options,
		 size_t count, uint64_t first, int64_t step, const char *name)
{
	factstr_cursor *cursor;
	const factstr_fact *fact;
	factstr_error error;
	uint64_t	expected = first;
	size_t		found = 0;
	size_t		out_of_order = 0;

	(void) factstr_read_open(store, query, options, &cursor, NULL);
	(void) store_append_batch(store, "later", 1);
	while (factstr_read_next(cursor, &fact, NULL) == FACTSTR_OK && fact != NULL)
	{
		out_of_order += fact->sequence_number == expected ? 0 : 1;
		expected += (uint64_t) step;
		found++;
	}
	ok_int((int64_t) found, (int64_t) count, "%s", name);
	ok_int((int64_t) out_of_order, 0, "%s: in order", name);
	ok_code(factstr_read_next(cursor, &fact, &error), FACTSTR_OK, &error,
			"%s: the end, again and again", name);
	ok_null(fact, "%s: without a fact", name);
	factstr_read_close(cursor);
}

static void
append_thousand(factstr_store *store)
{
	for (int i = 0; i < 1000; i++)
		(void) store_append_batch(store, i % 2 == 0 ? "a" : "b", 1);
}

static void
test_cursors(void)
{
	factstr_store *store = store_open("memory:");
	const char *even = "{\"filters\": [{\"event_types\": [\"b\"]}], \"after\": 10}";
	factstr_read_options backwards = {.size = sizeof(backwards), .backwards = true};
	factstr_read_options limited = {.size = sizeof(limited), .max_count = 40};
	factstr_read_options last = {.size = sizeof(last), .backwards = true, .max_count = 1};

	append_thousand(store);
	ok_reads(store, "{}", NULL, 1000, 1, 1, "all facts");
	ok_reads(store, even, NULL, 495, 12, 2, "those that match and are newer");
	ok_reads(store, even, &backwards, 495, 1000, -2, "backwards");
	ok_reads(store, even, &limited, 40, 12, 2, "at most so many");
	ok_reads(store, even, &last, 1, 1000, -2, "the newest");
	ok_reads(store, "{\"filters\": [{\"event_types\": []}]}", NULL, 0, 0, 0, "none");
	factstr_read_close(NULL);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Reads to the end although reading fails now and then. */
static void
test_failing_reads(void)
{
	factstr_store *store = faulty_open();
	factstr_cursor *cursor;
	const factstr_fact *fact;
	factstr_error error;
	int			failures = 0;
	int			with_fact = 0;
	uint64_t	expected = 1;

	append_thousand(store);
	(void) factstr_read_open(store, "{}", NULL, &cursor, NULL);
	for (; expected <= 1000; expected++)
	{
		if (expected % 100 == 0)
			faulty.failing_reads = 1;
		while (factstr_read_next(cursor, &fact, NULL) == FACTSTR_STORAGE)
		{
			failures++;
			with_fact += fact == NULL ? 0 : 1;
		}
		if (fact == NULL || fact->sequence_number != expected)
			break;
	}
	ok_int((int64_t) expected, 1001, "after an error the same fact may be asked for again");
	ok_cmp(failures, ">=", 3, "there were some errors");
	ok_int(with_fact, 0, "none of them with a fact");
	factstr_read_close(cursor);

	faulty.failing_heads = 1;
	ok_code(factstr_read_open(store, "{}", NULL, &cursor, &error), FACTSTR_STORAGE, &error,
			"a store that cannot be read");
	ok_null(cursor, "has no cursor");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_batches(void)
{
	factstr_store *store = store_open("memory:");
	factstr_event event = {.event_type = "b", .payload = "1"};
	factstr_batch_list *list;
	factstr_error error;

	(void) store_append_batch(store, "a", 3);
	(void) factstr_append(store, &event, 1, WITH_KEY("the key"), NULL, NULL);
	(void) store_append_batch(store, "a", 2);
	if (factstr_batches(store, "{\"filters\": [{\"event_types\": [\"a\"]}]}", 0, 10, &list,
						&error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	if (ok_int((int64_t) list->count, 2, "batches with a match"))
	{
		ok_int((int64_t) list->batches[0].fact_count, 3, "the first one whole");
		ok_int((int64_t) list->batches[1].first_sequence_number, 5, "the second where it begins");
	}
	factstr_batch_list_free(list);
	if (factstr_export(store, 3, 1, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	if (ok_int((int64_t) list->count, 1, "an export has as many batches as wanted"))
		ok_str(list->batches[0].idempotency_key, "the key", "with their keys");
	factstr_batch_list_free(list);
	factstr_batch_list_free(NULL);
	ok_code(factstr_batches(store, NULL, 0, 0, &list, &error), FACTSTR_MALFORMED, &error, "%s",
			error.message);
	ok_null(list, "an error leaves no list");
	ok_code(factstr_export(store, UINT64_MAX, 1, &list, &error), FACTSTR_MALFORMED, &error, "%s",
			error.message);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
ok_import_refused(factstr_store *store, const factstr_batch *batches, size_t count,
				  const char *message)
{
	factstr_error error = {.message = "accepted"};

	ok_code(factstr_import(store, batches, count, NULL, &error), FACTSTR_MALFORMED, &error,
			"import refused: %s", message);
	ok_str(error.message, message, "its message: %s", message);
}

/* A store that counts its input, and keeps nothing. */
static size_t given_batches;
static size_t given_events;
static size_t wrong_events;

static int
count_batches(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
			  size_t count, factstr_append_result *result, factstr_error *error)
{
	(void) backend;
	(void) result;
	(void) error;
	given_batches += count;
	for (size_t i = 0; i < count; i++)
	{
		for (size_t j = 0; j < batches[i].fact_count; j++)
		{
			given_events++;
			wrong_events += !fs_text_is(events[i][j].event_type, batches[i].facts[j].event_type) ||
				events[i][j].payload_document == NULL;
		}
	}
	return FACTSTR_OK;
}

static void
test_import(void)
{
	fs_methods	methods = fs_memory_store;
	factstr_store *store;
	factstr_error error;
	factstr_fact facts[4] = {
		{4, 0, "a", "1", NULL, {0}}, {5, 0, "b", "{}", "{}", {0}}, {6, 0, "c", "2", NULL, {0}},
		{8, 0, "d", "3", NULL, {0}}
	};
	factstr_fact bad = {6, 0, "c", "[", NULL, {0}};
	factstr_batch good[2] = {{4, 5, 2, facts, "key", NULL, 0, NULL, {0}}, {6, 6, 1, &facts[2], NULL, NULL, 0, NULL, {0}}};
	factstr_batch gap[2] = {{4, 5, 2, facts, "key", NULL, 0, NULL, {0}}, {7, 7, 1, &facts[2], NULL, NULL, 0, NULL, {0}}};
	factstr_batch empty = {4, 4, 0, facts, NULL, NULL, 0, NULL, {0}};
	factstr_batch zero = {0, 0, 1, facts, NULL, NULL, 0, NULL, {0}};
	factstr_batch wrong_last = {4, 6, 2, facts, NULL, NULL, 0, NULL, {0}};
	factstr_batch huge = {4, UINT64_MAX, 2, facts, NULL, NULL, 0, NULL, {0}};
	factstr_batch wrong_fact = {4, 7, 4, facts, NULL, NULL, 0, NULL, {0}};
	factstr_batch bad_key = {4, 5, 2, facts, "", NULL, 0, NULL, {0}};
	factstr_batch bad_payload[2] = {{4, 5, 2, facts, NULL, NULL, 0, NULL, {0}},
									{6, 6, 1, &bad, NULL, NULL, 0, NULL, {0}}};

	methods.import_batches = count_batches;
	if (fs_open_methods(&methods, "", &store, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_code(factstr_import(store, good, 2, NULL, &error), FACTSTR_OK, &error, "batches are taken over");
	ok_int((int64_t) given_batches, 2, "the store is given both");
	ok_int((int64_t) given_events, 3, "with their events");
	ok_int((int64_t) wrong_events, 0, "each at its place, and parsed");
	ok_code(factstr_import(store, NULL, 0, NULL, &error), FACTSTR_OK, &error, "or none");
	ok_import_refused(store, gap, 2,
					  "invalid batches at $[1]: it does not follow the batch before");
	ok_import_refused(store, &empty, 1, "invalid batches at $[0]: a batch has at least one fact");
	ok_import_refused(store, &zero, 1, "invalid batches at $[0].facts[0].sequence_number: "
					  "it does not follow the fact before");
	ok_import_refused(store, &wrong_last, 1,
					  "invalid batches at $[0]: its first and last number do not agree with its facts");
	ok_import_refused(store, &huge, 1,
					  "invalid batches at $[0]: its first and last number do not agree with its facts");
	ok_import_refused(store, &wrong_fact, 1, "invalid batches at $[0].facts[3].sequence_number: "
					  "it does not follow the fact before");
	ok_import_refused(store, &bad_key, 1, "invalid idempotency_key: it must have 1 to 2000 bytes");
	ok_import_refused(store, bad_payload, 2,
					  "invalid batches at $[1].facts[0].payload, line 1, column 2: ']' expected near "
					  "end of file");
	ok_int((int64_t) given_batches, 2, "nothing of these has reached the store");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_cursors();
	test_failing_reads();
	test_batches();
	test_import();
	return tap_finish();
}
