/*
 * messages.c
 *		Messages on stderr.
 *
 * The output on stdout is flushed first, so that on a terminal both are in order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "progress.h"
#include "secrets.h"
#include "text.h"

static void
cli_begin_message(void)
{
	cli_progress_clear();
	(void) fflush(stdout);
}

/* Messages quote names that others have given. */
static void
cli_put(const char *beginning, const char *text, const char *end)
{
	fs_buffer	line = {0};

	cli_add_visible(&line, text);
	fs_buffer_append(&line, "", 1);
	fprintf(stderr, "%s%s%s", beginning, line.no_memory ? "out of memory" : line.data, end);
	free(line.data);
}

/* A message may quote arguments, among them URLs. */
static void
cli_put_message(const char *beginning, const char *text, const char *end)
{
	const char *secret = cli_find_secret(text);
	char	   *told = secret == NULL ? NULL : strndup(text, (size_t) (secret - text));

	if (secret == NULL)
		cli_put(beginning, text, end);
	else
	{
		cli_put(beginning, told != NULL ? told : "", "...");
		fputs(end, stderr);
	}
	free(told);
}

void
cli_message_line(const char *beginning, const char *format, va_list arguments)
{
	char	   *text;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	cli_put_message(beginning, text != NULL ? text : "out of memory", "\n");
	free(text);
}

cli_status
cli_fail_at(const char *place, const factstr_error *error)
{
	cli_begin_message();
	fputs("factstr: ", stderr);
	if (place != NULL)
		cli_put_message("", place, ": ");
	cli_put_message("", error->message, "\n");
	if (error->detail[0] != '\0')
		cli_put("  detail: ", error->detail, "\n");
	if (error->hint[0] != '\0')
		cli_put("  hint: ", error->hint, "\n");
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
	va_start(arguments, format);
	cli_message_line("factstr: ", format, arguments);
	va_end(arguments);
	return CLI_FAILED;
}

void
cli_hint(const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	cli_message_line("  hint: ", format, arguments);
	va_end(arguments);
}

cli_status
cli_fail_no_memory(void)
{
	return cli_fail_with("out of memory");
}
