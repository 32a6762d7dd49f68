/*
 * calls.c
 *		See calls.h.  A call never waits for an event, since it may occupy one of the few threads that all calls of
 *		a program share.  JavaScript waits instead, and can do other work meanwhile.
 */
#include "calls.h"

#include "errors.h"
#include "sql.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const fn_kind kinds[] = {
#define FN_CALL_KIND(NAME, kind) [FN_##NAME] = (kind),
	FN_CALLS(FN_CALL_KIND)
#undef FN_CALL_KIND
};

/* The replacement for a character that a text cannot contain, such as half of a surrogate pair. */
#define REPLACEMENT "\xEF\xBF\xBD"

void
fn_call_begin(fn_call *call)
{
	memset(call, 0, offsetof(fn_call, few_events));
}

static void
free_result(fn_call *call)
{
	factstr_json_free(call->result);
	call->result = NULL;
}

void
fn_call_end(fn_call *call)
{
	for (int i = 0; i < FN_TEXTS; i++)
		if (call->texts[i] < call->short_texts || call->texts[i] >= call->short_texts + FN_SHORT_TEXTS)
			free(call->texts[i]);
	if (call->events != call->few_events)
		free(call->events);
	free_result(call);
	fn_handle_release(call->opened);
	fn_found_free(&call->found);
}

static void
fail(fn_call *call, int code, const char *message)
{
	call->code = code;
	call->result = fn_failure_document(code, message, NULL);
}

/* Makes the handle of an opened object.  Without memory for it, the object is closed again. */
static void
keep(fn_call *call, fn_kind kind, void *object, fn_handle *store)
{
	if (call->code != FACTSTR_OK)
		return;
	call->opened = fn_handle_new(kind, object, store);
	if (call->opened != NULL)
		return;
	if (kind == FN_STORE)
		(void) factstr_close(object, 0);
	else if (kind == FN_STREAM)
		(void) factstr_stream_close(object, 0);
	else
		factstr_read_close(object);
	free_result(call);
	fail(call, FACTSTR_NO_MEMORY, "out of memory");
}

static void
open_store(fn_call *call)
{
	factstr_store *store = NULL;

	call->code = factstr_json_open(call->texts[0], &store, &call->result);
	keep(call, FN_STORE, store, NULL);
}

static void
open_cursor(fn_call *call, factstr_store *store)
{
	factstr_cursor *cursor = NULL;

	call->code = factstr_json_read_open(store, call->texts[0], call->texts[1], &cursor, &call->result);
	keep(call, FN_CURSOR, cursor, call->handle);
}

/* Opens a stream without a handler: batches are pulled, so no thread of the library ever waits for JavaScript. */
static void
open_stream(fn_call *call, factstr_store *store)
{
	factstr_stream *stream = NULL;

	call->code = factstr_json_stream_open(store, call->texts[0], call->texts[1], NULL, NULL, NULL, NULL,
										  call->texts[2], &stream, &call->result);
	keep(call, FN_STREAM, stream, call->handle);
}

/*
 * Appends
 */

/* The next text of several; NULL after the last. */
static const char *
next_text(const char **next, const char *end)
{
	const char *text = *next;

	if (text > end)
		return NULL;
	*next = text + strlen(text) + 1;
	return text;
}

static bool
find_event(factstr_event *event, const char **next, const char *end)
{
	const char *type = next_text(next, end);
	const char *payload = next_text(next, end);
	const char *metadata = next_text(next, end);

	if (metadata == NULL || strstr(type, REPLACEMENT) != NULL)
		return false;
	*event = (factstr_event) {.event_type = type, .payload = payload, .metadata = *metadata == '\0' ? NULL : metadata};
	return true;
}

int
fn_call_find_events(fn_call *call)
{
	const char *next = call->texts[0];
	const char *end = next == NULL ? NULL : next + call->lengths[0];

	if (next == NULL || call->count == 0 || call->count > call->lengths[0])
		return FACTSTR_MALFORMED;
	call->events = call->count <= FN_FEW_EVENTS ? call->few_events : malloc(call->count * sizeof(factstr_event));
	if (call->events == NULL)
		return FACTSTR_NO_MEMORY;
	for (size_t i = 0; i < call->count; i++)
		if (!find_event(&call->events[i], &next, end))
			return FACTSTR_MALFORMED;
	return next == end + 1 ? FACTSTR_OK : FACTSTR_MALFORMED;
}

/* Texts: the events, the query of the condition, an idempotency key.  The number belongs to the condition. */
static int
append(fn_call *call, factstr_store *store, factstr_append_condition condition)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;
	int			code;

	options.condition = condition;
	options.context_query = call->texts[1];
	options.idempotency_key = call->texts[2];
	if (condition == FACTSTR_APPEND_IF)
		options.expected_context_version = call->number;
	else if (condition == FACTSTR_APPEND_UNLESS)
		options.after_sequence_number = call->number;
	code = factstr_append(store, call->events, call->count, &options, &result, &error);
	if (code != FACTSTR_OK)
		call->result = fn_error_document(code, &error, condition);
	else
	{
		call->numbers[0] = result.first_sequence_number;
		call->numbers[1] = result.last_sequence_number;
		call->numbers[2] = result.committed_count;
	}
	return code;
}

/*
 * Reading
 */

static int
done(fn_call *call, int code, const factstr_error *error)
{
	if (code != FACTSTR_OK)
		call->result = fn_error_document(code, error, FACTSTR_APPEND_ALWAYS);
	return code;
}

static int
query(fn_call *call, factstr_store *store)
{
	factstr_query_result *result;
	factstr_error error;
	int			code = factstr_query(store, call->texts[0], &result, &error);

	if (code == FACTSTR_OK)
	{
		call->found = fn_found_in_query(result);
		call->numbers[0] = result->last_returned_sequence_number;
		call->numbers[1] = result->current_context_version;
	}
	return done(call, code, &error);
}

static int
context_version(fn_call *call, factstr_store *store)
{
	factstr_error error;

	return done(call, factstr_context_version(store, call->texts[0], &call->numbers[0], &error), &error);
}

static int
batches(fn_call *call, factstr_store *store)
{
	factstr_batch_list *list;
	factstr_error error;
	int			code = factstr_batches(store, call->texts[0], call->number, call->count, &list, &error);

	if (code == FACTSTR_OK)
		call->found = fn_found_in_list(list);
	return done(call, code, &error);
}

static int
next_batches(fn_call *call, factstr_stream *stream)
{
	factstr_batch_list *list;
	factstr_error error;
	int			code = factstr_stream_next(stream, call->count, 0, &list, &error);

	if (code == FACTSTR_OK)
		call->found = fn_found_in_list(list);
	return done(call, code, &error);
}

static int
next_facts(fn_call *call, factstr_cursor *cursor)
{
	factstr_error error;

	return done(call, fn_found_at_cursor(cursor, call->count, &call->found, &error), &error);
}

static int
call_store(fn_call *call, factstr_store *store)
{
	char	  **texts = call->texts;
	char	  **result = &call->result;

	switch (call->name)
	{
		case FN_APPEND:
			return append(call, store, FACTSTR_APPEND_ALWAYS);
		case FN_APPEND_IF:
			return append(call, store, FACTSTR_APPEND_IF);
		case FN_APPEND_UNLESS:
			return append(call, store, FACTSTR_APPEND_UNLESS);
		case FN_APPEND_JSON:
			return factstr_json_append(store, texts[0], texts[1], result);
		case FN_QUERY:
			return query(call, store);
		case FN_NEWEST:
			return factstr_json_newest(store, texts[0], result);
		case FN_CONTEXT_VERSION:
			return context_version(call, store);
		case FN_BATCHES:
			return batches(call, store);
		case FN_EXPORT:
			return factstr_json_export(store, call->number, call->count, result);
		case FN_IMPORT:
			return factstr_json_import(store, texts[0], result);
		case FN_IMPORT_REDACTIONS:
			return factstr_json_import_redactions(store, texts[0], result);
		case FN_REDACT:
			return factstr_json_redact(store, call->number, texts[0], texts[1], texts[2], result);
		case FN_REDACTIONS:
			return factstr_json_redactions(store, call->number, call->count, result);
		case FN_STREAMS:
			return factstr_json_streams(store, result);
		case FN_STREAM_SEEK:
			return factstr_json_stream_seek(store, texts[0], call->number, result);
		case FN_STREAM_DROP:
			return factstr_json_stream_drop(store, texts[0], result);
		case FN_WAIT:
			return factstr_json_wait(store, texts[0], call->number, 0, result);
		case FN_LOGS:
			return factstr_json_logs(store, result);
		case FN_CREATE_LOG:
			return factstr_json_create_log(store, texts[0], result);
		case FN_SEAL_LOG:
			return factstr_json_seal_log(store, texts[0], result);
		case FN_DROP_LOG:
			return factstr_json_drop_log(store, texts[0], texts[1], result);
		case FN_READ_OPEN:
			open_cursor(call, store);
			return call->code;
		case FN_STREAM_OPEN:
			open_stream(call, store);
			return call->code;
		default:
			return FACTSTR_MISUSE;
	}
}

static int
call_stream(fn_call *call, factstr_stream *stream)
{
	switch (call->name)
	{
		case FN_STREAM_NEXT:
			return next_batches(call, stream);
		case FN_STREAM_ACK:
			return factstr_json_stream_ack(stream, call->number, &call->result);
		case FN_STREAM_FAIL:
			return factstr_json_stream_fail(stream, call->texts[0], &call->result);
		default:
			return FACTSTR_MISUSE;
	}
}

static int
call_object(fn_call *call, void *object)
{
	switch (kinds[call->name])
	{
		case FN_STREAM:
			return call_stream(call, object);
		case FN_CURSOR:
			return next_facts(call, object);
		case FN_STORE:
			break;
	}
	return call_store(call, object);
}

void
fn_call_make(fn_call *call)
{
	void	   *object;

	if (call->name == FN_OPEN)
		open_store(call);
	else if (call->name == FN_EXECUTE_SQL)
		call->code = fn_execute_sql(call->texts[0], call->texts[1], &call->result);
	else if (call->handle == NULL)
		fail(call, FACTSTR_MISUSE, "the call has no store");
	else if (call->name == FN_CLOSE)
		call->code = fn_handle_close(call->handle);
	else if ((object = fn_handle_enter(call->handle, kinds[call->name])) == NULL)
		fail(call, FACTSTR_CLOSED, "the store or stream is closed");
	else
	{
		call->code = call_object(call, object);
		fn_handle_leave(call->handle);
	}
}
