/*
 * read.c
 *		factstr read: the facts that match, one a line, however many they are.
 */
#include <stdlib.h>

#include "json_text.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"

static const char cli_usage[] =
	"usage: factstr read [OPTION]... [QUERY]\n"
	"\n"
	"Prints the facts that match and are in the store now, one a line:\n"
	"  {\"sequence_number\": 1, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\",\n"
	"   \"event_type\": \"...\", \"payload\": ..., \"metadata\": {...}}\n"
	"\n"
	"  -n, --max N            at most N facts\n"
	"  -b, --backwards        the newest first\n"
	CLI_AFTER_HELP
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP;

static cli_status
cli_print_facts(factstr_cursor *cursor)
{
	fs_buffer	line = {0};
	factstr_error error;
	const factstr_fact *fact;
	cli_status	status = CLI_DONE;
	bool		go_on = true;

	while (go_on)
	{
		if (factstr_read_next(cursor, &fact, &error) != FACTSTR_OK)
		{
			status = cli_fail(&error);
			break;
		}
		if (fact == NULL)
			break;
		fs_write_event_record(&line, fact);
		go_on = cli_print(&line);
	}
	free(line.data);
	return status;
}

static cli_status
cli_read_facts(const char *event_query, const factstr_read_options *read_options)
{
	factstr_store *store = cli_open_store();
	factstr_cursor *cursor;
	factstr_error error;
	cli_status	status;

	if (store == NULL)
		return CLI_FAILED;
	if (factstr_read_open(store, event_query, read_options, &cursor, &error) != FACTSTR_OK)
		status = cli_fail(&error);
	else
	{
		status = cli_print_facts(cursor);
		factstr_read_close(cursor);
	}
	factstr_close(store);
	return cli_output_end(status);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"max", required_argument, NULL, 'n'},
		{"backwards", no_argument, NULL, 'b'},
		CLI_QUERY_OPTIONS,
		CLI_AFTER_OPTION,
		CLI_COMMON_OPTIONS
	};
	cli_query_options query = {0};
	factstr_read_options read_options = {0};
	const char *argument;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":n:b" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		switch (option)
		{
			case 'n':
				read_options.max_count = cli_number(optarg, "--max", 1, INT64_MAX);
				break;
			case 'b':
				read_options.backwards = true;
				break;
			default:
				cli_take_query_option(&query, option);
		}
	}
	argument = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	status = cli_read_facts(cli_query_text(&query, argument), &read_options);
	cli_query_release(&query);
	return status;
}

const cli_command cli_read_command = {
	.name = "read",
	.summary = "facts that match, one a line, however many",
	.usage = cli_usage,
	.run = cli_run
};
