/*
 * read.c
 *		factstr read: the facts that match, one a line, however many they are.
 */
#include <stdlib.h>

#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "view.h"

#define CLI_OPTION_SINCE CLI_FIRST_LONG_ONLY
#define CLI_OPTION_UNTIL (CLI_FIRST_LONG_ONLY + 1)

static const char cli_usage[] =
	"usage: factstr read [OPTION]... [QUERY]\n"
	"\n"
	"Prints the matching facts that are now in the store, one per line:\n"
	"  {\"sequence_number\": 1, \"occurred_at\": \"2026-01-31T08:15:30.123456Z\",\n"
	"   \"event_type\": \"...\", \"payload\": ..., \"metadata\": {...}}\n"
	"\n"
	"  -n, --max N            at most N facts\n"
	"  -b, --backwards        newest facts first\n"
	CLI_AFTER_HELP
	"      --since TIME       only facts recorded at or after TIME: 2026-01-31 or\n"
	"                         2026-01-31T08:15:30Z, in UTC\n"
	"      --until TIME       only facts recorded before TIME\n"
	CLI_VIEW_HELP
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP;

typedef struct cli_reading
{
	const char *event_query;
	uint64_t	max_count;		/* 0: no limit */
	bool		backwards;
	int64_t		since;			/* INT64_MIN: from the beginning */
	int64_t		until;			/* INT64_MAX: to the end */
} cli_reading;

/*
 * The log is in the order of numbers; clocks that are set back make times that are not in order, so
 * each fact is looked at.
 */
static bool
cli_is_in_time(const cli_reading *reading, const factstr_fact *fact)
{
	return fact->occurred_at >= reading->since && fact->occurred_at < reading->until;
}

static cli_status
cli_print_facts(const cli_reading *reading, factstr_cursor *cursor)
{
	fs_buffer	line = {0};
	factstr_error error;
	const factstr_fact *fact;
	cli_status	status = CLI_DONE;
	uint64_t	printed = 0;
	bool		go_on = true;

	while (go_on && (reading->max_count == 0 || printed < reading->max_count))
	{
		if (factstr_read_next(cursor, &fact, &error) != FACTSTR_OK)
		{
			status = cli_fail(&error);
			break;
		}
		if (fact == NULL)
			break;
		if (!cli_is_in_time(reading, fact))
			continue;
		cli_view_fact(&line, fact);
		go_on = cli_print_view(&line);
		printed++;
	}
	free(line.data);
	return status;
}

/* The limit is left to the store where it counts everything that matches. */
static cli_status
cli_read_facts(const cli_reading *reading)
{
	bool		any_time = reading->since == INT64_MIN && reading->until == INT64_MAX;
	const factstr_read_options options = {
		.size = sizeof(options),
		.max_count = any_time ? reading->max_count : 0,
		.backwards = reading->backwards
	};
	factstr_store *store = cli_open_store(CLI_EXISTING_STORE);
	factstr_cursor *cursor;
	factstr_error error;
	cli_status	status;

	if (store == NULL)
		return CLI_FAILED;
	if (factstr_read_open(store, reading->event_query, &options, &cursor, &error) != FACTSTR_OK)
		status = cli_fail(&error);
	else
	{
		status = cli_print_facts(reading, cursor);
		factstr_read_close(cursor);
	}
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

static void
cli_take_option(cli_reading *reading, cli_query_options *query, int option)
{
	switch (option)
	{
		case 'n':
			reading->max_count = cli_number(optarg, "--max", 1, INT64_MAX);
			break;
		case 'b':
			reading->backwards = true;
			break;
		case CLI_OPTION_SINCE:
			reading->since = cli_time(optarg, "--since");
			break;
		case CLI_OPTION_UNTIL:
			reading->until = cli_time(optarg, "--until");
			break;
		default:
			if (!cli_take_view_option(option))
				cli_take_query_option(query, option);
	}
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"max", required_argument, NULL, 'n'},
		{"backwards", no_argument, NULL, 'b'},
		{"since", required_argument, NULL, CLI_OPTION_SINCE},
		{"until", required_argument, NULL, CLI_OPTION_UNTIL},
		CLI_VIEW_OPTIONS,
		CLI_QUERY_OPTIONS,
		CLI_AFTER_OPTION,
		CLI_COMMON_OPTIONS
	};
	cli_reading reading = {.since = INT64_MIN, .until = INT64_MAX};
	cli_query_options query = {0};
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":n:b" CLI_VIEW_LETTERS CLI_QUERY_LETTERS
									 CLI_COMMON_LETTERS, options)) != -1)
		cli_take_option(&reading, &query, option);
	cli_take_query_argument(&query, cli_next_argument(argc, argv));
	cli_no_more_arguments(argc, argv);
	reading.event_query = cli_query_text(&query);
	status = cli_read_facts(&reading);
	cli_query_release(&query);
	return status;
}

const cli_command cli_read_command = {
	.name = "read",
	.summary = "print matching facts, one per line",
	.usage = cli_usage,
	.run = cli_run
};
