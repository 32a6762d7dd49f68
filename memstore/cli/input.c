/*
 * input.c
 *		Reading a file, or stdin, line by line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_text.h"
#include "input.h"
#include "messages.h"
#include "options.h"
#include "signals.h"

#define CLI_BYTE_ORDER_MARK "\xEF\xBB\xBF"

bool
cli_input_open(cli_input *input, const char *name)
{
	struct stat status;

	*input = (cli_input) {.file = stdin, .name = "stdin"};
	if (name != NULL && strcmp(name, "-") != 0)
	{
		input->name = name;
		input->file = fopen(name, "re");
		if (input->file == NULL)
		{
			(void) cli_fail_with("cannot open \"%s\": %s", name, strerror(errno));
			if (strchr("{[", name[strspn(name, " \t\r\n")]) != NULL)
				cli_hint("Input comes from a file or from standard input: echo '...' | factstr %s",
						 cli_running_name());
			return false;
		}
	}
	if (fstat(fileno(input->file), &status) == 0 && S_ISREG(status.st_mode))
		input->size = (uint64_t) status.st_size;
	return true;
}

static bool
cli_input_fail(cli_input *input)
{
	(void) cli_fail_with("cannot read \"%s\": %s", input->name, strerror(errno));
	input->failed = true;
	return false;
}

/* A signal has asked for it; a partly read line is dropped. */
static bool
cli_input_stop(cli_input *input)
{
	(void) cli_fail_with("interrupted");
	input->failed = true;
	return false;
}

/* Editors of other systems begin a file with one. */
static void
cli_drop_byte_order_mark(cli_input *input)
{
	size_t		length = strlen(CLI_BYTE_ORDER_MARK);

	if (strncmp(input->line, CLI_BYTE_ORDER_MARK, length) != 0)
		return;
	input->length -= length;
	memmove(input->line, input->line + length, input->length + 1);
}

/* The next line, blank or not. */
static bool
cli_input_line(cli_input *input)
{
	ssize_t		length = -1;

	errno = 0;
	if (!cli_is_stopping())
		length = getline(&input->line, &input->capacity, input->file);
	if (length < 0 && cli_is_stopping())
		return cli_input_stop(input);
	if (length < 0)
		return feof(input->file) ? false : cli_input_fail(input);
	input->length = (size_t) length;
	input->bytes_read += input->length;
	input->line_number++;
	if (input->line_number == 1)
		cli_drop_byte_order_mark(input);
	if (strlen(input->line) == input->length)
		return true;
	(void) cli_fail_with("%s:%" PRIu64 ": the line has a NUL byte", input->name,
						 input->line_number);
	input->failed = true;
	return false;
}

bool
cli_input_next(cli_input *input)
{
	while (cli_input_line(input))
	{
		if (input->line[strspn(input->line, " \t\r\n")] != '\0')
			return true;
	}
	return false;
}

bool
cli_input_rest(cli_input *input, fs_buffer *text)
{
	while (cli_input_line(input))
		fs_buffer_append(text, input->line, input->length);
	return !input->failed;
}

void
cli_input_close(cli_input *input)
{
	if (input->file != NULL && input->file != stdin)
		(void) fclose(input->file);
	free(input->line);
	input->line = NULL;
	input->file = NULL;
}

char *
cli_input_place(const cli_input *input, uint64_t line_number, char *place)
{
	(void) snprintf(place, CLI_PLACE_SIZE, "%s:%" PRIu64, input->name, line_number);
	return place;
}

char *
cli_read_file(const char *name)
{
	cli_input	input;
	fs_buffer	text = {0};
	bool		complete;
	char	   *finished;

	if (!cli_input_open(&input, name))
		return NULL;
	complete = cli_input_rest(&input, &text);
	cli_input_close(&input);
	finished = fs_finish_text(&text);
	if (finished == NULL)
		(void) cli_fail_no_memory();
	if (complete)
		return finished;
	free(finished);
	return NULL;
}
