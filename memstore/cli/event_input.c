/*
 * event_input.c
 *		Events to be appended: one JSON array, or NDJSON, which is an event a line.
 *
 * Lines become the elements of an array as they are.  Each of them must be one complete value, so half an
 * event, or two events, on one line are errors.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "event_input.h"
#include "json_result.h"
#include "messages.h"

bool
cli_event_input_open(cli_event_input *input, const char *name, uint64_t lines_per_batch)
{
	*input = (cli_event_input) {.lines_per_batch = lines_per_batch};
	return cli_input_open(&input->input, name);
}

void
cli_event_input_close(cli_event_input *input)
{
	cli_input_close(&input->input);
	free(input->events.data);
	input->events = (fs_buffer) {0};
}

static bool
cli_event_input_fail(cli_event_input *input)
{
	input->input.failed = true;
	return false;
}

/* Looks at the first line that is not blank. */
static bool
cli_begin_events(cli_event_input *input)
{
	const char *first;

	input->has_begun = true;
	if (!cli_input_next(&input->input))
	{
		input->at_end = true;
		return !input->input.failed;
	}
	first = input->input.line + strspn(input->input.line, " \t\r\n");
	input->is_array = *first == '[';
	input->is_pending = true;
	return true;
}

static bool
cli_finish_events(cli_event_input *input)
{
	fs_buffer_append(&input->events, "", 1);
	if (!input->events.no_memory)
		return true;
	(void) cli_fail_no_memory();
	return cli_event_input_fail(input);
}

/* The rest of the input is the array.  Blank lines before it keep its line numbers right. */
static bool
cli_read_array(cli_event_input *input)
{
	input->at_end = true;
	input->first_line = 1;
	for (uint64_t line = 1; line < input->input.line_number; line++)
		fs_buffer_append(&input->events, "\n", 1);
	fs_buffer_append(&input->events, input->input.line, input->input.length);
	return cli_input_rest(&input->input, &input->events) && cli_finish_events(input);
}

/* The next line with an event is in input->input. */
static bool
cli_fetch_line(cli_event_input *input)
{
	if (input->is_pending)
		input->is_pending = false;
	else if (!input->at_end && !cli_input_next(&input->input))
		input->at_end = true;
	return !input->at_end;
}

static bool
cli_add_line(cli_event_input *input)
{
	char		place[CLI_PLACE_SIZE];

	if (!fs_json_is_one_value(input->input.line))
	{
		(void) cli_fail_with("%s: the line is not one JSON value",
							 cli_input_place(&input->input, input->input.line_number, place));
		cli_hint("Write an event on one line, or all of them as one JSON array.");
		return cli_event_input_fail(input);
	}
	if (input->line_count == 0)
	{
		fs_buffer_append_text(&input->events, "[");
		input->first_line = input->input.line_number;
	}
	else
	{
		fs_buffer_append_text(&input->events, ",\n");
		while (++input->last_line < input->input.line_number)
			fs_buffer_append_text(&input->events, "\n");
	}
	input->last_line = input->input.line_number;
	fs_buffer_append(&input->events, input->input.line, input->input.length);
	input->line_count++;
	return true;
}

static bool
cli_read_lines(cli_event_input *input)
{
	input->line_count = 0;
	while ((input->lines_per_batch == CLI_ONE_BATCH ||
			input->line_count < input->lines_per_batch) && cli_fetch_line(input))
	{
		if (!cli_add_line(input))
			return false;
	}
	if (input->input.failed)
		return false;
	if (input->line_count == 0)
	{
		if (input->lines_per_batch != CLI_ONE_BATCH)
			return false;
		fs_buffer_append_text(&input->events, "[");
	}
	fs_buffer_append_text(&input->events, "]");
	return cli_finish_events(input);
}

bool
cli_event_input_next(cli_event_input *input)
{
	bool		is_first = !input->has_begun;

	input->events.length = 0;
	if (is_first && !cli_begin_events(input))
		return false;
	if (input->at_end && !is_first)
		return false;
	return input->is_array ? cli_read_array(input) : cli_read_lines(input);
}

/*
 * The error of one line, if it has one.  The scratch store is asked to append it at a version that its
 * empty context does not have, so that it checks the events and keeps nothing.
 */
static bool
cli_blame_line(factstr_store *scratch, const char *line, factstr_error *error)
{
	fs_buffer	array = {0};
	char	   *result = NULL;
	int			code = FACTSTR_NO_MEMORY;

	fs_buffer_append_text(&array, "[");
	fs_buffer_append_text(&array, line);
	fs_buffer_append(&array, "]", sizeof("]"));
	if (!array.no_memory)
		code = factstr_json_append(scratch, array.data, "{\"expected_context_version\": 1}", &result);
	if (code == FACTSTR_MALFORMED)
		cli_error_of_result(code, result, error);
	factstr_json_free(result);
	free(array.data);
	return code == FACTSTR_MALFORMED;
}

/*
 * To the library the line was an array of one element on line 1; to the user it is an event.  The
 * place in its message is changed accordingly.
 */
static void
cli_translate_place(factstr_error *error)
{
	char	   *element = strstr(error->message, " at $[0]");
	char	   *line = strstr(error->message, "line 1, column ");
	char		column[32];
	char	   *rest;
	unsigned long number;

	if (element != NULL)
	{
		element += strlen(" at $");
		memmove(element, element + strlen("[0]"), strlen(element + strlen("[0]")) + 1);
	}
	else if (line != NULL)
	{
		number = strtoul(line + strlen("line 1, column "), &rest, 10);
		(void) snprintf(column, sizeof(column), "column %lu", number > 1 ? number - 1 : 1);
		memmove(line + strlen(column), rest, strlen(rest) + 1);
		memcpy(line, column, strlen(column));
	}
}

/*
 * Which line of the batch does not pass, counted from its first?  All of them are in the text,
 * blank ones included, and those that hold an event have ",\n" between them (cli_add_line).  False
 * if all pass.
 */
static bool
cli_find_malformed_line(const cli_event_input *input, uint64_t *offset, factstr_error *error)
{
	char	   *copy = strdup(input->events.data);
	char	   *line = copy != NULL ? copy + 1 : NULL;
	factstr_store *scratch = NULL;
	bool		found = false;

	if (copy != NULL)
		copy[strlen(copy) - 1] = '\0';	/* the closing bracket */
	if (factstr_open("memory:", &scratch, NULL) != FACTSTR_OK)
		line = NULL;
	for (*offset = 0; line != NULL; (*offset)++)
	{
		size_t		blank_lines = strspn(line, "\n");
		char	   *next = strstr(line + blank_lines, "\n,\n");

		if (next != NULL)
			*next = '\0';
		*offset += blank_lines;
		found = cli_blame_line(scratch, line + blank_lines, error);
		if (found)
			break;
		line = next != NULL ? next + strlen("\n,\n") : NULL;
	}
	factstr_close(scratch, FACTSTR_CLOSE_TIMEOUT_MS);
	free(copy);
	return found;
}

/* The other arguments of an append have errors of the same code. */
static bool
cli_is_about_arguments(const factstr_error *error)
{
	return error->code == FACTSTR_MALFORMED &&
		strncmp(error->message, "invalid ", strlen("invalid ")) == 0 &&
		strncmp(error->message, "invalid events", strlen("invalid events")) != 0;
}

/* Whether the input is one batch or many, its content causes such an error. */
static bool
cli_is_about_events(const factstr_error *error)
{
	return error->code == FACTSTR_MALFORMED || error->code == FACTSTR_EMPTY_APPEND ||
		error->code == FACTSTR_IDEMPOTENCY_KEY_REUSED;
}

/* Writes the place of the last batch in the input. */
static char *
cli_batch_place(const cli_event_input *input, char *place)
{
	if (input->is_array || input->line_count == 0)
		(void) snprintf(place, CLI_PLACE_SIZE, "%s", input->input.name);
	else if (input->first_line == input->last_line)
		(void) cli_input_place(&input->input, input->first_line, place);
	else
		(void) snprintf(place, CLI_PLACE_SIZE, "%s:%" PRIu64 "-%" PRIu64, input->input.name,
						input->first_line, input->last_line);
	return place;
}

cli_status
cli_fail_in_events(const cli_event_input *input, const factstr_error *error)
{
	bool		is_one_batch = input->is_array || input->lines_per_batch == CLI_ONE_BATCH;
	char		place[CLI_PLACE_SIZE];
	factstr_error found = *error;
	uint64_t	offset;

	if (cli_is_about_arguments(error) || (is_one_batch && !cli_is_about_events(error)))
		return cli_fail(error);
	if (error->code != FACTSTR_MALFORMED || input->is_array || input->line_count == 0 ||
		!cli_find_malformed_line(input, &offset, &found))
		return cli_fail_at(cli_batch_place(input, place), error);
	cli_translate_place(&found);
	return cli_fail_at(cli_input_place(&input->input, input->first_line + offset, place), &found);
}
