/*
 * failing_calls.h
 *		Calls of the library, made again and again while another of their allocations fails.
 *
 * Each call is repeated until no allocation of it is left to fail, every time through a new handle.
 * It succeeds, or says that there is no memory; and what a new handle then finds in the log is all
 * of it or nothing.
 */
#ifndef FACTSTR_FAILING_CALLS_H
#define FACTSTR_FAILING_CALLS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "factstr.h"

#include "failing_libraries.h"
#include "tap.h"

#define CALL_EVENTS "[{\"event_type\": \"a\", \"payload\": {\"n\": [1, \"text\"]}," \
	" \"metadata\": {\"m\": 1}}, {\"event_type\": \"b\", \"payload\": \"a \\\" b\"}]"

/* The last event of each append and import is in it. */
#define CALL_CONTEXT "{\"filters\": [{\"event_types\": [\"b\"]}]}"

/* In each append and import. */
#define CALL_EVENT_COUNT 2

/* The store that is called, and what a call has to know of it. */
typedef struct tested
{
	const char *url;
	const char *what;			/* for the names of the tests */
	int			other_code;		/* of a failure that says in words that memory lacks; 0: none */
	int			step;			/* every so many allocations one is failed */
	factstr_store *store;		/* the handle that is called */
	uint64_t	head;			/* the newest fact before the call */
	uint64_t	seen;			/* the newest that the stream's handler has had */
	bool		has_gap;		/* it has not had all of them */
	char		key[80];		/* of this call: an idempotency key, or a stream's name */
} tested;

typedef int (*tested_call) (tested *on, factstr_error *error);

static const factstr_event call_events[CALL_EVENT_COUNT] = {
	{"a", "{\"n\": [1, \"text\"]}", "{\"m\": 1}"},
	{"b", "\"a \\\" b\"", NULL}
};

static inline factstr_store *
open_without_failure(const tested *on)
{
	factstr_store *store;
	factstr_error error;

	if (factstr_open(on->url, &store, &error) == FACTSTR_OK)
		return store;
	printf("Bail out! the store cannot be opened: %s\n", error.message);
	exit(2);
}

/*
 * The calls
 */

static int
call_append(tested *on, factstr_error *error)
{
	return factstr_append(on->store, call_events, CALL_EVENT_COUNT, on->key, NULL, error);
}

/* Right only until it has succeeded: a repetition is found by its key. */
static int
call_append_if(tested *on, factstr_error *error)
{
	uint64_t	expected = on->head;

	return factstr_append_if(on->store, call_events, CALL_EVENT_COUNT,
							 CALL_CONTEXT, &expected, on->key, NULL, error);
}

/* A document that says what is wrong: NULL when there is no memory for that either. */
static int
answered(int code, char *result, factstr_error *error)
{
	error->code = code;
	if (result != NULL)
		(void) snprintf(error->message, sizeof(error->message), "%s", result);
	factstr_json_free(result);
	return code;
}

static int
call_json_append(tested *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_append(on->store, CALL_EVENTS, on->key, &result);

	return answered(code, result, error);
}

static int
call_json_append_if(tested *on, factstr_error *error)
{
	char	   *result;
	uint64_t	expected = on->head;
	int			code = factstr_json_append_if(on->store, CALL_EVENTS, CALL_CONTEXT, &expected,
											  on->key, &result);

	return answered(code, result, error);
}

static int
call_import(tested *on, factstr_error *error)
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

	return factstr_import(on->store, &batch, 1, error);
}

static int
call_query(tested *on, factstr_error *error)
{
	factstr_query_result *result;
	int			code = factstr_query(on->store, "{\"filters\": [{\"event_types\": [\"a\"],"
									 " \"payload_predicates\": [{\"n\": [1]}]}]}", &result, error);

	if (code == FACTSTR_OK && (result->fact_count == 0 || result->facts[0].metadata == NULL))
		code = FACTSTR_STORAGE;
	factstr_query_result_free(result);
	return code;
}

static int
call_context_version(tested *on, factstr_error *error)
{
	uint64_t	version;
	int			code = factstr_context_version(on->store, CALL_CONTEXT, &version, error);

	if (code == FACTSTR_OK && version != on->head)
		code = FACTSTR_STORAGE;
	return code;
}

/* To its end. */
static int
call_cursor(tested *on, factstr_error *error)
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

static int
call_batches(tested *on, factstr_error *error)
{
	factstr_batch_list *list;
	int			code = factstr_batches(on->store, "{\"filters\": [{\"event_types\": [\"a\"]}]}", 0,
									   3, &list, error);

	factstr_batch_list_free(list);
	return code;
}

/* Into a store that is there for the moment. */
static int
call_export(tested *on, factstr_error *error)
{
	factstr_batch_list *list;
	factstr_store *other = NULL;
	int			code = factstr_export(on->store, 0, 3, &list, error);

	if (code == FACTSTR_OK && list->batches[0].idempotency_key == NULL)
		code = FACTSTR_STORAGE;
	if (code == FACTSTR_OK)
		code = factstr_open("memory:", &other, error);
	if (code == FACTSTR_OK)
		code = factstr_import(other, list->batches, list->count, error);
	factstr_batch_list_free(list);
	(void) factstr_close(other);
	return code;
}

static int
call_json_query(tested *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_query(on->store, "{\"min_sequence_number\": 1}", &result);

	return answered(code, result, error);
}

static int
take_batch(const factstr_batch *batch, void *context)
{
	tested	   *on = context;

	on->has_gap = on->has_gap || batch->first_sequence_number > on->seen + 1;
	on->seen = batch->last_sequence_number;
	return 0;
}

static int
open_and_free_stream(tested *on, bool transactional, factstr_error *error)
{
	factstr_stream_options options = {.wait = 10000, .transactional = transactional};
	factstr_stream *stream;
	int			code = factstr_stream_all_durable(on->store, on->key, &options, take_batch, on,
												  &stream, error);

	factstr_stream_free(stream);
	return code;
}

static int
call_durable_stream(tested *on, factstr_error *error)
{
	return open_and_free_stream(on, false, error);
}

static int
call_transactional_stream(tested *on, factstr_error *error)
{
	return open_and_free_stream(on, true, error);
}

static int
take_records(const char *event_records, void *context)
{
	static const char key[] = "\"sequence_number\": ";
	tested	   *on = context;
	const char *record = event_records;

	while ((record = strstr(record, key)) != NULL)
	{
		uint64_t	number = strtoull(record + strlen(key), NULL, 10);

		on->has_gap = on->has_gap || number > on->seen + 1;
		on->seen = number;
		record += strlen(key);
	}
	return 0;
}

static int
call_json_stream(tested *on, factstr_error *error)
{
	factstr_stream *stream;
	int			code = factstr_json_stream_to_durable(on->store, on->key, "{\"filters\": []}",
													  take_records, on, &stream, error);

	factstr_stream_free(stream);
	return code;
}

static int
call_live_stream(tested *on, factstr_error *error)
{
	factstr_stream *stream;
	int			code = factstr_stream_to(on->store, "{}", take_batch, on, &stream, error);

	factstr_stream_free(stream);
	return code;
}

static int
call_streams(tested *on, factstr_error *error)
{
	factstr_stream_status_list *list;
	int			code = factstr_streams(on->store, &list, error);

	if (code == FACTSTR_OK && (list->count != 1 || list->streams[0].last_error == NULL))
		code = FACTSTR_STORAGE;
	factstr_stream_status_list_free(list);
	return code;
}

static int
call_json_streams(tested *on, factstr_error *error)
{
	char	   *result;
	int			code = factstr_json_streams(on->store, &result);

	return answered(code, result, error);
}

static int
call_seek(tested *on, factstr_error *error)
{
	return factstr_stream_seek(on->store, "standing", 1, error);
}

static int
call_wait(tested *on, factstr_error *error)
{
	return factstr_wait(on->store, 1, "standing", 0, error);
}

/* The stream is made without a failure; a drop that is repeated may find it gone. */
static int
call_drop(tested *on, factstr_error *error)
{
	int			code = factstr_stream_drop(on->store, "standing", error);

	return code == FACTSTR_NO_SUCH_STREAM ? FACTSTR_OK : code;
}

/*
 * Failing them
 *
 * A handle beside the others keeps the store open: whoever closes it last has more to do, which
 * takes time.
 */

typedef struct outcomes
{
	int			next;			/* the allocation to be failed */
	int			count;			/* so many were failed */
	int			errors;			/* so many of them were told to the caller */
	int			faults;
} outcomes;

static int	errors_of_all_calls;

static void
note_fault(outcomes *so_far, const char *what, int code, const factstr_error *error)
{
	if (so_far->faults++ < 5)
		tap_diagnostic("allocation %d: %s: %d, %s", so_far->next, what, code, error->message);
}

static uint64_t
find_head(factstr_store *store, outcomes *so_far)
{
	uint64_t	version = 0;
	factstr_error error;
	int			code = factstr_context_version(store, "{}", &version, &error);

	if (code != FACTSTR_OK)
		note_fault(so_far, "the log cannot be read", code, &error);
	return version;
}

/* Opening is a call too, without a handle. */
static int
call_open(tested *on, factstr_error *error)
{
	return factstr_open(on->url, &on->store, error);
}

/* A success, or a clear answer. */
static bool
is_clean(const tested *on, int code, const factstr_error *error)
{
	if (code == FACTSTR_OK || error->code != code)
		return code == FACTSTR_OK;
	return code == FACTSTR_NO_MEMORY ||
		(code == on->other_code && strstr(error->message, "memory") != NULL);
}

/*
 * Calls, through a handle that has not been used, and closes that; one of the allocations in it
 * fails.  False if there was none left.
 */
static bool
fail_one(tested *on, tested_call call, outcomes *so_far, int *code, factstr_error *error)
{
	memset(error, 0, sizeof(*error));
	on->store = call == call_open ? NULL : open_without_failure(on);
	allocations_left = so_far->next;
	*code = call(on, error);
	(void) factstr_close(on->store);
	if (allocations_left >= 0)
	{
		allocations_left = -1;
		if (*code != FACTSTR_OK)
			note_fault(so_far, "without a failure", *code, error);
		return false;
	}
	if (*code != FACTSTR_OK)
		so_far->errors++;
	if (!is_clean(on, *code, error))
		note_fault(so_far, "not a clean error", *code, error);
	so_far->count++;
	so_far->next += on->step;
	return true;
}

static void
report(const tested *on, const char *name, const outcomes *all)
{
	(void) tap_ok(all->faults == 0, "%s: %s fails cleanly", on->what, name);
	tap_diagnostic("%d allocations failed, %d errors", all->count, all->errors);
	errors_of_all_calls += all->errors;
}

static void
new_key(tested *on, const char *name, int number)
{
	(void) snprintf(on->key, sizeof(on->key), "%s: %s, %d", on->what, name, number);
}

/* What only looks: the log stays as it is. */
static inline void
fail_reading(tested *on, const char *name, tested_call call)
{
	outcomes	so_far = {0};
	factstr_store *beside = open_without_failure(on);
	factstr_error error;
	int			code;

	on->head = find_head(beside, &so_far);
	do
		new_key(on, name, so_far.next);
	while (fail_one(on, call, &so_far, &code, &error));
	if (find_head(beside, &so_far) != on->head)
		note_fault(&so_far, "the log has changed", 0, &error);
	(void) factstr_close(beside);
	report(on, name, &so_far);
}

/*
 * What appends.  A new handle finds all of it or nothing, and nothing after an error which says
 * that nothing was stored; and with its key it can be repeated.
 */
static inline void
fail_appending(tested *on, const char *name, tested_call call)
{
	outcomes	so_far = {0};
	factstr_store *beside = open_without_failure(on);
	factstr_error error;
	factstr_error again;
	bool		goes_on;
	int			code;

	on->head = find_head(beside, &so_far);
	do
	{
		uint64_t	head;

		new_key(on, name, so_far.next);
		goes_on = fail_one(on, call, &so_far, &code, &error);
		on->store = open_without_failure(on);
		head = find_head(on->store, &so_far);
		if (head != on->head && head != on->head + CALL_EVENT_COUNT)
			note_fault(&so_far, "a part of an append", code, &error);
		if (code == FACTSTR_OK && head == on->head)
			note_fault(&so_far, "the append is lost", code, &error);
		if (code == FACTSTR_NO_MEMORY && head != on->head)
			note_fault(&so_far, "stored all the same", code, &error);
		if ((call != call_import || head == on->head) && call(on, &again) != FACTSTR_OK)
			note_fault(&so_far, "cannot be repeated", again.code, &again);
		if (find_head(on->store, &so_far) != on->head + CALL_EVENT_COUNT)
			note_fault(&so_far, "not stored once", code, &error);
		on->head += CALL_EVENT_COUNT;
		(void) factstr_close(on->store);
	}
	while (goes_on);
	(void) factstr_close(beside);
	report(on, name, &so_far);
}

/* A durable stream from the beginning: whatever fails, opened again it goes on without a gap. */
static inline void
fail_stream(tested *on, const char *name, tested_call call)
{
	outcomes	so_far = {0};
	factstr_store *beside = open_without_failure(on);
	factstr_error error;
	bool		goes_on;
	int			code;

	on->head = find_head(beside, &so_far);
	do
	{
		on->seen = 0;
		new_key(on, name, so_far.next);
		goes_on = fail_one(on, call, &so_far, &code, &error);
		on->store = open_without_failure(on);
		if (call(on, &error) != FACTSTR_OK)
			note_fault(&so_far, "does not go on", error.code, &error);
		if (on->has_gap || on->seen != on->head)
			note_fault(&so_far, "has missed something", code, &error);
		if (factstr_stream_drop(on->store, on->key, &error) != FACTSTR_OK)
			note_fault(&so_far, "cannot be dropped", error.code, &error);
		(void) factstr_close(on->store);
	}
	while (goes_on);
	(void) factstr_close(beside);
	report(on, name, &so_far);
}

static int
refuse_batch(const factstr_batch *batch, void *context)
{
	(void) batch;
	(void) context;
	return 1;
}

/* A stream that stands at the beginning, with words of a failure. */
static inline void
make_standing_stream(const tested *on)
{
	factstr_store *store = open_without_failure(on);
	factstr_stream *stream;

	(void) factstr_stream_all_durable(store, "standing", NULL, refuse_batch, NULL, &stream, NULL);
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

/* Makes the log that is read: as short as can be. */
static inline void
make_log(tested *on)
{
	on->store = open_without_failure(on);
	(void) snprintf(on->key, sizeof(on->key), "first");
	if (call_append(on, NULL) != FACTSTR_OK)
		tap_diagnostic("the first append has failed");
	(void) factstr_close(on->store);
}

/* The calls that append nothing. */
static inline void
fail_reading_calls(tested *on)
{
	fail_reading(on, "opening", call_open);
	fail_reading(on, "a query", call_query);
	fail_reading(on, "a context version", call_context_version);
	fail_reading(on, "a cursor", call_cursor);
	fail_reading(on, "batches", call_batches);
	fail_reading(on, "an export", call_export);
	fail_reading(on, "a query in JSON", call_json_query);
	fail_reading(on, "a live stream", call_live_stream);
	fail_stream(on, "a durable stream", call_durable_stream);
	fail_stream(on, "a transactional stream", call_transactional_stream);

	make_standing_stream(on);
	fail_reading(on, "the streams", call_streams);
	fail_reading(on, "the streams in JSON", call_json_streams);
	fail_reading(on, "a seek", call_seek);
	fail_reading(on, "a wait", call_wait);
	fail_reading(on, "a drop", call_drop);
	fail_stream(on, "a durable stream in JSON", call_json_stream);
}

static inline void
fail_appending_calls(tested *on)
{
	fail_appending(on, "an append", call_append);
	fail_appending(on, "a conditional append", call_append_if);
	fail_appending(on, "an append in JSON", call_json_append);
	fail_appending(on, "a conditional append in JSON", call_json_append_if);
	fail_appending(on, "an import", call_import);
}

/*
 * Every call, with our own allocations failing, then with those of the libraries too.  They make
 * many, of which only some are failed; all of them if the environment says so.
 */
static inline void
fail_all_calls(tested *on, int step_in_libraries, int code_of_libraries)
{
	tested		with_libraries = *on;

	on->what = "own allocations";
	on->step = 1;
	with_libraries.what = "with libraries";
	with_libraries.step = getenv("FACTSTR_EVERY_ALLOCATION") != NULL ? 1 :
		step_in_libraries;
	with_libraries.other_code = code_of_libraries;
	make_log(on);

	fail_reading_calls(on);
	libraries_fail = true;
	fail_reading_calls(&with_libraries);
	libraries_fail = false;
	fail_appending_calls(on);
	libraries_fail = true;
	fail_appending_calls(&with_libraries);
	libraries_fail = false;
	(void) tap_ok(errors_of_all_calls > 100, "many of the failures were told");
}

#endif							/* FACTSTR_FAILING_CALLS_H */
