/*
 * memory_store.c
 *		Tests of features that only the memory store has, in one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stores.h"

static void
test_opening(void)
{
	factstr_store *store;
	factstr_store *other;
	factstr_error error;

	ok_code(factstr_open("memory:name", &store, &error), FACTSTR_CANNOT_OPEN, &error,
			"a memory store has no name");
	ok_null(store, "an error leaves no store");
	store = store_open("memory:");
	other = store_open("memory:");
	(void) store_append(store, "t", "1", NULL);
	ok_int((int64_t) store_head(store), 1, "a memory store has the appended facts");
	ok_int((int64_t) store_head(other), 0, "and shares nothing with another");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(other, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Is this the only fact with its id? */
static bool
is_only_fact(factstr_store *store, uint64_t id)
{
	char		query[200];
	factstr_query_result *found;
	factstr_error error;
	bool		is_only;

	(void) snprintf(query, sizeof(query),
					"{\"filters\": [{\"event_types\": [\"t\"], \"payload_predicates\": "
					"[{\"id\": %d, \"mod\": %d}]}]}", (int) id, (int) (id % 10));
	if (factstr_query(store, query, &found, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	is_only = found->fact_count == 1 && found->facts[0].sequence_number == id;
	factstr_query_result_free(found);
	return is_only;
}

/* Over the sizes at which chunks and tables grow. */
static void
test_growth(void)
{
	factstr_store *store = store_open("memory:");
	uint64_t	expected = 0;
	uint64_t	found = 0;

	while (expected < 5000)
	{
		factstr_event events[7];
		char		payloads[7][64];
		size_t		count = 1 + expected % 7;
		factstr_append_result result;

		for (size_t i = 0; i < count; i++)
		{
			(void) snprintf(payloads[i], sizeof(payloads[i]), "{\"id\": %d, \"mod\": %d}",
							(int) (expected + i + 1), (int) ((expected + i + 1) % 10));
			events[i] = (factstr_event) {.event_type = "t", .payload = payloads[i]};
		}
		if (factstr_append(store, events, count, NULL, &result, NULL) != FACTSTR_OK ||
			result.first_sequence_number != expected + 1 ||
			result.last_sequence_number != expected + count || result.committed_count != count)
			break;
		expected += count;
	}
	ok_cmp((int64_t) expected, ">=", 5000, "thousands of facts, numbered without a gap");
	for (uint64_t id = 1; id <= expected; id++)
		found += is_only_fact(store, id) ? 1 : 0;
	ok_int((int64_t) found, (int64_t) expected, "each of them is found");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Payloads and metadata come back as they were given. */
static void
test_texts(void)
{
	factstr_store *store = store_open("memory:");
	const char *payload = "{ \"n\" : 1.50 ,\n \"big\": 123456789012345678901234567890 }";
	factstr_event events[] = {
		{.event_type = "t", .payload = payload, .metadata = " { } "},
		{.event_type = "t", .payload = "1e0"}
	};
	factstr_query_result *found;

	if (factstr_append(store, events, 2, NULL, NULL, NULL) != FACTSTR_OK ||
		factstr_query(store, NULL, &found, NULL) != FACTSTR_OK)
		tap_bail_out("no facts");
	ok_str(found->facts[0].payload, payload, "a payload is kept as given");
	ok_str(found->facts[0].metadata, " { } ", "and so is metadata");
	ok_str(found->facts[1].payload, "1e0", "and a number");
	ok_null(found->facts[1].metadata, "no metadata stays none");
	ok_int(found->facts[1].occurred_at, found->facts[0].occurred_at,
		   "the facts of a batch have one time");
	ok_cmp(found->facts[0].occurred_at, ">", 0, "which is a time");
	factstr_query_result_free(found);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* An append with a key that is there has this outcome, and stores nothing. */
static void
ok_repeated(factstr_store *store, const char *payload, const char *metadata, int expected,
			const char *name)
{
	factstr_event event = {.event_type = "t", .payload = payload, .metadata = metadata};
	factstr_append_result result;
	factstr_error error;
	uint64_t	head = store_head(store);

	ok_code(factstr_append(store, &event, 1, WITH_KEY("key"), &result, &error), expected, &error,
			"a key used again: %s", name);
	ok_int((int64_t) store_head(store), (int64_t) head, "%s: nothing is stored", name);
	if (expected != FACTSTR_OK)
		return;
	ok_int((int64_t) result.first_sequence_number, 1, "%s: the first number of the first call",
		   name);
	ok_int((int64_t) result.last_sequence_number, 1, "%s: the last one", name);
	ok_int((int64_t) result.committed_count, 1, "%s: the count", name);
}

static void
test_keys(void)
{
	factstr_store *store = store_open("memory:");
	factstr_event events[] = {
		{.event_type = "t", .payload = "{\"a\": 1, \"b\": [1.0, \"x\"]}", .metadata = "{\"m\": 1}"},
		{.event_type = "t", .payload = "2"}
	};
	factstr_error error;

	if (factstr_append(store, events, 1, WITH_KEY("key"), NULL, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_repeated(store, "{\"a\": 1, \"b\": [1.0, \"x\"]}", "{\"m\": 1}", FACTSTR_OK, "the same");
	ok_repeated(store, "{\"b\":[1,\"\\u0078\"],\"a\":10e-1}", "{\"m\":1.00}", FACTSTR_OK,
				"the same, written differently");
	ok_repeated(store, "{\"a\": 1, \"b\": [\"x\", 1]}", "{\"m\": 1}",
				FACTSTR_IDEMPOTENCY_KEY_REUSED, "another payload");
	ok_repeated(store, "{\"a\": 1, \"b\": [1, \"x\"]}", "{\"m\": 2}", FACTSTR_OK, "other metadata");
	ok_repeated(store, "{\"a\": 1, \"b\": [1, \"x\"]}", NULL, FACTSTR_OK, "no metadata");
	ok_code(factstr_append(store, events, 2, WITH_KEY("key"), NULL,
						   &error), FACTSTR_IDEMPOTENCY_KEY_REUSED,
			&error, "a key used again: one more event");
	ok_code(store_append_with_key(store, "t2", "{\"a\": 1, \"b\": [1, \"x\"]}", "key", &error),
			FACTSTR_IDEMPOTENCY_KEY_REUSED, &error, "a key used again: another type");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_keys_and_contexts(void)
{
	factstr_store *store = store_open("memory:");
	factstr_event event = {.event_type = "t", .payload = "3"};
	factstr_error error;
	uint64_t	expected = 99;

	(void) store_append_with_key(store, "t", "3", "key", NULL);
	ok_code(factstr_append(store, &event, 1, IF_VERSION(NULL, expected, "key"), NULL,
						   &error), FACTSTR_OK,
			&error, "a repeated call succeeds after any change of its context");
	ok_code(factstr_append(store, &event, 1, IF_VERSION(NULL, expected, "fresh"), NULL, &error),
			FACTSTR_CONFLICT, &error, "a call with a fresh key conflicts");
	ok_code(store_append_with_key(store, "t", "4", "fresh", &error), FACTSTR_OK, &error,
			"which leaves the key free");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_import(void)
{
	factstr_store *from = store_open("memory:");
	factstr_store *to = store_open("memory:");
	factstr_batch_list *list;
	factstr_error error;
	char	   *original;
	char	   *copy;

	(void) store_append_with_key(from, "a", "{\"n\": 3, \"common\": true}", "one", NULL);
	(void) store_append(from, "b", "{\"n\": 3}", NULL);
	(void) store_append_with_key(from, "t", "[]", "two", NULL);
	if (factstr_export(from, 0, 10, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	ok_code(factstr_import(to, &list->batches[1], 1, NULL, &error), FACTSTR_MALFORMED, &error,
			"an import that leaves a gap is refused");
	ok_int((int64_t) store_head(to), 0, "nothing of it is stored");
	ok_code(factstr_import(to, list->batches, 2, NULL, &error), FACTSTR_OK, &error, "an import");
	ok_code(factstr_import(to, &list->batches[2], 1, NULL, &error), FACTSTR_OK, &error,
			"and its second part");
	original = store_describe(from);
	copy = store_describe(to);
	ok_str(copy, original, "an import is the log again, times and keys too");
	free(original);
	free(copy);
	ok_code(store_append_with_key(to, "t", "[]", "two", &error), FACTSTR_OK, &error,
			"imported keys are known");
	ok_int((int64_t) store_head(to), 3, "a call with one stores nothing");
	factstr_batch_list_free(list);
	(void) factstr_close(from, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(to, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A key that is there, or comes twice, lets nothing in. */
static void
test_import_of_known_keys(void)
{
	factstr_store *store = store_open("memory:");
	factstr_fact facts[] = {
		{.sequence_number = 2, .event_type = "t", .payload = "1"},
		{.sequence_number = 3, .event_type = "t", .payload = "1"}
	};
	factstr_batch batches[] = {
		{.first_sequence_number = 2, .last_sequence_number = 2, .fact_count = 1,
			.facts = &facts[0], .idempotency_key = "new"},
		{.first_sequence_number = 3, .last_sequence_number = 3, .fact_count = 1,
			.facts = &facts[1], .idempotency_key = "old"}
	};
	factstr_error error;

	(void) store_append_with_key(store, "t", "1", "old", NULL);
	ok_code(factstr_import(store, batches, 2, NULL, &error), FACTSTR_IDEMPOTENCY_KEY_REUSED, &error,
			"an import with a key that is known is refused");
	ok_int((int64_t) store_head(store), 1, "nothing of it is stored");
	batches[1].idempotency_key = "new";
	ok_code(factstr_import(store, batches, 2, NULL, &error), FACTSTR_IDEMPOTENCY_KEY_REUSED, &error,
			"so is one with a key that comes twice");
	ok_int((int64_t) store_head(store), 1, "nothing of that is stored, either");
	ok_code(store_append_with_key(store, "t", "7", "new", &error), FACTSTR_OK, &error,
			"its keys stay free");
	ok_int((int64_t) store_head(store), 2, "for facts that are stored then");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_opening();
	test_growth();
	test_texts();
	test_keys();
	test_keys_and_contexts();
	test_import();
	test_import_of_known_keys();
	return tap_finish();
}
