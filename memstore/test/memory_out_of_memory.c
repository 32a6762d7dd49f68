/*
 * memory_out_of_memory.c
 *		Fails every allocation of the memory store in turn: failed calls leave nothing in it.
 *
 * lib/failing_allocations.h describes how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stores/handle.h"

#include "lib/failing_allocations.h"
#include "lib/stores.h"

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
	return factstr_append(store, events, 3, WITH_KEY(key), NULL, error);
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
	return factstr_append(store, &event, 1, IF_VERSION(context, version, NULL), NULL, error);
}

static int
repeat_append(factstr_store *store, int number, factstr_error *error)
{
	return number == 0 ? FACTSTR_OK : append_with_key(store, number - 1, error);
}

/* Not one of the allocations that are to fail. */
static uint64_t
head_without_failure(factstr_store *store)
{
	int			failing = failing_left;
	uint64_t	head;

	failing_left = -1;
	head = store_head(store);
	failing_left = failing;
	return head;
}

static int
import_batches(factstr_store *store, int number, factstr_error *error)
{
	uint64_t	next = head_without_failure(store) + 1;
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
	return factstr_import(store, batches, 2, NULL, error);
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
 * the same after each failure.  Returns the error, or NULL.
 */
static const char *
take_step(factstr_store *store, step take, int number, int *failures)
{
	char	   *before = store_describe(store);
	const char *fault = NULL;
	int			code = FACTSTR_NO_MEMORY;

	for (int failing = 0; fault == NULL && code != FACTSTR_OK && failing < 1000; failing++)
	{
		factstr_error error = {.code = FACTSTR_OK};
		char	   *after;

		failing_left = failing;
		code = take(store, number, &error);
		failing_left = -1;
		if (code == FACTSTR_OK)
			break;
		after = store_describe(store);
		if (code != FACTSTR_NO_MEMORY || error.code != FACTSTR_NO_MEMORY)
			fault = "another error than that there is no memory";
		else if (strcmp(before, after) != 0)
			fault = "the store has changed";
		(*failures)++;
		free(after);
	}
	free(before);
	return fault == NULL && code != FACTSTR_OK ? "it never succeeds" : fault;
}

static void
test_steps(const char *name, step take, step between, int count)
{
	factstr_store *store = store_open("memory:");
	int			failures = 0;
	const char *fault = NULL;

	for (int i = 0; i < count && fault == NULL; i++)
	{
		fault = take_step(store, take, i, &failures);
		if (fault == NULL && between != NULL && between(store, i, NULL) != FACTSTR_OK)
			fault = "a step in between fails";
	}
	ok_str(fault, NULL, "%s: each failure leaves the store as it was", name);
	ok_cmp(failures, ">", count, "%s: allocations have failed", name);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* Claims a new stream with each allocation failing in turn; it must not be there before. */
static const char *
claim_a_stream(fs_backend *backend, const fs_query *query, const char *name, int *failures)
{
	fs_claim	claim = {.name = name, .query = query};
	fs_lease   *lease = NULL;
	factstr_error error;
	uint64_t	cursor;

	for (int failing = 0; failing < 100; failing++)
	{
		int			code;

		failing_left = failing;
		code = fs_memory_store.stream_claim(backend, &claim, &lease, &cursor, &error);
		failing_left = -1;
		if (code == FACTSTR_OK)
		{
			fs_memory_store.stream_release(lease);
			return NULL;
		}
		if (code != FACTSTR_NO_MEMORY)
			return "another error than that there is no memory";
		if (fs_memory_store.stream_cursor(backend, name, &cursor, &error) !=
			FACTSTR_NO_SUCH_STREAM)
			return "the stream is there all the same";
		(*failures)++;
	}
	return "it never succeeds";
}

static void
test_claims(void)
{
	factstr_store *store = store_open("memory:");
	fs_query	query;
	factstr_error error;
	const char *fault = NULL;
	int			failures = 0;

	if (fs_query_parse(NULL, &query, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (int i = 0; i < 20 && fault == NULL; i++)
	{
		char		name[20];

		(void) snprintf(name, sizeof(name), "stream %d", i);
		fault = claim_a_stream(store->backend, &query, name, &failures);
	}
	ok_str(fault, NULL, "claiming a stream: each failure leaves none");
	ok_cmp(failures, ">", 40, "claiming a stream: allocations have failed");
	fs_query_release(&query);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_opening(void)
{
	factstr_store *store = NULL;
	int			failing = 0;
	int			stores_of_errors = 0;
	int			code;

	do
	{
		failing_left = failing++;
		code = factstr_open("memory:", &store, NULL);
		failing_left = -1;
		stores_of_errors += code != FACTSTR_OK && store != NULL ? 1 : 0;
	}
	while (code == FACTSTR_NO_MEMORY && failing < 100);
	ok_code(code, FACTSTR_OK, NULL, "opening: in the end it succeeds");
	ok_int(stores_of_errors, 0, "opening: a failure leaves no store");
	ok_cmp(failing, ">", 1, "opening: allocations have failed");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_steps("appending", append_with_key, NULL, 150);
	test_steps("appending to a context", append_to_context, append_with_key, 20);
	test_steps("repeating an append", repeat_append, append_with_key, 20);
	test_steps("importing", import_batches, NULL, 60);
	test_steps("reading", read_everything, append_with_key, 20);
	test_claims();
	test_opening();
	return tap_finish();
}
