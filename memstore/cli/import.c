/*
 * import.c
 *		factstr import: takes over the batches of another log from a file.
 *
 * Lines are collected, because a transaction for each would take most of the time.  Batches that the store
 * already has are skipped, so an interrupted import is simply repeated: their numbers show which they are
 * or, in a file without numbers, idempotency keys, which the library compares.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "batch_reader.h"
#include "batch_text.h"
#include "errors.h"
#include "input.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_options.h"
#include "store.h"
#include "transfer.h"

/* How many lines are collected, if they do not make up a page before. */
#define CLI_GROUP_LINES 1024

static const char cli_usage[] =
	"usage: factstr import [OPTION]... [FILE]\n"
	"\n"
	"Imports the output of \"factstr export\" from FILE, or stdin: facts keep their\n"
	"numbers, times, batches and idempotency keys. Batches that the store already has\n"
	"are skipped, so an interrupted import can be repeated; the first and the last of\n"
	"them are compared with the store. Redactions in the file that are new to the store\n"
	"are applied.\n"
	"\n"
	"A file without numbers is history from another system: its batches get the next\n"
	"numbers, in order. A line may then also be one event, which is a separate batch:\n"
	"  {\"event_type\": \"a\", \"payload\": 1, \"occurred_at\": \"2018-02-07T01:45:21Z\"}\n"
	"Lines with an \"idempotency_key\" that the store has are skipped. Other lines are\n"
	"stored again if the import is repeated.\n"
	"\n"
	"      --verify           compare all skipped batches\n"
	CLI_QUIET_HELP
	CLI_COMMON_HELP;

/* A line and its batch, whose texts are in it. */
typedef struct cli_line
{
	char	   *text;
	size_t		capacity;
	uint64_t	number;
	cli_parsed_batch parsed;
} cli_line;

typedef struct cli_import
{
	cli_input	input;
	cli_parsed_batch parsed;	/* the line that was read */
	cli_transfer transfer;
	bool		verify;
	bool		has_lines;		/* there was a line before, */
	bool		numbered;		/* which has numbers, */
	uint64_t	newest_line;	/* and ends with this one; 0: it has none */

	/* Lines to be imported together. */
	size_t		group_count;
	size_t		group_bytes;
	cli_line	group[CLI_GROUP_LINES];
	factstr_batch group_batches[CLI_GROUP_LINES];

	/* Lines that were passed by: the newest of them is kept. */
	bool		has_passed_by;
	cli_batch_reader present;
	cli_line	kept;
	bool		is_kept;
} cli_import;

static void
cli_line_release(cli_line *line)
{
	free(line->text);
	cli_parsed_batch_release(&line->parsed);
	*line = (cli_line) {0};
}

/* Exchanges the line that was read with another one. */
static void
cli_exchange_line(cli_import *import, cli_line *other)
{
	cli_line	line = {
		.text = import->input.line,
		.capacity = import->input.capacity,
		.number = import->input.line_number,
		.parsed = import->parsed
	};

	import->input.line = other->text;
	import->input.capacity = other->capacity;
	import->parsed = other->parsed;
	*other = line;
}

static cli_status
cli_fail_at_line(const cli_import *import, uint64_t line_number, const factstr_error *error)
{
	char		place[CLI_PLACE_SIZE];

	return cli_fail_at(cli_input_place(&import->input, line_number, place), error);
}

/* An error that says which batch, but not which line, or one that is about no line at all. */
static bool
cli_is_about_a_line(int code)
{
	return code == FACTSTR_MALFORMED || code == FACTSTR_IDEMPOTENCY_KEY_REUSED ||
		code == FACTSTR_UNSUPPORTED;
}

/* Nothing of the group has been stored; one by one, it shows which of its lines is at fault. */
static cli_status
cli_import_one_by_one(cli_import *import)
{
	factstr_error error;

	for (size_t i = 0; i < import->group_count; i++)
	{
		if (cli_transfer_batches(&import->transfer, &import->group_batches[i], 1,
								 &error) != FACTSTR_OK)
			return cli_fail_at_line(import, import->group[i].number, &error);
		import->transfer.lines = import->group[i].number;
	}
	return CLI_DONE;
}

static void
cli_group_release(cli_import *import)
{
	for (size_t i = 0; i < import->group_count; i++)
		cli_line_release(&import->group[i]);
	import->group_count = 0;
	import->group_bytes = 0;
}

static cli_status
cli_import_group(cli_import *import)
{
	uint64_t	facts_before = import->transfer.imported_facts;
	factstr_error error;
	cli_status	status = CLI_DONE;

	if (cli_transfer_batches(&import->transfer, import->group_batches, import->group_count,
							 &error) != FACTSTR_OK)
		status = cli_is_about_a_line(error.code) ? cli_import_one_by_one(import) :
			cli_fail(&error);
	else
		import->transfer.lines = import->group[import->group_count - 1].number;
	cli_group_release(import);
	cli_progress_add(import->transfer.imported_facts - facts_before, import->input.bytes_read,
					 import->input.size);
	return status;
}

/* Moves the line that was read into the group. */
static void
cli_add_to_group(cli_import *import)
{
	cli_line   *line = &import->group[import->group_count];

	import->group_bytes += import->input.length;
	cli_exchange_line(import, line);
	import->group_batches[import->group_count++] = line->parsed.batch;
}

static cli_status
cli_check_present(cli_import *import, const factstr_batch *batch, uint64_t line_number)
{
	factstr_error error;

	if (cli_check_batch_is_there(&import->present, batch, &error) != FACTSTR_OK)
		return cli_fail_at_line(import, line_number, &error);
	return CLI_DONE;
}

/* The last line that was passed by is compared when it is known to be the last. */
static cli_status
cli_check_kept(cli_import *import)
{
	bool		to_be_checked = import->is_kept && !import->verify;

	import->is_kept = false;
	return to_be_checked ?
		cli_check_present(import, &import->kept.parsed.batch, import->kept.number) : CLI_DONE;
}

static cli_status
cli_pass_by(cli_import *import)
{
	bool		is_first = !import->has_passed_by;
	factstr_error error;
	uint64_t	imported;

	/* Before they are compared: the line may have the content after a redaction. */
	if (factstr_import_redactions(import->present.store, &import->parsed.batch, 1, &imported,
								  &error) != FACTSTR_OK)
		return cli_fail_at_line(import, import->input.line_number, &error);
	import->transfer.imported_redactions += imported;
	if (imported > 0)
		cli_batch_reader_release(&import->present);	/* it may have read on before */
	import->has_passed_by = true;
	cli_progress_add(0, import->input.bytes_read, import->input.size);
	if ((is_first || import->verify) &&
		cli_check_present(import, &import->parsed.batch, import->input.line_number) != CLI_DONE)
		return CLI_FAILED;
	cli_exchange_line(import, &import->kept);
	import->is_kept = true;
	return CLI_DONE;
}

/* Does the batch continue the one on the line before or, if it is the first to be new, the log? */
static int
cli_check_order(const cli_import *import, factstr_error *error)
{
	const factstr_batch *batch = &import->parsed.batch;
	uint64_t	head = import->transfer.start;

	if (import->newest_line != 0 && batch->first_sequence_number != import->newest_line + 1)
	{
		(void) cli_error(error, FACTSTR_MALFORMED,
						 "batch %" PRIu64 " to %" PRIu64 " does not follow the line before, which "
						 "ends with %" PRIu64, batch->first_sequence_number,
						 batch->last_sequence_number, import->newest_line);
		return FACTSTR_MALFORMED;
	}
	if (batch->last_sequence_number <= head || import->newest_line > head ||
		batch->first_sequence_number == head + 1)
		return FACTSTR_OK;
	(void) cli_error(error, FACTSTR_MALFORMED,
					 "batch %" PRIu64 " to %" PRIu64 " does not continue the log of the store, "
					 "whose newest fact is %" PRIu64, batch->first_sequence_number,
					 batch->last_sequence_number, head);
	if (batch->first_sequence_number <= head)
		cli_error_hint(error, CLI_TWO_LOGS);
	else
		cli_error_hint(error, "Export with --after %" PRIu64 ".", head);
	return FACTSTR_MALFORMED;
}

/* All lines have numbers, or none has. */
static int
cli_check_numbering(cli_import *import, factstr_error *error)
{
	bool		numbered = import->parsed.batch.first_sequence_number != 0;

	if (import->has_lines && numbered != import->numbered)
		return cli_error(error, FACTSTR_MALFORMED, numbered ?
						 "the batch has numbers, but the line before has none" :
						 "the batch has no numbers, but the line before has some");
	import->has_lines = true;
	import->numbered = numbered;
	import->transfer.without_numbers = !numbered;
	return numbered ? cli_check_order(import, error) : FACTSTR_OK;
}

/*
 * The lines before an invalid one are imported nevertheless, so they need not be read again.  If that
 * fails, it is the first error, and the only one that is reported.
 */
static cli_status
cli_fail_at_new_line(cli_import *import, const factstr_error *error)
{
	if (import->group_count > 0 && cli_import_group(import) != CLI_DONE)
		return CLI_FAILED;
	return cli_fail_at_line(import, import->input.line_number, error);
}

static cli_status
cli_import_line(cli_import *import)
{
	const factstr_batch *batch = &import->parsed.batch;
	factstr_error error;

	if (cli_parse_batch(import->input.line, &import->parsed, &error) != FACTSTR_OK ||
		cli_check_numbering(import, &error) != FACTSTR_OK)
		return cli_fail_at_new_line(import, &error);
	import->newest_line = batch->last_sequence_number;
	if (import->numbered && batch->last_sequence_number <= import->transfer.start)
		return cli_pass_by(import);
	if (cli_check_kept(import) != CLI_DONE)
		return CLI_FAILED;
	cli_add_to_group(import);
	if (import->group_count == CLI_GROUP_LINES || import->group_bytes >= CLI_PAGE_BYTES)
		return cli_import_group(import);
	return CLI_DONE;
}

static cli_status
cli_import_lines(cli_import *import)
{
	cli_status	status = CLI_DONE;

	while (status == CLI_DONE && cli_input_next(&import->input))
		status = cli_import_line(import);

	if (import->group_count > 0 && cli_import_group(import) != CLI_DONE)
		status = CLI_FAILED;
	if (status == CLI_DONE)
		status = cli_check_kept(import);
	return import->input.failed ? CLI_FAILED : status;
}

static cli_status
cli_import_into(cli_import *import, factstr_store *store)
{
	factstr_error error;
	cli_status	status;

	import->present.store = store;
	if (cli_transfer_begin(&import->transfer, store, &error) != FACTSTR_OK)
		return cli_fail(&error);
	cli_progress_begin("import", false);
	status = cli_import_lines(import);
	cli_progress_end();
	return cli_transfer_end(&import->transfer, status);
}

static void
cli_import_release(cli_import *import)
{
	cli_input_close(&import->input);
	cli_batch_reader_release(&import->present);
	cli_group_release(import);
	cli_line_release(&import->kept);
	cli_parsed_batch_release(&import->parsed);
}

static cli_status
cli_import_file(const char *name, bool verify)
{
	cli_import	import = {.verify = verify};
	factstr_store *store = NULL;
	cli_status	status = CLI_FAILED;

	if (cli_input_open(&import.input, name))
		store = cli_open_store(CLI_NEW_STORE);
	if (store != NULL)
		status = cli_import_into(&import, store);
	cli_import_release(&import);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return status;
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"verify", no_argument, NULL, CLI_FIRST_LONG_ONLY},
		CLI_QUIET_OPTION,
		CLI_COMMON_OPTIONS
	};
	const char *name;
	bool		verify = false;
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUIET_LETTERS CLI_COMMON_LETTERS,
									 options)) != -1)
	{
		if (option == 'q')
			cli_be_quiet();
		else
			verify = true;
	}
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	return cli_import_file(name, verify);
}

const cli_command cli_import_command = {
	.name = "import",
	.summary = "import an export, or the rest of it",
	.usage = cli_usage,
	.run = cli_run
};
