/*
 * calls.c
 *		See calls.h.  No call waits longer than its work takes, since it may have one of the few threads that
 *		all of a program's calls share: waiting is left to JavaScript, which can do something else meanwhile.
 */
#include "calls.h"

#include "sql.h"

#include <stdlib.h>
#include <string.h>

static const fn_kind kinds[] = {
#define FN_CALL_KIND(NAME, kind) [FN_##NAME] = kind,
	FN_CALLS(FN_CALL_KIND)
#undef FN_CALL_KIND
};

static void
fail(fn_call *call, int code, const char *document)
{
	call->code = code;
	call->result = strdup(document);
}

/* The handle of what has been opened; without memory for it, nothing is open. */
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
	fn_call_free_result(call);
	fail(call, FACTSTR_NO_MEMORY, "{\"code\": \"out_of_memory\", \"message\": \"out of memory\"}");
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

/* Without a handler: batches are asked for, and no thread of the library ever waits for JavaScript. */
static void
open_stream(fn_call *call, factstr_store *store)
{
	factstr_stream *stream = NULL;

	call->code = factstr_json_stream_open(store, call->texts[0], call->texts[1], NULL, NULL, NULL, NULL,
										  call->texts[2], &stream, &call->result);
	keep(call, FN_STREAM, stream, call->handle);
}

static int
call_store(fn_call *call, factstr_store *store)
{
	const char *const *texts = call->texts;
	char	  **result = &call->result;

	switch (call->name)
	{
		case FN_APPEND:
			return factstr_json_append(store, texts[0], texts[1], result);
		case FN_QUERY:
			return factstr_json_query(store, texts[0], result);
		case FN_NEWEST:
			return factstr_json_newest(store, texts[0], result);
		case FN_CONTEXT_VERSION:
			return factstr_json_context_version(store, texts[0], result);
		case FN_BATCHES:
			return factstr_json_batches(store, texts[0], call->number, call->count, result);
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
			return factstr_json_stream_next(stream, call->count, 0, &call->result);
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
			return factstr_json_read_next(object, call->count, &call->result);
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
		fail(call, FACTSTR_MISUSE, "{\"code\": \"misuse\", \"message\": \"the call has no store\"}");
	else if (call->name == FN_CLOSE)
		call->code = fn_handle_close(call->handle);
	else if ((object = fn_handle_enter(call->handle, kinds[call->name])) == NULL)
		fail(call, FACTSTR_CLOSED, "{\"code\": \"closed\", \"message\": \"the store or stream is closed\"}");
	else
	{
		call->code = call_object(call, object);
		fn_handle_leave(call->handle);
	}
}

void
fn_call_free_result(fn_call *call)
{
	factstr_json_free(call->result);
	call->result = NULL;
}
