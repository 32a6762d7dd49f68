/*
 * stores.c
 *		Actions of tests on a store of any kind.  An error ends the test.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "results/records.h"

#include "stores.h"

#define LARGEST_BATCH 100

factstr_store *
store_open(const char *url)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open(url, &store, &error) != FACTSTR_OK)
		tap_bail_out("the store cannot be opened: %s", error.message);
	return store;
}

int
store_append_with_key(factstr_store *store, const char *event_type, const char *payload,
					  const char *key, factstr_error *error)
{
	factstr_event event = {
		.event_type = event_type, .payload = payload == NULL ? "{}" : payload
	};

	return factstr_append(store, &event, 1, WITH_KEY(key), NULL, error);
}

int
store_append(factstr_store *store, const char *event_type, const char *payload,
			 factstr_error *error)
{
	return store_append_with_key(store, event_type, payload, NULL, error);
}

int
store_append_batch(factstr_store *store, const char *event_type, size_t count)
{
	factstr_event events[LARGEST_BATCH];

	if (count > LARGEST_BATCH)
		tap_bail_out("a batch of %zu events", count);
	for (size_t i = 0; i < count; i++)
		events[i] = (factstr_event) {.event_type = event_type, .payload = "{}"};
	return factstr_append(store, events, count, NULL, NULL, NULL);
}

uint64_t
store_head(factstr_store *store)
{
	uint64_t	version;
	factstr_error error;

	if (factstr_context_version(store, NULL, &version, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	return version;
}

uint64_t
store_cursor(factstr_store *store, const char *stream)
{
	factstr_stream_status_list *list;
	factstr_error error;
	uint64_t	cursor = UINT64_MAX;

	if (factstr_streams(store, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->streams[i].name, stream) == 0)
			cursor = list->streams[i].cursor_sequence_number;
	}
	factstr_stream_status_list_free(list);
	return cursor;
}

static void
describe_batches(factstr_store *store, fs_buffer *out)
{
	factstr_batch_list *list;
	factstr_error error;

	if (factstr_export(store, 0, SIZE_MAX, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_batch *batch = &list->batches[i];

		fs_write_integer(out, batch->first_sequence_number);
		fs_buffer_append_text(out, "-");
		fs_write_integer(out, batch->last_sequence_number);
		fs_buffer_append_text(out, batch->idempotency_key == NULL ? "" : batch->idempotency_key);
		fs_write_event_records(out, batch->facts, batch->fact_count);
	}
	factstr_batch_list_free(list);
}

char *
store_describe(factstr_store *store)
{
	static const char *const queries[] = {
		"{\"filters\": [{\"event_types\": [\"t\", \"a\"]}]}",
		"{\"filters\": [{\"payload_predicates\": [{\"common\": true}]}]}",
		"{\"filters\": [{\"event_types\": [\"b\"], \"payload_predicates\": [{\"n\": 3}]}]}"
	};
	fs_buffer	out = {0};
	uint64_t	version;
	factstr_error error;

	describe_batches(store, &out);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
	{
		if (factstr_context_version(store, queries[i], &version, &error) != FACTSTR_OK)
			tap_bail_out("%s", error.message);
		fs_buffer_append_text(&out, " ");
		fs_write_integer(&out, version);
	}
	return fs_finish_text(&out);
}
