/*
 * import.c
 *		factstr import: takes over the batches of another log from a file.
 *
 * Lines are collected, because a transaction for each would cost most of the time.  What the store
 * has already is passed by, so that an import that broke off is simply repeated.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "batch_check.h"
#include "batch_pages.h"
#include "error.h"
#include "input.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_options.h"
#include "record.h"
#include "results.h"
#include "transfer.h"

/* How many lines are collected, if they do not make up a page before. */
#define CLI_GROUP_LINES 1024

static const char cli_usage[] =
	"usage: factstr import [OPTION]... [FILE]\n"
	"\n"
	"Takes over the batches that \"factstr export\" wrote from FILE, or stdin: facts keep\n"
	"their numbers, times, batches and idempotency keys. Batches that the store has\n"
	"already are passed by, so an import that broke off is simply repeated; the first\n"
	"and the last of them are compared with the store's.\n"
	"\n"
	"      --verify           compare all of them\n"
	CLI_COMMON_HELP;

typedef struct cli_import
{
	cli_input	input;
	cli_transfer transfer;
	bool		verify;
	uint64_t	newest_line;	/* the last number of the line before; 0: there was none */

	/* Lines to be imported together. */
	fs_batch_list group;
	size_t		group_bytes;
	uint64_t	group_lines[CLI_GROUP_LINES];

	/* Lines that were passed by: the one that was read, and the one before. */
	bool		has_passed_by;
	cli_batch_reader present;
	cli_parsed_batch parsed;
	cli_parsed_batch kept;
	char	   *kept_line;
	size_t		kept_capacity;
	uint64_t	kept_line_number;
	bool		is_kept;
} cli_import;

static cli_status
cli_fail_at_line(const cli_import *import, uint64_t line_number, const factstr_error *error)
{
	char		place[CLI_PLACE_SIZE];
	cli_status	status;

	status = cli_fail_at(cli_input_place(&import->input, line_number, place), error);
	cli_transfer_hint(&import->transfer);
	return status;
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

	for (size_t i = 0; i < import->group.count; i++)
	{
		if (cli_transfer_batches(&import->transfer, &import->group.batches[i], 1,
								 &error) != FACTSTR_OK)
			return cli_fail_at_line(import, import->group_lines[i], &error);
	}
	return CLI_DONE;
}

static cli_status
cli_import_group(cli_import *import)
{
	const fs_batch_list *group = &import->group;
	uint64_t	facts_before = import->transfer.imported_facts;
	factstr_error error;
	cli_status	status = CLI_DONE;

	if (cli_transfer_batches(&import->transfer, group->batches, group->count,
							 &error) != FACTSTR_OK)
	{
		if (cli_is_about_a_line(error.code))
			status = cli_import_one_by_one(import);
		else
		{
			status = cli_fail(&error);
			cli_transfer_hint(&import->transfer);
		}
	}
	fs_batch_list_release(&import->group);
	import->group_bytes = 0;
	cli_progress_add(import->transfer.imported_facts - facts_before, import->input.bytes_read,
					 import->input.size);
	return status;
}

/* Copies the batch that was read into the group. */
static bool
cli_copy_into_group(cli_import *import)
{
	const factstr_batch *batch = &import->parsed.batch;

	import->group_lines[import->group.count] = import->input.line_number;
	if (!fs_batch_list_begin(&import->group, batch->first_sequence_number,
							 batch->last_sequence_number, batch->idempotency_key))
		return false;
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		if (!fs_batch_list_add(&import->group, &batch->facts[i]))
			return false;
	}
	import->group_bytes += import->input.length;
	return true;
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
		cli_check_present(import, &import->kept.batch, import->kept_line_number) : CLI_DONE;
}

/* Exchanges the line that was read with the one that is kept; its texts are in it. */
static void
cli_keep_line(cli_import *import)
{
	cli_parsed_batch parsed = import->parsed;
	char	   *line = import->input.line;
	size_t		capacity = import->input.capacity;

	import->parsed = import->kept;
	import->kept = parsed;
	import->input.line = import->kept_line;
	import->kept_line = line;
	import->input.capacity = import->kept_capacity;
	import->kept_capacity = capacity;
	import->kept_line_number = import->input.line_number;
	import->is_kept = true;
}

static cli_status
cli_pass_by(cli_import *import)
{
	bool		is_first = !import->has_passed_by;

	import->has_passed_by = true;
	cli_progress_add(0, import->input.bytes_read, import->input.size);
	if ((is_first || import->verify) &&
		cli_check_present(import, &import->parsed.batch, import->input.line_number) != CLI_DONE)
		return CLI_FAILED;
	cli_keep_line(import);
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
		(void) fs_error(error, FACTSTR_MALFORMED,
						"batch %" PRIu64 " to %" PRIu64 " does not follow the line before, which "
						"ends with %" PRIu64, batch->first_sequence_number,
						batch->last_sequence_number, import->newest_line);
		return FACTSTR_MALFORMED;
	}
	if (batch->last_sequence_number <= head || import->newest_line > head ||
		batch->first_sequence_number == head + 1)
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_MALFORMED,
					"batch %" PRIu64 " to %" PRIu64 " does not continue the log of the store, "
					"whose newest fact is %" PRIu64, batch->first_sequence_number,
					batch->last_sequence_number, head);
	if (batch->first_sequence_number <= head)
		fs_error_hint(error, CLI_TWO_LOGS);
	else
		fs_error_hint(error, "Export with --after %" PRIu64 ".", head);
	return FACTSTR_MALFORMED;
}

static cli_status
cli_import_line(cli_import *import)
{
	const factstr_batch *batch = &import->parsed.batch;
	factstr_error error;

	if (cli_parse_batch(import->input.line, &import->parsed, &error) != FACTSTR_OK ||
		cli_check_order(import, &error) != FACTSTR_OK)
		return cli_fail_at_line(import, import->input.line_number, &error);
	import->newest_line = batch->last_sequence_number;
	if (batch->last_sequence_number <= import->transfer.start)
		return cli_pass_by(import);
	if (cli_check_kept(import) != CLI_DONE)
		return CLI_FAILED;
	if (!cli_copy_into_group(import))
		return cli_fail_no_memory();
	if (import->group.count == CLI_GROUP_LINES || import->group_bytes >= CLI_PAGE_BYTES)
		return cli_import_group(import);
	return CLI_DONE;
}

static cli_status
cli_import_lines(cli_import *import)
{
	cli_status	status = CLI_DONE;

	while (status == CLI_DONE && cli_input_next(&import->input))
		status = cli_import_line(import);

	/* What came before a line at fault is imported nevertheless: it need not be read again. */
	if (import->group.count > 0 && cli_import_group(import) != CLI_DONE)
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
	return status == CLI_DONE ? cli_transfer_end(&import->transfer) : status;
}

static void
cli_import_release(cli_import *import)
{
	cli_input_close(&import->input);
	cli_batch_reader_release(&import->present);
	fs_batch_list_release(&import->group);
	free(import->parsed.facts);
	free(import->kept.facts);
	free(import->kept_line);
}

static cli_status
cli_import_file(const char *name, bool verify)
{
	cli_import	import = {.verify = verify};
	factstr_store *store = NULL;
	cli_status	status = CLI_FAILED;

	if (cli_input_open(&import.input, name))
		store = cli_open_store();
	if (store != NULL)
		status = cli_import_into(&import, store);
	cli_import_release(&import);
	factstr_close(store);
	return cli_output_end(status);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"verify", no_argument, NULL, CLI_FIRST_LONG_ONLY},
		CLI_COMMON_OPTIONS
	};
	const char *name;
	bool		verify = false;

	while (cli_next_option(argc, argv, ":" CLI_COMMON_LETTERS, options) != -1)
		verify = true;
	name = cli_next_argument(argc, argv);
	cli_no_more_arguments(argc, argv);
	return cli_import_file(name, verify);
}

const cli_command cli_import_command = {
	.name = "import",
	.summary = "take over what export wrote, or the rest of it",
	.usage = cli_usage,
	.run = cli_run
};
