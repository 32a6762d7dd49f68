/*
 * append_if.c
 *		factstr append-if: appends events if their context has not changed.
 */
#include <string.h>

#include "event_input.h"
#include "json_result.h"
#include "options.h"
#include "output.h"
#include "query_options.h"

static const char cli_usage[] =
	"usage: factstr append-if --expect VERSION [OPTION]... [FILE]\n"
	"\n"
	"Appends the events in FILE, or stdin, as one batch, if the version of their\n"
	"context still is the expected one. Prints the result; or, with exit status 3, the\n"
	"two versions that differ. Events are a JSON array, or one event a line.\n"
	"\n"
	"  -e, --expect VERSION   what context-version printed; none: no fact matches yet\n"
	"  -q, --query QUERY      the context, see below\n"
	"  -k, --idempotency-key KEY\n"
	"                         store it once, however often this is repeated\n"
	CLI_COMMON_HELP
	"\n"
	CLI_QUERY_HELP;

typedef struct cli_condition
{
	const char *context_query;
	bool		is_given;
	bool		expects_none;
	uint64_t	version;
	const char *key;
} cli_condition;

static cli_status
cli_append_on_condition(factstr_store *store, const cli_event_input *input,
						const cli_condition *condition)
{
	char	   *result = NULL;
	factstr_error error;
	cli_status	status = CLI_DONE;
	int			code;

	code = factstr_json_append_if(store, input->events.data, condition->context_query,
								  condition->expects_none ? NULL : &condition->version,
								  condition->key, &result);
	if (result != NULL && (code == FACTSTR_OK || code == FACTSTR_CONFLICT))
		(void) cli_print_text(result);
	if (code == FACTSTR_CONFLICT && result != NULL)
		status = cli_fail_with_conflict(result);
	else if (code != FACTSTR_OK)
	{
		cli_error_of_result(code, result, &error);
		status = cli_fail_in_events(input, &error);
	}
	factstr_json_free(result);
	return status;
}

static cli_status
cli_append_file(const char *name, const cli_condition *condition)
{
	cli_event_input input;
	factstr_store *store = NULL;
	cli_status	status = CLI_FAILED;

	if (cli_event_input_open(&input, name, CLI_ONE_BATCH))
		store = cli_open_store();
	if (store != NULL)
	{
		if (cli_event_input_next(&input))
			status = cli_append_on_condition(store, &input, condition);
		factstr_close(store);
	}
	cli_event_input_close(&input);
	return cli_output_end(status);
}

static void
cli_take_expected(cli_condition *condition, const char *text)
{
	condition->is_given = true;
	condition->expects_none = strcmp(text, "none") == 0;
	if (!condition->expects_none)
		condition->version = cli_number(text, "--expect", 0, INT64_MAX);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"expect", required_argument, NULL, 'e'},
		{"query", required_argument, NULL, 'q'},
		{"idempotency-key", required_argument, NULL, 'k'},
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};
	cli_condition condition = {0};
	cli_query_options query = {0};
	const char *query_argument = NULL;
	const char *name;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":e:q:k:" CLI_QUERY_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		switch (option)
		{
			case 'e':
				cli_take_expected(&condition, optarg);
				break;
			case 'q':
				query_argument = optarg;
				break;
			case 'k':
				condition.key = optarg;
				break;
			default:
				cli_take_query_option(&query, option);
		}
	}
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	if (!condition.is_given)
		cli_usage_error("--expect VERSION is missing");
	condition.context_query = cli_query_text(&query, query_argument);
	status = cli_append_file(name, &condition);
	cli_query_release(&query);
	return status;
}

const cli_command cli_append_if_command = {
	.name = "append-if",
	.summary = "append events if their context has not changed",
	.usage = cli_usage,
	.run = cli_run
};
