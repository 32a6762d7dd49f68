/*
 * status.c
 *		factstr status: the content of a store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "json_result.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "stream_table.h"
#include "text.h"

static const char cli_usage[] =
	"usage: factstr status [--json]\n"
	"\n"
	"Prints the number of facts, the times of the first and the last of them, and the\n"
	"durable streams.\n"
	"\n"
	"  -j, --json             as one line of JSON\n"
	CLI_COMMON_HELP;

typedef struct cli_store_status
{
	uint64_t	head;			/* facts are numbered without gaps, from 1 */
	int64_t		first_appended_at;	/* if there is one */
	int64_t		last_appended_at;
	factstr_stream_status_list *streams;
} cli_store_status;

/* The time of the first fact from one end of the log; false after an error, or if there is none. */
static bool
cli_read_end(factstr_store *store, bool backwards, uint64_t *number, int64_t *appended_at,
			 factstr_error *error)
{
	const factstr_read_options options = {.size = sizeof(options), .max_count = 1, .backwards = backwards};
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	int			code = factstr_read_open(store, NULL, &options, &cursor, error);

	if (code != FACTSTR_OK)
		return false;
	code = factstr_read_next(cursor, &fact, error);
	if (code == FACTSTR_OK && fact != NULL)
	{
		*number = fact->sequence_number;
		*appended_at = fact->occurred_at;
	}
	factstr_read_close(cursor);
	return code == FACTSTR_OK;
}

static bool
cli_read_status(factstr_store *store, cli_store_status *status, factstr_error *error)
{
	uint64_t	first;

	*status = (cli_store_status) {0};
	return cli_read_end(store, true, &status->head, &status->last_appended_at, error) &&
		(status->head == 0 ||
		 cli_read_end(store, false, &first, &status->first_appended_at, error)) &&
		factstr_streams(store, &status->streams, error) == FACTSTR_OK;
}

static bool
cli_print_status(const cli_store_status *status)
{
	char		first[FACTSTR_TIME_SIZE];
	char		last[FACTSTR_TIME_SIZE];
	char		count[CLI_COUNT_SIZE];

	printf("Facts        %s\n", cli_format_count(status->head, count));
	if (status->head > 0)
		printf("First fact   %s\nLast fact    %s\n",
			   factstr_format_time(status->first_appended_at, first),
			   factstr_format_time(status->last_appended_at, last));
	printf("Streams      %s\n", status->streams->count == 0 ? "none" :
		   cli_format_count(status->streams->count, count));
	if (status->streams->count == 0)
		return true;
	putchar('\n');
	return cli_print_streams(status->streams);
}

static void
cli_write_appended_at(fs_buffer *line, const char *key, const cli_store_status *status,
					  int64_t appended_at)
{
	char		time[FACTSTR_TIME_SIZE];

	fs_buffer_append_text(line, key);
	if (status->head == 0)
		fs_buffer_append_text(line, "null");
	else
		fs_write_string(line, factstr_format_time(appended_at, time));
}

static cli_status
cli_print_status_as_json(factstr_store *store, const cli_store_status *status)
{
	fs_buffer	line = {0};
	char	   *streams = NULL;
	cli_status	told = CLI_DONE;
	int			code = factstr_json_streams(store, &streams);

	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&line, "{\"head_sequence_number\": ");
		fs_write_integer(&line, status->head);
		cli_write_appended_at(&line, ", \"first_appended_at\": ", status, status->first_appended_at);
		cli_write_appended_at(&line, ", \"last_appended_at\": ", status, status->last_appended_at);
		fs_buffer_append_text(&line, ", \"streams\": ");
		fs_buffer_append_text(&line, streams);
		fs_buffer_append_text(&line, "}");
		(void) cli_print(&line);
	}
	else
		told = cli_print_result(code, streams);
	free(line.data);
	factstr_json_free(streams);
	return told;
}

static cli_status
cli_tell_status(factstr_store *store, bool as_json)
{
	cli_store_status status;
	factstr_error error;
	cli_status	told;

	if (!cli_read_status(store, &status, &error))
		told = cli_fail(&error);
	else if (as_json)
		told = cli_print_status_as_json(store, &status);
	else
		told = cli_print_status(&status) ? CLI_DONE : cli_fail_no_memory();
	factstr_stream_status_list_free(status.streams);
	return told;
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		CLI_COMMON_OPTIONS
	};
	factstr_store *store;
	cli_status	status;
	bool		as_json = false;

	while (cli_next_option(argc, argv, ":j" CLI_COMMON_LETTERS, options) != -1)
		as_json = true;
	cli_no_more_arguments(argc, argv);
	store = cli_open_store(CLI_EXISTING_STORE);
	if (store == NULL)
		return CLI_FAILED;
	status = cli_tell_status(store, as_json);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

const cli_command cli_status_command = {
	.name = "status",
	.summary = "print the number and times of facts, and the streams",
	.usage = cli_usage,
	.run = cli_run
};
