/*
 * memory_store.c
 *		Tests of the memory store: what is its own, and what happens when threads or memory run out.
 *
 * The linker sends this program's allocations here (see the Makefile), except those inside other
 * libraries.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "events.h"
#include "factstr.h"
#include "json_text.h"
#include "memory_backend.h"

#include "failing_allocations.h"
#include "tap.h"

static _Noreturn void
bail_out(const char *message)
{
	printf("Bail out! %s\n", message);
	exit(2);
}

static factstr_store *
open_store(void)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open("memory:", &store, &error) != FACTSTR_OK)
		bail_out(error.message);
	return store;
}

static int
append_one(factstr_store *store, const char *event_type, const char *payload, const char *key,
		   factstr_append_result *result)
{
	factstr_event event = {.event_type = event_type, .payload = payload};

	return factstr_append(store, &event, 1, key, result, NULL);
}

static uint64_t
head_of(factstr_store *store)
{
	int			failing = allocations_left;
	uint64_t	version;

	allocations_left = -1;
	if (factstr_context_version(store, NULL, &version, NULL) != FACTSTR_OK)
		bail_out("no version");
	allocations_left = failing;
	return version;
}

/* The whole store as text, for comparing: batches, keys, facts, and what the index finds. */
static char *
describe(factstr_store *store)
{
	fs_buffer	out = {0};
	factstr_batch_list *list;
	uint64_t	version;

	if (factstr_export(store, 0, SIZE_MAX, &list, NULL) != FACTSTR_OK)
		bail_out("no export");
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_batch *batch = &list->batches[i];

		fs_write_integer(&out, batch->first_sequence_number);
		fs_buffer_append_text(&out, "-");
		fs_write_integer(&out, batch->last_sequence_number);
		fs_buffer_append_text(&out, batch->idempotency_key == NULL ? "" : batch->idempotency_key);
		fs_write_event_records(&out, batch->facts, batch->fact_count);
	}
	factstr_batch_list_free(list);
	for (int i = 0; i < 3; i++)
	{
		static const char *const queries[] = {
			"{\"filters\": [{\"event_types\": [\"t\", \"a\"]}]}",
			"{\"filters\": [{\"payload_predicates\": [{\"common\": true}]}]}",
			"{\"filters\": [{\"event_types\": [\"b\"], \"payload_predicates\": [{\"n\": 3}]}]}"
		};

		if (factstr_context_version(store, queries[i], &version, NULL) != FACTSTR_OK)
			bail_out("no version");
		fs_buffer_append_text(&out, " ");
		fs_write_integer(&out, version);
	}
	return fs_finish_text(&out);
}

/*
 * One thread
 */

static void
test_opening(void)
{
	factstr_store *store;
	factstr_store *other;
	factstr_append_result result;
	factstr_error error;

	(void) tap_ok(factstr_open("memory:name", &store, &error) == FACTSTR_CANNOT_OPEN &&
				  store == NULL, "a memory store has no name");
	store = open_store();
	other = open_store();
	(void) append_one(store, "t", "1", NULL, &result);
	(void) tap_ok(head_of(store) == 1 && head_of(other) == 0, "two memory stores share nothing");
	(void) factstr_close(store);
	(void) factstr_close(other);
}

/* Over the sizes at which chunks and tables grow. */
static void
test_growth(void)
{
	factstr_store *store = open_store();
	uint64_t	expected = 0;
	bool		right = true;

	while (expected < 5000 && right)
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
		right = factstr_append(store, events, count, NULL, &result, NULL) == FACTSTR_OK &&
			result.first_sequence_number == expected + 1 &&
			result.last_sequence_number == expected + count && result.committed_count == count;
		expected += count;
	}
	(void) tap_ok(right, "thousands of facts, numbered without a gap");

	right = true;
	for (uint64_t id = 1; id <= expected && right; id++)
	{
		char		query[200];
		factstr_query_result *found;

		(void) snprintf(query, sizeof(query),
						"{\"filters\": [{\"event_types\": [\"t\"], \"payload_predicates\": "
						"[{\"id\": %d, \"mod\": %d}]}]}", (int) id, (int) (id % 10));
		right = factstr_query(store, query, &found, NULL) == FACTSTR_OK &&
			found->fact_count == 1 && found->facts[0].sequence_number == id;
		factstr_query_result_free(found);
	}
	(void) tap_ok(right, "each of them is found");
	(void) factstr_close(store);
}

/* Payloads and metadata come back as they were given. */
static void
test_texts(void)
{
	factstr_store *store = open_store();
	const char *payload = "{ \"n\" : 1.50 ,\n \"big\": 123456789012345678901234567890 }";
	factstr_event events[] = {
		{.event_type = "t", .payload = payload, .metadata = " { } "},
		{.event_type = "t", .payload = "1e0"}
	};
	factstr_query_result *found;

	if (factstr_append(store, events, 2, NULL, NULL, NULL) != FACTSTR_OK ||
		factstr_query(store, NULL, &found, NULL) != FACTSTR_OK)
		bail_out("no facts");
	(void) tap_ok(strcmp(found->facts[0].payload, payload) == 0 &&
				  strcmp(found->facts[0].metadata, " { } ") == 0 &&
				  strcmp(found->facts[1].payload, "1e0") == 0 &&
				  found->facts[1].metadata == NULL, "texts are kept as given");
	(void) tap_ok(found->facts[0].occurred_at == found->facts[1].occurred_at &&
				  found->facts[0].occurred_at > 0, "the facts of a batch have one time");
	factstr_query_result_free(found);
	(void) factstr_close(store);
}

static void
test_repeated(factstr_store *store, const char *name, const char *payload, const char *metadata,
			  int wanted)
{
	factstr_event event = {.event_type = "t", .payload = payload, .metadata = metadata};
	factstr_append_result result;
	uint64_t	head = head_of(store);
	int			code = factstr_append(store, &event, 1, "key", &result, NULL);

	(void) tap_ok(code == wanted && head_of(store) == head &&
				  (code != FACTSTR_OK || (result.first_sequence_number == 1 &&
										  result.last_sequence_number == 1 &&
										  result.committed_count == 1)),
				  "a key used again: %s", name);
}

static void
test_keys(void)
{
	factstr_store *store = open_store();
	factstr_event events[] = {
		{.event_type = "t", .payload = "{\"a\": 1, \"b\": [1.0, \"x\"]}", .metadata = "{\"m\": 1}"},
		{.event_type = "t", .payload = "2"}
	};
	uint64_t	expected = 99;

	if (factstr_append(store, events, 1, "key", NULL, NULL) != FACTSTR_OK)
		bail_out("no append");
	test_repeated(store, "the same", "{\"a\": 1, \"b\": [1.0, \"x\"]}", "{\"m\": 1}", FACTSTR_OK);
	test_repeated(store, "the same, written differently", "{\"b\":[1,\"\\u0078\"],\"a\":10e-1}",
				  "{\"m\":1.00}", FACTSTR_OK);
	test_repeated(store, "another payload", "{\"a\": 1, \"b\": [\"x\", 1]}", "{\"m\": 1}",
				  FACTSTR_IDEMPOTENCY_KEY_REUSED);
	test_repeated(store, "other metadata", "{\"a\": 1, \"b\": [1, \"x\"]}", "{\"m\": 2}",
				  FACTSTR_IDEMPOTENCY_KEY_REUSED);
	test_repeated(store, "no metadata", "{\"a\": 1, \"b\": [1, \"x\"]}", NULL,
				  FACTSTR_IDEMPOTENCY_KEY_REUSED);
	(void) tap_ok(factstr_append(store, events, 2, "key", NULL, NULL) ==
				  FACTSTR_IDEMPOTENCY_KEY_REUSED, "a key used again: one more event");
	(void) tap_ok(append_one(store, "t2", "{\"a\": 1, \"b\": [1, \"x\"]}", "key", NULL) ==
				  FACTSTR_IDEMPOTENCY_KEY_REUSED, "a key used again: another type");

	(void) append_one(store, "t", "3", "without metadata", NULL);
	events[0] = (factstr_event) {.event_type = "t", .payload = "3", .metadata = "{}"};
	(void) tap_ok(factstr_append(store, events, 1, "without metadata", NULL, NULL) ==
				  FACTSTR_IDEMPOTENCY_KEY_REUSED, "absent metadata is not {}");

	events[0].metadata = NULL;
	(void) tap_ok(factstr_append_if(store, events, 1, NULL, &expected, "without metadata", NULL,
									NULL) == FACTSTR_OK,
				  "a repeated call succeeds whatever has become of its context");
	(void) tap_ok(factstr_append_if(store, events, 1, NULL, &expected, "fresh", NULL, NULL) ==
				  FACTSTR_CONFLICT &&
				  append_one(store, "t", "4", "fresh", NULL) == FACTSTR_OK,
				  "a conflict leaves the key free");
	(void) factstr_close(store);
}

static void
test_import(void)
{
	factstr_store *from = open_store();
	factstr_store *to = open_store();
	factstr_batch_list *list;
	factstr_error error;
	char	   *original;
	char	   *copy;

	(void) append_one(from, "a", "{\"n\": 3, \"common\": true}", "one", NULL);
	(void) append_one(from, "b", "{\"n\": 3}", NULL, NULL);
	(void) append_one(from, "t", "[]", "two", NULL);
	if (factstr_export(from, 0, 10, &list, NULL) != FACTSTR_OK)
		bail_out("no export");
	(void) tap_ok(factstr_import(to, &list->batches[1], 1, &error) == FACTSTR_MALFORMED &&
				  head_of(to) == 0, "an import that leaves a gap is refused");
	(void) tap_ok(factstr_import(to, list->batches, 2, NULL) == FACTSTR_OK &&
				  factstr_import(to, &list->batches[2], 1, NULL) == FACTSTR_OK,
				  "an import in two parts");
	original = describe(from);
	copy = describe(to);
	(void) tap_ok(strcmp(original, copy) == 0, "an import is the log again, times and keys too");
	free(original);
	free(copy);
	(void) tap_ok(append_one(to, "t", "[]", "two", NULL) == FACTSTR_OK && head_of(to) == 3,
				  "imported keys are known");
	factstr_batch_list_free(list);
	(void) factstr_close(from);
	(void) factstr_close(to);
}

/* A key that is there, or comes twice, lets nothing in. */
static void
test_import_of_known_keys(void)
{
	factstr_store *store = open_store();
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

	(void) append_one(store, "t", "1", "old", NULL);
	(void) tap_ok(factstr_import(store, batches, 2, NULL) == FACTSTR_IDEMPOTENCY_KEY_REUSED &&
				  head_of(store) == 1, "an import with a key that is known is refused");
	batches[1].idempotency_key = "new";
	(void) tap_ok(factstr_import(store, batches, 2, NULL) == FACTSTR_IDEMPOTENCY_KEY_REUSED &&
				  head_of(store) == 1, "so is one with a key that comes twice");
	(void) tap_ok(append_one(store, "t", "7", "new", NULL) == FACTSTR_OK && head_of(store) == 2,
				  "and its keys stay free");
	(void) factstr_close(store);
}

/*
 * Durable streams, as the library sees them
 */

typedef struct streams_test
{
	fs_hub	   *hub;
	fs_backend *backend;
	fs_query	query;
	fs_query	other_query;
	factstr_error error;
} streams_test;

static int
claim_stream(streams_test *test, const char *name, const fs_query *query,
			 factstr_stream_start start, fs_lease **lease, uint64_t *cursor)
{
	fs_claim	claim = {.name = name, .query = query, .start = start};

	*lease = NULL;
	return fs_memory_store.stream_claim(test->backend, &claim, lease, cursor, &test->error);
}

static void
append_facts(streams_test *test, int count)
{
	factstr_event event = {.event_type = "t", .payload = "1"};

	for (int i = 0; i < count; i++)
	{
		fs_events	events;
		fs_append	append = {0};
		factstr_append_result result;

		if (fs_events_of_structs(&event, 1, &events, &test->error) != FACTSTR_OK)
			bail_out(test->error.message);
		append.event_count = events.count;
		append.events = events.items;
		if (fs_memory_store.append(test->backend, &append, &result, &test->error) != FACTSTR_OK)
			bail_out(test->error.message);
		fs_events_release(&events);
	}
}

static uint64_t
cursor_of(streams_test *test, const char *name)
{
	uint64_t	cursor = UINT64_MAX;

	(void) fs_memory_store.stream_cursor(test->backend, name, &cursor, &test->error);
	return cursor;
}

static void
test_claims(streams_test *test)
{
	const fs_methods *methods = &fs_memory_store;
	fs_lease   *first;
	fs_lease   *second;
	uint64_t	cursor;
	fs_claim	transactional = {.name = "s", .query = &test->query, .transactional = true};

	(void) tap_ok(methods->stream_claim(test->backend, &transactional, &first, &cursor,
										&test->error) == FACTSTR_UNSUPPORTED,
				  "no transactional streams");
	append_facts(test, 3);
	(void) tap_ok(claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &first, &cursor) ==
				  FACTSTR_OK && cursor == 0, "a new stream begins at the beginning");
	(void) tap_ok(claim_stream(test, "n", &test->query, FACTSTR_FROM_NOW, &second, &cursor) ==
				  FACTSTR_OK && cursor == 3, "or now");
	methods->stream_release(second);
	(void) tap_ok(claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &second, &cursor) ==
				  FACTSTR_STREAM_ACTIVE, "a second consumer");
	(void) tap_ok(claim_stream(test, "n", &test->other_query, FACTSTR_FROM_FIRST, &second,
							   &cursor) == FACTSTR_STREAM_QUERY_DIFFERS &&
				  cursor_of(test, "n") == 3, "another query");
	(void) tap_ok(methods->stream_move(first, 2, true, &test->error) == FACTSTR_OK &&
				  methods->stream_move(first, 1, true, &test->error) == FACTSTR_OK &&
				  cursor_of(test, "s") == 2, "a cursor never moves backwards");
	(void) tap_ok(methods->stream_seek(test->backend, "s", 0, &test->error) ==
				  FACTSTR_STREAM_ACTIVE &&
				  methods->stream_drop(test->backend, "s", &test->error) == FACTSTR_STREAM_ACTIVE,
				  "no seek and no drop under a consumer");
	methods->stream_release(first);
	(void) tap_ok(methods->stream_seek(test->backend, "s", 4, &test->error) ==
				  FACTSTR_MALFORMED &&
				  methods->stream_seek(test->backend, "s", 1, &test->error) == FACTSTR_OK &&
				  cursor_of(test, "s") == 1, "a seek, not beyond the newest fact");
	(void) tap_ok(claim_stream(test, "s", &test->query, FACTSTR_FROM_NOW, &first, &cursor) ==
				  FACTSTR_OK && cursor == 1, "it goes on from there");
	methods->stream_release(first);
}

static void
test_pauses(streams_test *test)
{
	const fs_methods *methods = &fs_memory_store;
	fs_lease   *first;
	fs_lease   *second;
	uint64_t	cursor;

	(void) claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &first, &cursor);
	(void) tap_ok(methods->stream_fail(first, "broken", 123, &test->error) == FACTSTR_OK &&
				  methods->stream_resume(first, &cursor, &test->error) == FACTSTR_OK &&
				  cursor == 1 && methods->stream_move(first, 2, true, &test->error) == FACTSTR_OK,
				  "after a failure the same consumer goes on");
	(void) methods->stream_fail(first, "broken", 123, &test->error);
	(void) tap_ok(methods->stream_seek(test->backend, "s", 0, &test->error) == FACTSTR_OK &&
				  methods->stream_resume(first, &cursor, &test->error) == FACTSTR_OK &&
				  cursor == 0, "from where it was put meanwhile");
	(void) methods->stream_fail(first, "broken", 123, &test->error);
	(void) tap_ok(claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &second, &cursor) ==
				  FACTSTR_OK, "another one takes over");
	methods->stream_release(second);
	(void) tap_ok(methods->stream_resume(first, &cursor, &test->error) == FACTSTR_STREAM_ACTIVE &&
				  methods->stream_move(first, 3, true, &test->error) != FACTSTR_OK &&
				  cursor_of(test, "s") == 0, "then the first one is out for good");
	methods->stream_release(first);

	(void) claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &first, &cursor);
	(void) methods->stream_fail(first, "broken", 123, &test->error);
	(void) methods->stream_drop(test->backend, "s", &test->error);
	(void) tap_ok(methods->stream_resume(first, &cursor, &test->error) == FACTSTR_NO_SUCH_STREAM,
				  "a dropped stream is noticed");
	(void) claim_stream(test, "s", &test->query, FACTSTR_FROM_FIRST, &second, &cursor);
	(void) tap_ok(methods->stream_resume(first, &cursor, &test->error) == FACTSTR_STREAM_ACTIVE,
				  "and so is one that was made anew");
	methods->stream_release(first);
	(void) tap_ok(methods->stream_move(second, 1, false, &test->error) == FACTSTR_OK,
				  "which the old lease does not touch");
	methods->stream_release(second);
}

static void
test_status(streams_test *test)
{
	const fs_methods *methods = &fs_memory_store;
	fs_stream_list list = {0};
	fs_lease   *lease;
	uint64_t	cursor;
	const factstr_stream_status *status;

	(void) claim_stream(test, "a", &test->query, FACTSTR_FROM_FIRST, &lease, &cursor);
	(void) methods->stream_move(lease, 1, true, &test->error);
	(void) methods->stream_fail(lease, "broken", 123, &test->error);
	(void) methods->streams(test->backend, &list, &test->error);
	(void) tap_ok(list.count == 3 && strcmp(list.streams[0].name, "a") == 0 &&
				  strcmp(list.streams[1].name, "n") == 0 &&
				  strcmp(list.streams[2].name, "s") == 0, "streams are listed by name");
	status = &list.streams[0];
	(void) tap_ok(status->cursor_sequence_number == 1 && status->head_sequence_number == 3 &&
				  status->lag_facts == 2 && status->lag_time >= 0 &&
				  status->last_success_at > 0 && !status->active, "with cursor and lag");
	(void) tap_ok(status->failure_count == 1 && strcmp(status->last_error, "broken") == 0 &&
				  status->last_failed_at > 0 && status->retry_at == 123, "and the last failure");
	fs_stream_list_release(&list);

	(void) methods->stream_resume(lease, &cursor, &test->error);
	(void) methods->stream_move(lease, 3, true, &test->error);
	(void) methods->streams(test->backend, &list, &test->error);
	status = &list.streams[0];
	(void) tap_ok(status->failure_count == 0 && status->retry_at == 0 && status->active &&
				  status->last_error != NULL && status->lag_facts == 0 && status->lag_time == 0,
				  "a success ends the failures, and leaves the words");
	fs_stream_list_release(&list);
	methods->stream_release(lease);
}

static void
test_streams(void)
{
	streams_test test = {.hub = fs_hub_new()};

	if (test.hub == NULL ||
		fs_memory_store.open("", test.hub, &test.backend, &test.error) != FACTSTR_OK ||
		fs_query_parse(NULL, &test.query, &test.error) != FACTSTR_OK ||
		fs_query_parse("{\"filters\": [{\"event_types\": [\"x\"]}]}", &test.other_query,
					   &test.error) != FACTSTR_OK)
		bail_out("no store");
	test_claims(&test);
	test_pauses(&test);
	test_status(&test);
	fs_query_release(&test.query);
	fs_query_release(&test.other_query);
	fs_memory_store.close(test.backend);
	fs_hub_free(test.hub);
}

/*
 * No memory
 */

/* One thing to do with a store; the number makes each time a little different. */
typedef int (*step) (factstr_store *store, int number, factstr_error *error);

static int
append_with_key(factstr_store *store, int number, factstr_error *error)
{
	char		payload[100];
	char		key[32];
	factstr_event events[3];

	(void) snprintf(payload, sizeof(payload),
					"{\"common\": true, \"n\": %d, \"own\": \"number %d\", \"l\": [%d, %d]}",
					number % 5, number, number, number + 1);
	(void) snprintf(key, sizeof(key), "key %d", number);
	events[0] = (factstr_event) {.event_type = "t", .payload = payload};
	events[1] = (factstr_event) {.event_type = "a", .payload = "[1]", .metadata = "{\"m\": 1}"};
	events[2] = (factstr_event) {.event_type = "b", .payload = payload};
	return factstr_append(store, events, 3, key, NULL, error);
}

static int
append_to_context(factstr_store *store, int number, factstr_error *error)
{
	const char *context = "{\"filters\": [{\"event_types\": [\"t\", \"c\"], "
		"\"payload_predicates\": [{\"own\": 1}, {\"c\": \"x\", \"d\": [1]}]}]}";
	uint64_t	version;
	factstr_event event = {.event_type = "c", .payload = "{\"c\": \"x\", \"d\": [1, 2]}"};
	int			code = factstr_context_version(store, context, &version, error);

	(void) number;
	if (code != FACTSTR_OK)
		return code;
	return factstr_append_if(store, &event, 1, context, version == 0 ? NULL : &version, NULL, NULL,
							 error);
}

static int
repeat_append(factstr_store *store, int number, factstr_error *error)
{
	return number == 0 ? FACTSTR_OK : append_with_key(store, number - 1, error);
}

static int
import_batches(factstr_store *store, int number, factstr_error *error)
{
	uint64_t	next = head_of(store) + 1;
	char		key[32];
	factstr_fact facts[] = {
		{.sequence_number = next, .occurred_at = 5, .event_type = "a", .payload = "{\"n\": 3}"},
		{.sequence_number = next + 1, .occurred_at = 6, .event_type = "b", .payload = "{\"n\": 3}"},
		{.sequence_number = next + 2, .occurred_at = 7, .event_type = "t", .payload = "4"}
	};
	factstr_batch batches[] = {
		{.first_sequence_number = next, .last_sequence_number = next + 1, .fact_count = 2,
			.facts = &facts[0], .idempotency_key = key},
		{.first_sequence_number = next + 2, .last_sequence_number = next + 2, .fact_count = 1,
			.facts = &facts[2]}
	};

	(void) snprintf(key, sizeof(key), "imported %d", number);
	return factstr_import(store, batches, 2, error);
}

static int
read_everything(factstr_store *store, int number, factstr_error *error)
{
	const char *query = "{\"filters\": [{\"event_types\": [\"t\", \"a\"], "
		"\"payload_predicates\": [[1], {\"common\": true}]}]}";
	factstr_query_result *result;
	factstr_batch_list *list;
	int			code = factstr_query(store, query, &result, error);

	(void) number;
	if (code != FACTSTR_OK)
		return code;
	factstr_query_result_free(result);
	code = factstr_batches(store, query, 2, 5, &list, error);
	if (code != FACTSTR_OK)
		return code;
	factstr_batch_list_free(list);
	code = factstr_export(store, 2, 5, &list, error);
	if (code == FACTSTR_OK)
		factstr_batch_list_free(list);
	return code;
}

/*
 * Takes a step with each of its allocations failing in turn, and then with none.  The store must be
 * the same after each failure.
 */
static bool
take_step(factstr_store *store, step take, int number, int *failures)
{
	char	   *before = describe(store);
	bool		right = true;
	int			code = FACTSTR_NO_MEMORY;

	for (int failing = 0; right && code != FACTSTR_OK && failing < 1000; failing++)
	{
		factstr_error error = {.code = FACTSTR_OK};
		char	   *after;

		allocations_left = failing;
		code = take(store, number, &error);
		allocations_left = -1;
		if (code == FACTSTR_OK)
			break;
		after = describe(store);
		right = code == FACTSTR_NO_MEMORY && error.code == FACTSTR_NO_MEMORY &&
			strcmp(before, after) == 0;
		(*failures)++;
		free(after);
	}
	free(before);
	return right && code == FACTSTR_OK;
}

static void
test_no_memory(const char *name, step take, step between, int count)
{
	factstr_store *store = open_store();
	int			failures = 0;
	bool		right = true;

	for (int i = 0; i < count && right; i++)
	{
		right = take_step(store, take, i, &failures) &&
			(between == NULL || between(store, i, NULL) == FACTSTR_OK);
	}
	(void) tap_ok(right && failures > count, "out of memory: %s", name);
	(void) factstr_close(store);
}

static void
test_claim_without_memory(void)
{
	streams_test test = {.hub = fs_hub_new()};
	bool		right = true;
	int			failures = 0;

	if (test.hub == NULL ||
		fs_memory_store.open("", test.hub, &test.backend, &test.error) != FACTSTR_OK ||
		fs_query_parse(NULL, &test.query, &test.error) != FACTSTR_OK)
		bail_out("no store");
	for (int i = 0; i < 20 && right; i++)
	{
		char		name[20];
		fs_lease   *lease;
		uint64_t	cursor;
		int			code = FACTSTR_NO_MEMORY;

		(void) snprintf(name, sizeof(name), "stream %d", i);
		for (int failing = 0; right && code != FACTSTR_OK && failing < 100; failing++)
		{
			allocations_left = failing;
			code = claim_stream(&test, name, &test.query, FACTSTR_FROM_FIRST, &lease, &cursor);
			allocations_left = -1;
			if (code == FACTSTR_OK)
				break;
			right = code == FACTSTR_NO_MEMORY && cursor_of(&test, name) == UINT64_MAX;
			failures++;
		}
		fs_memory_store.stream_release(lease);
	}
	(void) tap_ok(right && failures > 40, "out of memory: claiming a stream");
	fs_query_release(&test.query);
	fs_memory_store.close(test.backend);
	fs_hub_free(test.hub);
}

static void
test_open_without_memory(void)
{
	factstr_store *store = NULL;
	int			failing = 0;
	int			code;

	do
	{
		allocations_left = failing++;
		code = factstr_open("memory:", &store, NULL);
		allocations_left = -1;
	}
	while (code == FACTSTR_NO_MEMORY && store == NULL && failing < 100);
	(void) tap_ok(code == FACTSTR_OK && failing > 1, "out of memory: opening");
	(void) factstr_close(store);
}

/*
 * Threads
 */

#define WRITERS 3
#define ROUNDS 300

typedef struct shared
{
	factstr_store *store;
	_Atomic bool done;
	_Atomic int successes;
	_Atomic int faults;
} shared;

/* Each writer wants to extend the context that all share, and appends elsewhere in between. */
static void *
write_facts(void *argument)
{
	shared	   *all = argument;
	const char *context = "{\"filters\": [{\"payload_predicates\": [{\"context\": 1}]}]}";
	factstr_event event = {.event_type = "in", .payload = "{\"context\": 1}"};

	for (int done = 0; done < ROUNDS;)
	{
		uint64_t	version;
		int			code;

		if (factstr_context_version(all->store, context, &version, NULL) != FACTSTR_OK)
			all->faults++;
		code = factstr_append_if(all->store, &event, 1, context, version == 0 ? NULL : &version,
								 NULL, NULL, NULL);
		if (code == FACTSTR_OK)
		{
			all->successes++;
			done++;
		}
		else if (code != FACTSTR_CONFLICT)
			all->faults++;
		if (append_one(all->store, "out", "{\"context\": 2, \"n\": [1, 2]}", NULL,
					   NULL) != FACTSTR_OK)
			all->faults++;
	}
	return NULL;
}

/* Whatever a reader sees is complete up to its version, and never less than before. */
static void *
read_facts(void *argument)
{
	shared	   *all = argument;
	uint64_t	seen = 0;

	while (!all->done)
	{
		char		query[64];
		factstr_query_result *result;
		uint64_t	min = seen > 50 ? seen - 50 : 0;

		(void) snprintf(query, sizeof(query), "{\"min_sequence_number\": %d}", (int) min);
		if (factstr_query(all->store, query, &result, NULL) != FACTSTR_OK)
		{
			all->faults++;
			continue;
		}
		if (result->current_context_version < seen ||
			result->fact_count != result->current_context_version - min)
			all->faults++;
		for (size_t i = 0; i < result->fact_count; i++)
		{
			if (result->facts[i].sequence_number != min + 1 + i)
				all->faults++;
		}
		seen = result->current_context_version;
		factstr_query_result_free(result);
	}
	return NULL;
}

static void
test_threads(void)
{
	shared		all = {.store = open_store()};
	pthread_t	writers[WRITERS];
	pthread_t	reader;
	factstr_query_result *result;

	if (pthread_create(&reader, NULL, read_facts, &all) != 0)
		bail_out("no thread");
	for (int i = 0; i < WRITERS; i++)
	{
		if (pthread_create(&writers[i], NULL, write_facts, &all) != 0)
			bail_out("no thread");
	}
	for (int i = 0; i < WRITERS; i++)
		(void) pthread_join(writers[i], NULL);
	all.done = true;
	(void) pthread_join(reader, NULL);

	(void) tap_ok(all.faults == 0, "readers and writers at the same time");
	if (factstr_query(all.store, "{\"filters\": [{\"event_types\": [\"in\"]}]}", &result, NULL) !=
		FACTSTR_OK)
		bail_out("no query");
	(void) tap_ok(result->fact_count == WRITERS * ROUNDS && all.successes == WRITERS * ROUNDS,
				  "as many facts in the context as appends that succeeded");
	factstr_query_result_free(result);
	(void) factstr_close(all.store);
}

/* All with the same keys: each key commits once. */
static void *
append_with_shared_keys(void *argument)
{
	shared	   *all = argument;

	for (int i = 0; i < ROUNDS; i++)
	{
		char		key[20];
		factstr_append_result result;

		(void) snprintf(key, sizeof(key), "%d", i);
		if (append_one(all->store, "t", key, key, &result) != FACTSTR_OK ||
			result.committed_count != 1)
			all->faults++;
	}
	return NULL;
}

static void
test_threads_with_keys(void)
{
	shared		all = {.store = open_store()};
	pthread_t	writers[WRITERS];

	for (int i = 0; i < WRITERS; i++)
	{
		if (pthread_create(&writers[i], NULL, append_with_shared_keys, &all) != 0)
			bail_out("no thread");
	}
	for (int i = 0; i < WRITERS; i++)
		(void) pthread_join(writers[i], NULL);
	(void) tap_ok(all.faults == 0 && head_of(all.store) == ROUNDS,
				  "of concurrent appends with one key one commits");
	(void) factstr_close(all.store);
}

int
main(void)
{
	test_opening();
	test_growth();
	test_texts();
	test_keys();
	test_import();
	test_import_of_known_keys();
	test_streams();
	test_no_memory("appending", append_with_key, NULL, 150);
	test_no_memory("appending to a context", append_to_context, append_with_key, 20);
	test_no_memory("repeating an append", repeat_append, append_with_key, 20);
	test_no_memory("importing", import_batches, NULL, 60);
	test_no_memory("reading", read_everything, append_with_key, 20);
	test_claim_without_memory();
	test_open_without_memory();
	test_threads();
	test_threads_with_keys();
	return tap_finish();
}
