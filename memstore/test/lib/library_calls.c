/*
 * library_calls.c
 *		Calls of the library, each with all that it needs, for tests that let them fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library_calls.h"

#define CALL_EVENTS "[{\"event_type\": \"a\", \"payload\": {\"n\": [1, \"text\"]}," \
	" \"metadata\": {\"m\": 1}}, {\"event_type\": \"b\", \"payload\": \"a \\\" b\"}]"

/* The last event of each append and import is in it. */
#define CALL_CONTEXT "{\"filters\": [{\"event_types\": [\"b\"]}]}"

static const factstr_event call_events[CALL_EVENT_COUNT] = {
	{.event_type = "a", .payload = "{\"n\": [1, \"text\"]}", .metadata = "{\"m\": 1}"},
	{.event_type = "b", .payload = "\"a \\\" b\""}
};

int
call_open(call_target *on, factstr_error *error)
{
	return factstr_open(on->url, &on->store, error);
}

int
call_append(call_target *on, factstr_error *error)
{
	return factstr_append(on->store, call_events, CALL_EVENT_COUNT, WITH_KEY(on->key), NULL, error);
}

int
call_append_if(call_target *on, factstr_error *error)
{
	uint64_t	expected = on->head;

	return factstr_append(on->store, call_events, CALL_EVENT_COUNT,
						  IF_VERSION(CALL_CONTEXT, expected, on->key), NULL, error);
}

/* A document with the error: NULL if there is no memory for that either. */
static int
answered(int code, char *result, factstr_error *error)
{
	error->code = code;
	if (result != NULL)
		(void) snprintf(error->message, sizeof(error->message), "%s", result);
	factstr_json_free(result);
	return code;
}

int
call_json_append(call_target *on, factstr_error *error)
{
	char		options[120];
	char	   *result;
	int			code;

	(void) snprintf(options, sizeof(options), "{\"idempotency_key\": \"%s\"}", on->key);
	code = factstr_json_append(on->store, CALL_EVENTS, options, &result);
	return answered(code, result, error);
}

int
call_json_append_if(call_target *on, factstr_error *error)
{
	char		options[300];
	char	   *result;
	int			code;

	(void) snprintf(options, sizeof(options), "{\"context_query\": " CALL_CONTEXT
					", \"expected_context_version\": %llu, \"idempotency_key\": \"%s\"}",
					(unsigned long long) on->head, on->key);
	code = factstr_json_append(on->store, CALL_EVENTS, options, &result);
	return answered(code, result, error);
}

int
call_import(call_target *on, factstr_error *error)
{
	factstr_fact facts[CALL_EVENT_COUNT] = {
		{.sequence_number = on->head + 1, .event_type = "a", .payload = "[1]"},
		{.sequence_number = on->head + 2, .event_type = "b", .payload = "2", .metadata = "{}"}
	};
	factstr_batch batch = {
		.first_sequence_number = on->head + 1,
		.last_sequence_number = on->head + 2,
		.fact_count = CALL_EVENT_COUNT,
		.facts = facts,
		.idempotency_key = on->key
	};

	return factstr_import(on->store, &batch, 1, NULL, error);
}

int
call_query(call_target *on, factstr_error *error)
{
	factstr_query_result *result;
	int			code = factstr_query(on->store, "{\"filters\": [{\"event_types\": [\"a\"],"
									 " \"payload_predicates\": [{\"n\": [1]}]}]}", &result, error);

	if (code == FACTSTR_OK && (result->fact_count == 0 || result->facts[0].metadata == NULL))
		code = FACTSTR_STORAGE;
	factstr_query_result_free(result);
	return code;
}

int
call_newest(call_target *on, factstr_error *error)
{
	static const char *const queries[] = {CALL_CONTEXT, NULL, "{\"filters\": [{\"event_types\": [\"c\"]}]}"};
	factstr_newest_result *result;
	int			code = factstr_newest(on->store, queries, 3, &result, error);

	if (code == FACTSTR_OK && (result->fact_count != 3 || result->current_context_version != on->head ||
							   result->facts[0].payload == NULL || result->facts[2].payload != NULL))
		code = FACTSTR_STORAGE;
	factstr_newest_result_free(result);
	return code;
}

int
call_json_newest(call_target *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_newest(on->store, "[" CALL_CONTEXT ", {}]", &result);

	return answered(code, result, error);
}

int
call_context_version(call_target *on, factstr_error *error)
{
	uint64_t	version;
	int			code = factstr_context_version(on->store, CALL_CONTEXT, &version, error);

	if (code == FACTSTR_OK && version != on->head)
		code = FACTSTR_STORAGE;
	return code;
}

/* To its end. */
int
call_cursor(call_target *on, factstr_error *error)
{
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	uint64_t	last = 0;
	int			code = factstr_read_open(on->store, "{}", NULL, &cursor, error);
	bool		is_open = code == FACTSTR_OK;

	while (code == FACTSTR_OK)
	{
		code = factstr_read_next(cursor, &fact, error);
		if (fact == NULL)
			break;
		last = fact->sequence_number;
	}
	factstr_read_close(cursor);
	if (is_open && code == FACTSTR_OK && last != on->head)
		code = FACTSTR_STORAGE;
	return code;
}

int
call_batches(call_target *on, factstr_error *error)
{
	factstr_batch_list *list;
	int			code = factstr_batches(on->store, "{\"filters\": [{\"event_types\": [\"a\"]}]}", 0,
									   3, &list, error);

	factstr_batch_list_free(list);
	return code;
}

/* Into a store that is there for the moment. */
int
call_export(call_target *on, factstr_error *error)
{
	factstr_batch_list *list;
	factstr_store *other = NULL;
	int			code = factstr_export(on->store, 0, 3, &list, error);

	if (code == FACTSTR_OK && list->batches[0].idempotency_key == NULL)
		code = FACTSTR_STORAGE;
	if (code == FACTSTR_OK)
		code = factstr_open("memory:", &other, error);
	if (code == FACTSTR_OK)
		code = factstr_import(other, list->batches, list->count, NULL, error);
	factstr_batch_list_free(list);
	(void) factstr_close(other, FACTSTR_CLOSE_TIMEOUT_MS);
	return code;
}

int
call_json_query(call_target *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_query(on->store, "{\"after\": 1}", &result);

	return answered(code, result, error);
}

static int
take_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	call_target *on = context;

	(void) error;
	on->has_gap = on->has_gap || batch->first_sequence_number > on->seen + 1;
	on->seen = batch->last_sequence_number;
	return 0;
}

static int
open_and_free_stream(call_target *on, bool transactional, factstr_error *error)
{
	factstr_stream_options options = {.size = sizeof(options), .timeout_ms = 10000, .transactional = transactional};
	factstr_stream *stream;
	int			code = factstr_stream_open(on->store, on->key, NULL, take_batch, on, &options,
										   &stream, error);

	(void) factstr_stream_close(stream, -1);
	return code;
}

int
call_durable_stream(call_target *on, factstr_error *error)
{
	return open_and_free_stream(on, false, error);
}

int
call_transactional_stream(call_target *on, factstr_error *error)
{
	return open_and_free_stream(on, true, error);
}

static int
take_records(const char *delivery, void *context, factstr_error *error)
{
	static const char key[] = "\"sequence_number\": ";
	call_target *on = context;
	const char *record = delivery;

	(void) error;
	while ((record = strstr(record, key)) != NULL)
	{
		uint64_t	number = strtoull(record + strlen(key), NULL, 10);

		on->has_gap = on->has_gap || number > on->seen + 1;
		on->seen = number;
		record += strlen(key);
	}
	return 0;
}

int
call_json_stream(call_target *on, factstr_error *error)
{
	factstr_stream *stream;
	char	   *result;
	int			code = factstr_json_stream_open(on->store, on->key, "{}", take_records, NULL, NULL, on,
												"{\"ack_batches\": 1}", &stream, &result);

	(void) factstr_stream_close(stream, -1);
	return answered(code, result, error);
}

int
call_live_stream(call_target *on, factstr_error *error)
{
	factstr_stream *stream;
	int			code = factstr_stream_open(on->store, NULL, "{}", take_batch, on, NULL, &stream,
										   error);

	(void) factstr_stream_close(stream, -1);
	return code;
}

int
call_streams(call_target *on, factstr_error *error)
{
	factstr_stream_status_list *list;
	int			code = factstr_streams(on->store, &list, error);

	if (code == FACTSTR_OK && (list->count != 1 || list->streams[0].last_error == NULL))
		code = FACTSTR_STORAGE;
	factstr_stream_status_list_free(list);
	return code;
}

int
call_json_streams(call_target *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_streams(on->store, &result);

	return answered(code, result, error);
}

int
call_seek(call_target *on, factstr_error *error)
{
	return factstr_stream_seek(on->store, "standing", 1, error);
}

int
call_wait(call_target *on, factstr_error *error)
{
	return factstr_wait(on->store, "standing", 1, 0, error);
}

int
call_drop(call_target *on, factstr_error *error)
{
	int			code = factstr_stream_drop(on->store, "standing", error);

	return code == FACTSTR_NO_SUCH_STREAM ? FACTSTR_OK : code;
}

static int
refuse_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	(void) context;
	(void) error;
	return 1;
}

void
call_make_standing_stream(const call_target *on)
{
	factstr_store *store = store_open(on->url);
	factstr_stream *stream;

	(void) factstr_stream_open(store, "standing", NULL, refuse_batch, NULL, NULL, &stream, NULL);
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}
