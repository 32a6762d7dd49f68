/*
 * messages.c
 *		What goes to stderr.
 *
 * What has been printed on stdout goes out first, so that on a terminal both are in order.
 */
#include <stdarg.h>
#include <stdio.h>

#include "messages.h"
#include "progress.h"

static void
cli_begin_message(void)
{
	cli_progress_clear();
	(void) fflush(stdout);
}

cli_status
cli_fail_at(const char *place, const factstr_error *error)
{
	cli_begin_message();
	if (place != NULL)
		fprintf(stderr, "factstr: %s: %s\n", place, error->message);
	else
		fprintf(stderr, "factstr: %s\n", error->message);
	if (error->detail[0] != '\0')
		fprintf(stderr, "  detail: %s\n", error->detail);
	if (error->hint[0] != '\0')
		fprintf(stderr, "  hint: %s\n", error->hint);
	return error->code == FACTSTR_CONFLICT ? CLI_CONFLICT : CLI_FAILED;
}

cli_status
cli_fail(const factstr_error *error)
{
	return cli_fail_at(NULL, error);
}

cli_status
cli_fail_with(const char *format,...)
{
	va_list		arguments;

	cli_begin_message();
	fputs("factstr: ", stderr);
	va_start(arguments, format);
	(void) vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return CLI_FAILED;
}

void
cli_hint(const char *format,...)
{
	va_list		arguments;

	fputs("  hint: ", stderr);
	va_start(arguments, format);
	(void) vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

cli_status
cli_fail_no_memory(void)
{
	return cli_fail_with("out of memory");
}
