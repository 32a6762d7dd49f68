/*
 * append.c
 *		factstr append: appends events, a batch or many.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "event_input.h"
#include "json_result.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_options.h"
#include "signals.h"
#include "store.h"
#include "text.h"

#define CLI_OPTION_BATCH CLI_FIRST_LONG_ONLY
#define CLI_OPTION_ONE_BATCH (CLI_FIRST_LONG_ONLY + 1)

/* With so many batches of a line each, larger ones are worth a hint. */
#define CLI_MANY_BATCHES 1000

static const char cli_usage[] =
	"usage: factstr append [OPTION]... [FILE]\n"
	"\n"
	"Appends the events in FILE, or stdin, and prints a result per batch. The input is\n"
	"a JSON array, which is one batch, or one event per line, each a separate batch:\n"
	"  {\"event_type\": \"...\", \"payload\": ..., \"metadata\": {...}}\n"
	"\n"
	"      --batch N          N lines per batch\n"
	"      --one-batch        all lines in one batch\n"
	CLI_QUIET_HELP
	"  -k, --idempotency-key KEY\n"
	"                         store each batch once, even if the command is repeated;\n"
	"                         with several batches, each has the key KEY-LINE\n"
	CLI_COMMON_HELP;

typedef struct cli_appending
{
	factstr_store *store;
	cli_event_input input;
	const char *key;			/* or NULL */
	uint64_t	batches;		/* stored so far */
	uint64_t	stored_line;	/* the last line of them */
} cli_appending;

/* An array, or all lines as one batch. */
static bool
cli_is_one_batch(const cli_event_input *input)
{
	return input->is_array || input->lines_per_batch == CLI_ONE_BATCH;
}

/* Many batches have a key each.  NULL: none, or no memory. */
static char *
cli_batch_key(const cli_event_input *input, const char *key)
{
	char	   *text;

	if (asprintf(&text, "%s-%" PRIu64, key, input->first_line) < 0)
		return NULL;
	return text;
}

/*
 * After an error: reports how much is stored, and how to continue.  Keys contain the numbers of
 * lines, so with a key the rest alone would be stored under other keys.
 */
static void
cli_hint_to_continue(const cli_appending *appending, int code)
{
	uint64_t	stored = appending->stored_line;
	char		batches[CLI_BATCHES_SIZE];

	if (appending->batches == 0 && cli_is_stopping())
		cli_hint("Nothing is stored.");
	if (appending->batches == 0)
		return;
	cli_format_batches(appending->batches, batches);
	if (appending->key != NULL)
		cli_hint("The lines up to %" PRIu64 " are stored (%s). Repeat the command with the same "
				 "key, which stores the rest.", stored, batches);
	else if (code == FACTSTR_CONNECTION_LOST)
		cli_hint("The lines up to %" PRIu64 " are stored (%s). It is unknown whether line %" PRIu64
				 " is stored.", stored, batches, stored + 1);
	else
		cli_hint("The lines up to %" PRIu64 " are stored (%s). Continue with line %" PRIu64 ".",
				 stored, batches, stored + 1);
}

static cli_status
cli_fail_append(const cli_appending *appending, int code, const char *result)
{
	factstr_error error;
	cli_status	status;

	cli_error_of_result(code, result, &error);
	status = cli_fail_in_events(&appending->input, &error);
	cli_hint_to_continue(appending, code);
	return status;
}

/* An answer that cannot be printed does not keep the rest from being stored. */
static cli_status
cli_append_batch(cli_appending *appending)
{
	const cli_event_input *input = &appending->input;
	const char *key = appending->key;
	char	   *own_key = NULL;
	char	   *result = NULL;
	cli_status	status = CLI_DONE;
	int			code = FACTSTR_NO_MEMORY;

	if (key != NULL && !cli_is_one_batch(input))
		key = own_key = cli_batch_key(input, key);
	if (appending->key == NULL || key != NULL)
		code = cli_append_json(appending->store, input->events.data, key, &result);
	if (code != FACTSTR_OK)
		status = cli_fail_append(appending, code, result);
	else
	{
		appending->batches++;
		appending->stored_line = input->last_line;
		if (result != NULL && !cli_is_quiet() && cli_print_text(result))
			(void) cli_flush();
	}
	factstr_json_free(result);
	free(own_key);
	return status;
}

/* For a user at a terminal. */
static void
cli_hint_at_batches(const cli_appending *appending)
{
	if (appending->batches >= CLI_MANY_BATCHES && appending->input.lines_per_batch == 1 &&
		!cli_is_quiet() && isatty(STDERR_FILENO))
		cli_hint("Each line was a separate batch. --batch 100 is faster, --one-batch is all or "
				 "nothing.");
}

static cli_status
cli_append_all(cli_appending *appending)
{
	while (cli_event_input_next(&appending->input))
	{
		cli_status	status = cli_append_batch(appending);

		if (status != CLI_DONE)
			return status;
		cli_progress_add(appending->input.is_array ? 0 : appending->input.line_count,
						 appending->input.input.bytes_read, appending->input.input.size);
	}
	cli_progress_end();
	if (!appending->input.input.failed)
	{
		cli_hint_at_batches(appending);
		return CLI_DONE;
	}
	cli_hint_to_continue(appending, FACTSTR_OK);
	return CLI_FAILED;
}

static cli_status
cli_append_file(cli_appending *appending, const char *name, uint64_t lines_per_batch)
{
	cli_status	status = CLI_FAILED;

	if (cli_event_input_open(&appending->input, name, lines_per_batch))
		appending->store = cli_open_store(CLI_NEW_STORE);
	if (appending->store != NULL && cli_signals_begin())
	{
		cli_interrupt_at_stop(appending->store);
		cli_progress_begin("append", true);
		status = cli_append_all(appending);
		cli_interrupt_at_stop(NULL);
	}
	factstr_close(appending->store, FACTSTR_CLOSE_TIMEOUT_MS);
	cli_event_input_close(&appending->input);
	return cli_output_end_of_append(status, appending->batches);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"batch", required_argument, NULL, CLI_OPTION_BATCH},
		{"one-batch", no_argument, NULL, CLI_OPTION_ONE_BATCH},
		CLI_QUIET_OPTION,
		{"idempotency-key", required_argument, NULL, 'k'},
		CLI_COMMON_OPTIONS
	};
	cli_appending appending = {0};
	uint64_t	lines_per_batch = 1;
	const char *name;
	int			option;

	while ((option = cli_next_option(argc, argv, ":k:" CLI_QUIET_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		switch (option)
		{
			case 'k':
				appending.key = optarg;
				break;
			case CLI_OPTION_BATCH:
				lines_per_batch = cli_number(optarg, "--batch", 1, UINT32_MAX);
				break;
			case CLI_OPTION_ONE_BATCH:
				lines_per_batch = CLI_ONE_BATCH;
				break;
			case 'q':
				cli_be_quiet();
				break;
		}
	}
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	return cli_append_file(&appending, name, lines_per_batch);
}

const cli_command cli_append_command = {
	.name = "append",
	.summary = "append events",
	.usage = cli_usage,
	.run = cli_run
};
