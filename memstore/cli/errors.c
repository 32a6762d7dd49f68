/*
 * errors.c
 *		Errors that the command itself detects, in the form of the library's errors.
 */
#include <stdarg.h>

#include "base/utf8.h"
#include "errors.h"

int
cli_error(factstr_error *error, int code, const char *format,...)
{
	va_list		arguments;

	*error = (factstr_error) {.code = code};
	va_start(arguments, format);
	fs_utf8_format(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return code;
}

void
cli_error_detail(factstr_error *error, const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	fs_utf8_format(error->detail, sizeof(error->detail), format, arguments);
	va_end(arguments);
}

void
cli_error_hint(factstr_error *error, const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	fs_utf8_format(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
}

int
cli_error_no_memory(factstr_error *error)
{
	return cli_error(error, FACTSTR_NO_MEMORY, "out of memory");
}
