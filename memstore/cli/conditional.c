/*
 * conditional.c
 *		factstr append-if and append-unless: appends that depend on their context.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "event_input.h"
#include "json_result.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"

static const char cli_usage_if[] =
	"usage: factstr append-if --expect VERSION [OPTION]... [FILE]\n"
	"\n"
	"Appends the events in FILE, or stdin, as one batch if the version of their context\n"
	"is still the expected one. Prints the result, or both versions and exits with\n"
	"status 3. The input is a JSON array, or one event per line.\n"
	"\n"
	"  -e, --expect VERSION   the output of context-version, or current_context_version\n"
	"                         of query; none, null or 0: no fact matches\n"
	"  -k, --idempotency-key KEY\n"
	"                         store the batch once, even if the command is repeated\n"
	CLI_COMMON_HELP
	"\n"
	"The context:\n"
	CLI_QUERY_HELP;

static const char cli_usage_unless[] =
	"usage: factstr append-unless --after N [OPTION]... [FILE]\n"
	"\n"
	"Appends the events in FILE, or stdin, as one batch unless their context has a fact\n"
	"after number N. Prints the result, or N and the version of the context and exits\n"
	"with status 3. The input is a JSON array, or one event per line.\n"
	"\n"
	"  -a, --after N          the last known position of the log, such as the number of\n"
	"                         the last fact read; 0: no fact may match\n"
	"  -k, --idempotency-key KEY\n"
	"                         store the batch once, even if the command is repeated\n"
	CLI_COMMON_HELP
	"\n"
	"The context:\n"
	CLI_QUERY_HELP;

typedef struct cli_condition
{
	const char *number_name;	/* of the library's option */
	const char *context_query;
	bool		is_given;
	uint64_t	number;			/* in the condition */
	const char *key;
} cli_condition;

/* Writes the options of factstr_json_append; NULL if there is no memory. */
static char *
cli_append_options(const cli_condition *condition)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{");
	fs_write_string(&out, condition->number_name);
	fs_buffer_append_text(&out, ": ");
	fs_write_integer(&out, condition->number);
	if (condition->key != NULL)
	{
		fs_buffer_append_text(&out, ", \"idempotency_key\": ");
		fs_write_string(&out, condition->key);
	}
	fs_buffer_append_text(&out, ", \"context_query\": ");
	fs_buffer_append_text(&out, condition->context_query);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

static cli_status
cli_append_on_condition(factstr_store *store, const cli_event_input *input,
						const cli_condition *condition, bool *stored)
{
	char	   *options = cli_append_options(condition);
	char	   *result = NULL;
	factstr_error error;
	cli_status	status = CLI_DONE;
	int			code = FACTSTR_NO_MEMORY;

	if (options != NULL)
		code = factstr_json_append(store, input->events.data, options, &result);
	free(options);
	*stored = code == FACTSTR_OK;
	if (result != NULL && code == FACTSTR_OK)
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
	bool		stored = false;

	if (cli_event_input_open(&input, name, CLI_ONE_BATCH))
		store = cli_open_store(CLI_NEW_STORE);
	if (store != NULL)
	{
		if (cli_event_input_next(&input))
			status = cli_append_on_condition(store, &input, condition, &stored);
		factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	}
	cli_event_input_close(&input);
	return cli_output_end_of_append(status, stored ? 1 : 0);
}

static void
cli_take_expected(cli_condition *condition, const char *text)
{
	condition->is_given = true;
	if (strcmp(text, "none") != 0 && strcmp(text, "null") != 0)
		condition->number = cli_number(text, "--expect", 0, INT64_MAX);
}

static void
cli_take_after(cli_condition *condition, const char *text)
{
	condition->is_given = true;
	condition->number = cli_number(text, "--after", 0, INT64_MAX);
}

/* letters and options describe the option for the number in the condition; missing is the error without it. */
static cli_status
cli_run(int argc, char **argv, const char *number_name, const char *letters,
		const struct option *options, const char *missing)
{
	cli_condition condition = {.number_name = number_name};
	cli_query_options query = {0};
	const char *name;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, letters, options)) != -1)
	{
		switch (option)
		{
			case 'e':
				cli_take_expected(&condition, optarg);
				break;
			case 'a':
				cli_take_after(&condition, optarg);
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
		cli_usage_error("%s", missing);
	condition.context_query = cli_query_text(&query);
	status = cli_append_file(name, &condition);
	cli_query_release(&query);
	return status;
}

static cli_status
cli_run_if(int argc, char **argv)
{
	static const struct option options[] = {
		{"expect", required_argument, NULL, 'e'},
		{"idempotency-key", required_argument, NULL, 'k'},
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};

	return cli_run(argc, argv, "expected_context_version",
				   ":e:k:" CLI_QUERY_LETTERS CLI_COMMON_LETTERS, options,
				   "--expect VERSION is missing");
}

static cli_status
cli_run_unless(int argc, char **argv)
{
	static const struct option options[] = {
		{"after", required_argument, NULL, 'a'},
		{"idempotency-key", required_argument, NULL, 'k'},
		CLI_QUERY_OPTIONS,
		CLI_COMMON_OPTIONS
	};

	return cli_run(argc, argv, "after_sequence_number",
				   ":a:k:" CLI_QUERY_LETTERS CLI_COMMON_LETTERS, options, "--after N is missing");
}

const cli_command cli_append_if_command = {
	.name = "append-if",
	.summary = "append events if their context has not changed",
	.usage = cli_usage_if,
	.run = cli_run_if
};

const cli_command cli_append_unless_command = {
	.name = "append-unless",
	.summary = "append events unless their context has a newer fact",
	.usage = cli_usage_unless,
	.run = cli_run_unless
};
