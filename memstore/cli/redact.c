/*
 * redact.c
 *		factstr redact: erases the content of a fact.  factstr redactions: the record of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "batch_text.h"
#include "errors.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"

#define CLI_OPTION_METADATA CLI_FIRST_LONG_ONLY
#define CLI_OPTION_DRY_RUN (CLI_FIRST_LONG_ONLY + 1)

#define CLI_PAGE_REDACTIONS 1000

static const char cli_redact_usage[] =
	"usage: factstr redact N -p PAYLOAD -r REASON [--metadata JSON] [--dry-run]\n"
	"\n"
	"Erases the content of fact N permanently: replaces its payload with PAYLOAD, and its\n"
	"metadata with JSON or nothing. Number, type, time and batch stay. The time, the role\n"
	"and the reason are recorded. Prints the number of the fact, but not its old content.\n"
	"\n"
	"  -p, --payload PAYLOAD  the new payload, as JSON\n"
	"  -r, --reason REASON    kept forever, so it must not repeat the erased data\n"
	"      --metadata JSON    an object; without it the fact has no metadata\n"
	"      --dry-run          only print the fact\n"
	"\n"
	"To update exported files and copies, see export --resume and copy.\n";

static const char cli_redactions_usage[] =
	"usage: factstr redactions [--after N]\n"
	"\n"
	"Prints the record of redactions, one per line, by fact and then by time:\n"
	"  {\"sequence_number\": 1, \"redacted_at\": \"2026-01-31T08:15:30.123456Z\",\n"
	"   \"redacted_by\": \"...\", \"reason\": \"...\"}\n"
	"\n"
	"      --after N          only redactions of facts after this sequence number\n"
	CLI_COMMON_HELP;

typedef struct cli_redaction
{
	uint64_t	sequence_number;
	const char *payload;
	const char *metadata;
	const char *reason;
	bool		dry_run;
} cli_redaction;

/* Prints the fact as it is. */
static cli_status
cli_print_fact(factstr_store *store, uint64_t sequence_number)
{
	const factstr_read_options options = {.size = sizeof(options), .max_count = 1};
	const factstr_fact *fact = NULL;
	factstr_cursor *cursor = NULL;
	factstr_error error;
	fs_buffer	line = {0};
	char		query[64];
	int			code;

	(void) snprintf(query, sizeof(query), "{\"after\": %" PRIu64 "}", sequence_number - 1);
	code = factstr_read_open(store, query, &options, &cursor, &error);
	if (code == FACTSTR_OK)
		code = factstr_read_next(cursor, &fact, &error);
	if (code == FACTSTR_OK && (fact == NULL || fact->sequence_number != sequence_number))
		code = cli_error(&error, FACTSTR_MALFORMED, "there is no fact %" PRIu64, sequence_number);
	if (code == FACTSTR_OK)
	{
		cli_write_record(&line, fact);
		(void) cli_print(&line);
	}
	free(line.data);
	if (cursor != NULL)
		factstr_read_close(cursor);
	return code == FACTSTR_OK ? CLI_DONE : cli_fail(&error);
}

static void
cli_print_redacted(uint64_t sequence_number, bool traces_remain)
{
	fs_buffer	line = {0};

	fs_buffer_append_text(&line, "{\"redacted\": ");
	fs_write_integer(&line, sequence_number);
	fs_buffer_append_text(&line, traces_remain ? ", \"traces_remain\": true}" :
						  ", \"traces_remain\": false}");
	(void) cli_print(&line);
	free(line.data);
}

static cli_status
cli_redact(factstr_store *store, const cli_redaction *redaction)
{
	bool		traces_remain;
	factstr_error error;

	if (redaction->dry_run)
		return cli_print_fact(store, redaction->sequence_number);
	if (factstr_redact(store, redaction->sequence_number, redaction->payload, redaction->reason,
					   redaction->metadata, &traces_remain, &error) != FACTSTR_OK)
		return cli_fail(&error);
	cli_print_redacted(redaction->sequence_number, traces_remain);
	if (traces_remain)
		cli_hint("The storage still holds the old content: a server until VACUUM has run, a file until "
				 "its present readers have ended and something is written.");
	return CLI_DONE;
}

static void
cli_take_redact_option(cli_redaction *redaction, int option)
{
	switch (option)
	{
		case 'p':
			redaction->payload = optarg;
			break;
		case 'r':
			redaction->reason = optarg;
			break;
		case CLI_OPTION_METADATA:
			redaction->metadata = optarg;
			break;
		case CLI_OPTION_DRY_RUN:
			redaction->dry_run = true;
			break;
	}
}

static cli_status
cli_run_redact(int argc, char **argv)
{
	static const struct option options[] = {
		{"payload", required_argument, NULL, 'p'},
		{"reason", required_argument, NULL, 'r'},
		{"metadata", required_argument, NULL, CLI_OPTION_METADATA},
		{"dry-run", no_argument, NULL, CLI_OPTION_DRY_RUN},
		CLI_COMMON_OPTIONS
	};
	cli_redaction redaction = {0};
	const char *number;
	factstr_store *store;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":p:r:" CLI_COMMON_LETTERS, options)) != -1)
		cli_take_redact_option(&redaction, option);
	number = cli_next_argument(argc, argv);
	if (number == NULL)
		cli_usage_error("N, the number of the fact, is missing");
	redaction.sequence_number = cli_number(number, "N", 1, INT64_MAX);
	cli_no_more_arguments(argc, argv);
	if (!redaction.dry_run && (redaction.payload == NULL || redaction.reason == NULL))
		cli_usage_error("--payload and --reason are required: the new content of the fact, and why");
	store = cli_open_store(CLI_EXISTING_STORE);
	if (store == NULL)
		return CLI_FAILED;
	status = cli_redact(store, &redaction);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

/* Prints a page; false at the end, or if continuing is useless. */
static bool
cli_print_redactions(const factstr_redaction_list *list, uint64_t *after)
{
	fs_buffer	line = {0};
	bool		go_on = list->count > 0;

	for (size_t i = 0; go_on && i < list->count; i++)
	{
		*after = list->redactions[i].sequence_number;
		fs_buffer_append_text(&line, "{\"sequence_number\": ");
		fs_write_integer(&line, *after);
		fs_buffer_append_text(&line, ", ");
		cli_write_redaction(&line, &list->redactions[i]);
		go_on = cli_print(&line);
	}
	free(line.data);
	return go_on;
}

static cli_status
cli_list_redactions(factstr_store *store, uint64_t after)
{
	factstr_redaction_list *list;
	factstr_error error;
	bool		go_on = true;

	while (go_on)
	{
		if (factstr_redactions(store, after, CLI_PAGE_REDACTIONS, &list, &error) != FACTSTR_OK)
			return cli_fail(&error);
		go_on = cli_print_redactions(list, &after);
		factstr_redaction_list_free(list);
	}
	return CLI_DONE;
}

static cli_status
cli_run_redactions(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_AFTER_OPTION,
		CLI_COMMON_OPTIONS
	};
	uint64_t	after = 0;
	factstr_store *store;
	cli_status	status;

	while (cli_next_option(argc, argv, ":" CLI_COMMON_LETTERS, options) != -1)
		after = cli_number(optarg, "--after", 0, INT64_MAX);
	cli_no_more_arguments(argc, argv);
	store = cli_open_store(CLI_EXISTING_STORE);
	if (store == NULL)
		return CLI_FAILED;
	status = cli_list_redactions(store, after);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

const cli_command cli_redact_command = {
	.name = "redact",
	.summary = "erase the content of a fact, and record it",
	.usage = cli_redact_usage,
	.run = cli_run_redact
};

const cli_command cli_redactions_command = {
	.name = "redactions",
	.summary = "print the record of redactions",
	.usage = cli_redactions_usage,
	.run = cli_run_redactions
};
