/*
 * results/error.c
 *		Filling the caller's error, and the words of the errors that several stores share.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"
#include "results/error.h"

int
fs_error(factstr_error *error, factstr_code code, const char *format,...)
{
	va_list		arguments;

	if (error == NULL)
		return code;
	error->code = code;
	error->detail[0] = '\0';
	error->hint[0] = '\0';
	error->expected_context_version = 0;
	error->actual_context_version = 0;
	error->after_sequence_number = 0;
	memset(error->reserved, 0, sizeof(error->reserved));
	va_start(arguments, format);
	fs_utf8_format(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return code;
}

void
fs_error_detail(factstr_error *error, const char *format,...)
{
	va_list		arguments;

	if (error == NULL)
		return;
	va_start(arguments, format);
	fs_utf8_format(error->detail, sizeof(error->detail), format, arguments);
	va_end(arguments);
}

void
fs_error_hint(factstr_error *error, const char *format,...)
{
	va_list		arguments;

	if (error == NULL)
		return;
	va_start(arguments, format);
	fs_utf8_format(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
}

int
factstr_error_set(factstr_error *error, int code, const char *message)
{
	if (error == NULL)
		return code;
	(void) fs_error(error, FACTSTR_OK, "%s", message == NULL ? "" : message);
	error->code = code;
	return code;
}

/* The handler may have written anything, without an end even. */
static bool
fs_words_are_good(const char *words, size_t size)
{
	size_t		length = strnlen(words, size);

	return length > 0 && length < size && fs_utf8_is_valid(words, length);
}

int
fs_error_of_handler(factstr_error *error, int result, const factstr_error *words)
{
	if (!fs_words_are_good(words->message, sizeof(words->message)))
		return fs_error(error, FACTSTR_HANDLER_FAILED, "the handler returned %d", result);
	(void) fs_error(error, FACTSTR_HANDLER_FAILED, "%s", words->message);
	if (fs_words_are_good(words->detail, sizeof(words->detail)))
		fs_error_detail(error, "%s", words->detail);
	else
		fs_error_detail(error, "The handler returned %d (%s).", result, factstr_code_name(result));
	if (fs_words_are_good(words->hint, sizeof(words->hint)))
		fs_error_hint(error, "%s", words->hint);
	return FACTSTR_HANDLER_FAILED;
}

int
fs_error_no_memory(factstr_error *error)
{
	return fs_error(error, FACTSTR_NO_MEMORY, "out of memory");
}

int
fs_error_misuse_null(factstr_error *error, const char *argument)
{
	return fs_error(error, FACTSTR_MISUSE, "%s must not be NULL", argument);
}

int
fs_error_conflict(factstr_error *error, uint64_t actual_context_version)
{
	(void) fs_error(error, FACTSTR_CONFLICT, "conditional append conflict");
	if (error != NULL)
		error->actual_context_version = actual_context_version;
	return FACTSTR_CONFLICT;
}

int
fs_error_of_input(factstr_error *error, const char *what, const fs_input_error *input_error)
{
	switch (input_error->code)
	{
		case FS_INPUT_EMPTY_APPEND:
			return fs_error(error, FACTSTR_EMPTY_APPEND, "%s", input_error->message);
		case FS_INPUT_NO_MEMORY:
			return fs_error_no_memory(error);
		case FS_INPUT_OK:
		case FS_INPUT_MALFORMED:
			break;
	}
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid %s at %s: %s", what, input_error->path,
					input_error->message);
	if (input_error->expected != NULL)
		fs_error_detail(error, "%s", input_error->expected);
	return FACTSTR_MALFORMED;
}

int
fs_error_of_call(factstr_error *error, fs_call_state state)
{
	switch (state)
	{
		case FS_CALL_GOES_ON:
			break;
		case FS_CALL_IS_CLOSED:
			return fs_error(error, FACTSTR_CLOSED, "the store is being closed");
		case FS_CALL_IS_INTERRUPTED:
			return fs_error(error, FACTSTR_INTERRUPTED, "the call was interrupted");
	}
	return FACTSTR_OK;
}

int
fs_error_of_completion(factstr_error *error, fs_completion completion)
{
	switch (completion)
	{
		case FS_COMPLETED:
			break;
		case FS_NO_MEMORY:
			return fs_error_no_memory(error);
		case FS_INTERRUPTED:
			return fs_error_of_call(error, fs_current_call_state());
	}
	return FACTSTR_OK;
}

int
fs_error_stream_active(factstr_error *error, const char *name)
{
	(void) fs_error(error, FACTSTR_STREAM_ACTIVE, "durable stream \"%s\" is already active", name);
	fs_error_hint(error, "End its other consumer, or open it with an option to wait for that.");
	return FACTSTR_STREAM_ACTIVE;
}

int
fs_error_stream_query_differs(factstr_error *error, const char *name)
{
	(void) fs_error(error, FACTSTR_STREAM_QUERY_DIFFERS,
					"durable stream \"%s\" has a different query", name);
	fs_error_hint(error,
				  "Open it with its own query, or choose another name, or drop the stream first.");
	return FACTSTR_STREAM_QUERY_DIFFERS;
}

int
fs_error_is_partition(factstr_error *error, const char *name)
{
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid name: durable stream \"%s\" is a partition", name);
	fs_error_hint(error, "Partitions stay together: use the name that they share.");
	return FACTSTR_MALFORMED;
}

int
fs_error_no_such_stream(factstr_error *error, const char *name)
{
	(void) fs_error(error, FACTSTR_NO_SUCH_STREAM, "durable stream \"%s\" does not exist", name);
	fs_error_hint(error, "Open a durable stream to create it.");
	return FACTSTR_NO_SUCH_STREAM;
}

int
fs_error_idempotency_key_reused(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_IDEMPOTENCY_KEY_REUSED, "idempotency key reused");
	fs_error_detail(error, "The key belongs to a batch whose events differ.");
	fs_error_hint(error,
				  "Repeat a call with its own events, and give each new append a new key.");
	return FACTSTR_IDEMPOTENCY_KEY_REUSED;
}

int
fs_error_no_such_fact(factstr_error *error, uint64_t sequence_number)
{
	return fs_error(error, FACTSTR_MALFORMED,
					"invalid sequence_number: there is no fact %" PRIu64, sequence_number);
}

int
fs_error_other_fact(factstr_error *error, uint64_t sequence_number)
{
	(void) fs_error(error, FACTSTR_MALFORMED,
					"invalid batch: fact %" PRIu64 " is a different fact here", sequence_number);
	fs_error_detail(error, "Its type or its time differs, so the batch belongs to another log.");
	return FACTSTR_MALFORMED;
}
