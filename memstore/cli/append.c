/*
 * append.c
 *		factstr append: appends events, a batch or many.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "event_input.h"
#include "json_result.h"
#include "options.h"
#include "output.h"
#include "query_options.h"

#define CLI_OPTION_BATCH CLI_FIRST_LONG_ONLY
#define CLI_OPTION_ONE_BATCH (CLI_FIRST_LONG_ONLY + 1)

static const char cli_usage[] =
	"usage: factstr append [OPTION]... [FILE]\n"
	"\n"
	"Appends the events in FILE, or stdin, and prints a result for each batch. Events\n"
	"are a JSON array, which is one batch, or one event a line, each a batch:\n"
	"  {\"event_type\": \"...\", \"payload\": ..., \"metadata\": {...}}\n"
	"\n"
	"      --batch N          N lines a batch\n"
	"      --one-batch        all lines in one batch\n"
	"  -k, --idempotency-key KEY\n"
	"                         store each batch once, however often this is repeated;\n"
	"                         each of many batches has the key KEY-LINE\n"
	CLI_COMMON_HELP;

/* Many batches have a key each.  NULL: none, or no memory. */
static char *
cli_batch_key(const cli_event_input *input, const char *key)
{
	char	   *text;

	if (asprintf(&text, "%s-%" PRIu64, key, input->first_line) < 0)
		return NULL;
	return text;
}

static cli_status
cli_fail_append(const cli_event_input *input, int code, const char *result, uint64_t batches)
{
	factstr_error error;
	cli_status	status;

	cli_error_of_result(code, result, &error);
	status = cli_fail_in_events(input, &error);
	if (batches > 0)
		cli_hint("What is before it has been stored: %" PRIu64 " batches.", batches);
	return status;
}

/* batches: how many have been appended before. */
static cli_status
cli_append_batch(factstr_store *store, const cli_event_input *input, const char *key,
				 uint64_t batches, bool *go_on)
{
	bool		is_only = input->is_array || input->lines_per_batch == CLI_ONE_BATCH;
	char	   *own_key = key != NULL && !is_only ? cli_batch_key(input, key) : NULL;
	char	   *result = NULL;
	cli_status	status = CLI_DONE;
	int			code = FACTSTR_NO_MEMORY;

	if (key == NULL || is_only || own_key != NULL)
		code = factstr_json_append(store, input->events.data, own_key != NULL ? own_key : key,
								   &result);
	if (code != FACTSTR_OK)
		status = cli_fail_append(input, code, result, batches);
	else if (result != NULL)
		*go_on = cli_print_text(result) && cli_flush();
	factstr_json_free(result);
	free(own_key);
	return status;
}

static cli_status
cli_append_all(factstr_store *store, cli_event_input *input, const char *key)
{
	uint64_t	batches = 0;
	bool		go_on = true;

	while (go_on && cli_event_input_next(input))
	{
		cli_status	status = cli_append_batch(store, input, key, batches++, &go_on);

		if (status != CLI_DONE)
			return status;
	}
	if (input->input.failed && batches > 0)
		cli_hint("What is before it has been stored: %" PRIu64 " batches.", batches);
	return input->input.failed ? CLI_FAILED : CLI_DONE;
}

static cli_status
cli_append_file(const char *name, uint64_t lines_per_batch, const char *key)
{
	cli_event_input input;
	factstr_store *store = NULL;
	cli_status	status = CLI_FAILED;

	if (cli_event_input_open(&input, name, lines_per_batch))
		store = cli_open_store();
	if (store != NULL)
	{
		status = cli_append_all(store, &input, key);
		factstr_close(store);
	}
	cli_event_input_close(&input);
	return cli_output_end(status);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"batch", required_argument, NULL, CLI_OPTION_BATCH},
		{"one-batch", no_argument, NULL, CLI_OPTION_ONE_BATCH},
		{"idempotency-key", required_argument, NULL, 'k'},
		CLI_COMMON_OPTIONS
	};
	uint64_t	lines_per_batch = 1;
	const char *key = NULL;
	const char *name;
	int			option;

	while ((option = cli_next_option(argc, argv, ":k:" CLI_COMMON_LETTERS, options)) != -1)
	{
		switch (option)
		{
			case 'k':
				key = optarg;
				break;
			case CLI_OPTION_BATCH:
				lines_per_batch = cli_number(optarg, "--batch", 1, UINT32_MAX);
				break;
			case CLI_OPTION_ONE_BATCH:
				lines_per_batch = CLI_ONE_BATCH;
				break;
		}
	}
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	return cli_append_file(name, lines_per_batch, key);
}

const cli_command cli_append_command = {
	.name = "append",
	.summary = "append events",
	.usage = cli_usage,
	.run = cli_run
};
