/*
 * memory_threads.c
 *		The memory store with readers and writers at the same time.
 */
#include <pthread.h>
#include <stdio.h>

#include "lib/stores.h"

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
		code = factstr_append(all->store, &event, 1, IF_VERSION(context, version, NULL), NULL,
							  NULL);
		if (code == FACTSTR_OK)
		{
			all->successes++;
			done++;
		}
		else if (code != FACTSTR_CONFLICT)
			all->faults++;
		if (store_append(all->store, "out", "{\"context\": 2, \"n\": [1, 2]}", NULL) != FACTSTR_OK)
			all->faults++;
	}
	return NULL;
}

/* A reader sees every fact up to its version, and never fewer than before. */
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

		(void) snprintf(query, sizeof(query), "{\"after\": %d}", (int) min);
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
	shared		all = {.store = store_open("memory:")};
	pthread_t	writers[WRITERS];
	pthread_t	reader;
	factstr_query_result *result;

	if (pthread_create(&reader, NULL, read_facts, &all) != 0)
		tap_bail_out("no thread");
	for (int i = 0; i < WRITERS; i++)
	{
		if (pthread_create(&writers[i], NULL, write_facts, &all) != 0)
			tap_bail_out("no thread");
	}
	for (int i = 0; i < WRITERS; i++)
		(void) pthread_join(writers[i], NULL);
	all.done = true;
	(void) pthread_join(reader, NULL);

	ok_int(all.faults, 0, "readers and writers at the same time");
	if (factstr_query(all.store, "{\"filters\": [{\"event_types\": [\"in\"]}]}", &result, NULL) !=
		FACTSTR_OK)
		tap_bail_out("no query");
	ok_int(all.successes, WRITERS * ROUNDS, "each writer has come to its end");
	ok_int((int64_t) result->fact_count, all.successes,
		   "as many facts in the context as appends that succeeded");
	factstr_query_result_free(result);
	(void) factstr_close(all.store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* All with the same keys: each key commits once. */
static void *
append_with_shared_keys(void *argument)
{
	shared	   *all = argument;

	for (int i = 0; i < ROUNDS; i++)
	{
		char		key[20];
		factstr_event event = {.event_type = "t"};
		factstr_append_result result;

		(void) snprintf(key, sizeof(key), "%d", i);
		event.payload = key;
		if (factstr_append(all->store, &event, 1, WITH_KEY(key), &result, NULL) != FACTSTR_OK ||
			result.committed_count != 1)
			all->faults++;
	}
	return NULL;
}

static void
test_threads_with_keys(void)
{
	shared		all = {.store = store_open("memory:")};
	pthread_t	writers[WRITERS];

	for (int i = 0; i < WRITERS; i++)
	{
		if (pthread_create(&writers[i], NULL, append_with_shared_keys, &all) != 0)
			tap_bail_out("no thread");
	}
	for (int i = 0; i < WRITERS; i++)
		(void) pthread_join(writers[i], NULL);
	ok_int(all.faults, 0, "each of concurrent appends with one key succeeds");
	ok_int((int64_t) store_head(all.store), ROUNDS, "and one of them is stored");
	(void) factstr_close(all.store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	test_threads();
	test_threads_with_keys();
	return tap_finish();
}
