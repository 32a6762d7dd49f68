/*
 * error.c
 *		Filling the caller's error, and the words of the errors that several stores share.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "utf8.h"

/* A text that did not fit loses its end, but never half a character. */
static void __attribute__((format(printf, 3, 0)))
fs_format(char *text, size_t size, const char *format, va_list arguments)
{
	int			length = vsnprintf(text, size, format, arguments);

	if (length < 0)
		text[0] = '\0';
	else if ((size_t) length >= size)
		text[fs_utf8_cut(text, size - 1)] = '\0';
	fs_utf8_clean(text);
}

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
	va_start(arguments, format);
	fs_format(error->message, sizeof(error->message), format, arguments);
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
	fs_format(error->detail, sizeof(error->detail), format, arguments);
	va_end(arguments);
}

void
fs_error_hint(factstr_error *error, const char *format,...)
{
	va_list		arguments;

	if (error == NULL)
		return;
	va_start(arguments, format);
	fs_format(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
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

static const char *
fs_version_words(uint64_t version, char *words, size_t size)
{
	if (version == 0)
		return "empty";
	(void) snprintf(words, size, "at version %" PRIu64, version);
	return words;
}

int
fs_error_conflict(factstr_error *error, uint64_t expected_context_version,
				  uint64_t actual_context_version)
{
	char		expected[40];
	char		actual[40];

	(void) fs_error(error, FACTSTR_CONFLICT, "conditional append conflict");
	fs_error_detail(error, "The context was expected to be %s, and is %s.",
					fs_version_words(expected_context_version, expected, sizeof(expected)),
					fs_version_words(actual_context_version, actual, sizeof(actual)));
	fs_error_hint(error,
				  "Query the context again, decide again, and append with its current version.");
	if (error != NULL)
	{
		error->expected_context_version = expected_context_version;
		error->actual_context_version = actual_context_version;
	}
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
fs_error_no_such_stream(factstr_error *error, const char *name)
{
	(void) fs_error(error, FACTSTR_NO_SUCH_STREAM, "durable stream \"%s\" does not exist", name);
	fs_error_hint(error, "Opening a durable stream makes it.");
	return FACTSTR_NO_SUCH_STREAM;
}

int
fs_error_idempotency_key_reused(factstr_error *error)
{
	(void) fs_error(error, FACTSTR_IDEMPOTENCY_KEY_REUSED, "idempotency key reused");
	fs_error_detail(error, "The key belongs to a batch whose events differ.");
	fs_error_hint(error,
				  "Repeat a call with its own events, and give each new append a key of its own.");
	return FACTSTR_IDEMPOTENCY_KEY_REUSED;
}
