/*
 * output.c
 *		Output on stdout, or to a file instead.
 *
 * SIGPIPE is ignored (main.c), so a reader that has gone away shows as EPIPE.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "output.h"
#include "text.h"

static FILE *cli_file;			/* NULL: stdout */
static const char *cli_file_name;
static int	cli_write_errno;	/* why printing failed; 0: it has not */

static FILE *
cli_output(void)
{
	return cli_file != NULL ? cli_file : stdout;
}

static bool
cli_written(bool success)
{
	if (!success && cli_write_errno == 0)
		cli_write_errno = errno != 0 ? errno : EIO;
	return cli_write_errno == 0;
}

/*
 * A payload is printed as it was given, and may have been given on several lines.  Inside of
 * strings a line cannot end, and outside of them all blanks are equal.
 */
static void
cli_flatten(char *text, size_t length)
{
	char	   *end = text + length;

	if (length == 0)
		return;
	for (char *c = text; (c = memchr(c, '\n', (size_t) (end - c))) != NULL; c++)
		*c = ' ';
	for (char *c = text; (c = memchr(c, '\r', (size_t) (end - c))) != NULL; c++)
		*c = ' ';
}

bool
cli_print_as_it_is(fs_buffer *text)
{
	bool		success;

	fs_buffer_append(text, "\n", 1);
	if (text->no_memory)
		return cli_written((errno = ENOMEM, false));
	errno = 0;
	success = fwrite(text->data, 1, text->length, cli_output()) == text->length;
	text->length = 0;
	return cli_written(success);
}

bool
cli_print(fs_buffer *line)
{
	if (!line->no_memory)
		cli_flatten(line->data, line->length);
	return cli_print_as_it_is(line);
}

bool
cli_print_text(const char *text)
{
	fs_buffer	line = {0};
	bool		success;

	fs_buffer_append_text(&line, text);
	success = cli_print(&line);
	free(line.data);
	return success;
}

bool
cli_flush(void)
{
	errno = 0;
	return cli_written(fflush(cli_output()) == 0);
}

bool
cli_output_to(const char *name, bool to_append, bool replace)
{
	int			flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	int			descriptor;

	flags |= to_append ? O_APPEND : replace ? O_TRUNC : O_EXCL;
	descriptor = open(name, flags, 0666);
	cli_file = descriptor < 0 ? NULL : fdopen(descriptor, to_append ? "a" : "w");
	if (cli_file != NULL)
	{
		cli_file_name = name;
		return true;
	}
	(void) cli_fail_with("cannot write \"%s\": %s", name, strerror(errno));
	if (errno == EEXIST)
		cli_hint("--resume continues at its end, --force replaces it.");
	if (descriptor >= 0)
		(void) close(descriptor);
	return false;
}

/* A file is there to be relied on: it is on disk before the command ends. */
static void
cli_close_output(void)
{
	errno = 0;
	(void) cli_flush();
	if (cli_file == NULL)
		return;
	errno = 0;
	(void) cli_written(fsync(fileno(cli_file)) == 0 || errno == EINVAL || errno == EROFS);
	errno = 0;
	(void) cli_written(fclose(cli_file) == 0);
	cli_file = NULL;
}

/* A reader that has gone away is no failure. */
static bool
cli_output_failed(void)
{
	return cli_write_errno != 0 && cli_write_errno != EPIPE;
}

cli_status
cli_output_end(cli_status status)
{
	cli_close_output();
	if (!cli_output_failed())
		return status;
	return cli_fail_with("cannot write \"%s\": %s",
						 cli_file_name != NULL ? cli_file_name : "stdout",
						 strerror(cli_write_errno));
}

cli_status
cli_output_end_of_append(cli_status status, uint64_t batches)
{
	cli_status	ended = cli_output_end(status);
	char		text[CLI_BATCHES_SIZE];

	if (status == CLI_DONE && cli_output_failed())
		cli_hint("The events are stored: %s.", cli_format_batches(batches, text));
	return ended;
}
