/*
 * copy.c
 *		factstr copy: takes over the batches of one store into another.
 */
#include <inttypes.h>
#include <stdio.h>

#include "batch_reader.h"
#include "batch_text.h"
#include "errors.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "redaction_follower.h"
#include "store.h"
#include "transfer.h"

static const char cli_usage[] =
	"usage: factstr copy [OPTION]... FROM TO\n"
	"\n"
	"Copies the batches of the store at the URL FROM to the one at TO, like export and\n"
	"import. Skips batches that TO already has, after comparing its first batch and its\n"
	"newest fact with FROM. Applies later redactions of FROM to TO.\n"
	"\n"
	"A URL of a PostgreSQL database names another log than main with ?factstr_log=NAME.\n"
	"\n"
	"      --verify           compare everything that TO has\n"
	CLI_QUIET_HELP;

typedef struct cli_copy
{
	factstr_store *from;
	uint64_t	from_head;
	cli_transfer transfer;
	cli_batch_reader present;	/* of the target */
} cli_copy;

static int
cli_two_logs(uint64_t sequence_number, factstr_error *error)
{
	(void) cli_error(error, FACTSTR_MALFORMED, "the stores differ at fact %" PRIu64,
					 sequence_number);
	cli_error_hint(error, CLI_TWO_LOGS);
	return FACTSTR_MALFORMED;
}

/* Opens a cursor on one fact, and takes it. */
static int
cli_read_fact(factstr_store *store, uint64_t sequence_number, factstr_cursor **cursor,
			  const factstr_fact **fact, factstr_error *error)
{
	const factstr_read_options options = {.size = sizeof(options), .max_count = 1};
	char		query[64];
	int			code;

	(void) snprintf(query, sizeof(query), "{\"after\": %" PRIu64 "}",
					sequence_number - 1);
	*fact = NULL;
	code = factstr_read_open(store, query, &options, cursor, error);
	if (code == FACTSTR_OK)
		code = factstr_read_next(*cursor, fact, error);
	return code;
}

/*
 * Have both stores the same fact?  Where its batch begins is not known, but that it ends with it is
 * found out by the import, which wants a batch that begins with the next number.
 */
static int
cli_compare_newest(const cli_copy *copy, factstr_error *error)
{
	factstr_store *const stores[2] = {copy->from, copy->transfer.store};
	factstr_cursor *cursors[2] = {NULL, NULL};
	const factstr_fact *facts[2];
	factstr_batch batches[2] = {0};
	uint64_t	number = copy->transfer.start;
	bool		equal = false;
	int			code = FACTSTR_OK;

	for (int i = 0; code == FACTSTR_OK && i < 2; i++)
	{
		code = cli_read_fact(stores[i], number, &cursors[i], &facts[i], error);
		if (code == FACTSTR_OK && facts[i] != NULL)
			batches[i] = (factstr_batch) {.fact_count = 1, .facts = facts[i]};
	}
	if (code == FACTSTR_OK)
		code = cli_batches_equal(&batches[0], &batches[1], &equal, error);
	for (int i = 0; i < 2; i++)
	{
		if (cursors[i] != NULL)
			factstr_read_close(cursors[i]);
	}
	return code != FACTSTR_OK || equal ? code : cli_two_logs(number, error);
}

/* Compares batches from the first on, up to a fact. */
static int
cli_compare_batches(cli_copy *copy, uint64_t up_to, factstr_error *error)
{
	cli_batch_reader reader = {.store = copy->from};
	const factstr_batch *batch = NULL;
	int			code;

	do
	{
		code = cli_batch_reader_next(&reader, &batch, error);
		if (code != FACTSTR_OK || batch == NULL)
			break;
		code = cli_check_batch_is_there(&copy->present, batch, error);
		cli_progress_add(batch->fact_count, batch->last_sequence_number, copy->from_head);
	}
	while (code == FACTSTR_OK && batch->last_sequence_number < up_to);
	cli_batch_reader_release(&reader);
	return code;
}

/* Is the target's log a prefix of the source's? */
static int
cli_compare_present(cli_copy *copy, bool verify, factstr_error *error)
{
	int			code;

	if (copy->transfer.start == 0)
		return FACTSTR_OK;
	if (copy->transfer.start > copy->from_head)
	{
		(void) cli_error(error, FACTSTR_MALFORMED,
						 "the target has facts up to %" PRIu64 ", the source only up to %" PRIu64,
						 copy->transfer.start, copy->from_head);
		return FACTSTR_MALFORMED;
	}
	code = cli_compare_batches(copy, verify ? copy->transfer.start : 1, error);
	return code == FACTSTR_OK && !verify ? cli_compare_newest(copy, error) : code;
}

/* Up to the newest fact at the start of the copy: otherwise it might never end. */
static int
cli_copy_rest(cli_copy *copy, factstr_error *error)
{
	cli_transfer *transfer = &copy->transfer;
	int			code = FACTSTR_OK;

	while (code == FACTSTR_OK && transfer->head < copy->from_head)
	{
		factstr_batch_list *list;

		code = cli_export_page(copy->from, transfer->head, &list, error);
		if (code != FACTSTR_OK)
			return code;
		if (list->count == 0)
			copy->from_head = transfer->head;
		else
		{
			uint64_t	before = transfer->head;

			code = cli_transfer_batches(transfer, list->batches, list->count, error);
			cli_progress_add(transfer->head - before, transfer->head, copy->from_head);
		}
		factstr_batch_list_free(list);
	}
	return code;
}

static cli_status
cli_copy_between(factstr_store *from, factstr_store *to, bool verify)
{
	cli_copy	copy = {.from = from, .present.store = to};
	factstr_error error;
	int			code;

	code = cli_transfer_begin(&copy.transfer, to, &error);
	if (code == FACTSTR_OK)
		code = factstr_context_version(from, NULL, &copy.from_head, &error);
	cli_progress_begin("copy", false);
	if (code == FACTSTR_OK)
		code = cli_follow_redactions(from, to, copy.transfer.start, &copy.transfer.imported_redactions,
									 &error);
	if (code == FACTSTR_OK)
		code = cli_compare_present(&copy, verify, &error);
	if (code == FACTSTR_OK)
		code = cli_copy_rest(&copy, &error);
	cli_progress_end();
	cli_batch_reader_release(&copy.present);
	return cli_transfer_end(&copy.transfer, code == FACTSTR_OK ? CLI_DONE : cli_fail(&error));
}

static cli_status
cli_copy_urls(const char *from_url, const char *to_url, bool verify)
{
	factstr_store *from = cli_open_url(from_url, CLI_EXISTING_STORE);
	factstr_store *to = from != NULL ? cli_open_url(to_url, CLI_NEW_STORE) : NULL;
	cli_status	status = CLI_FAILED;

	if (to != NULL)
		status = cli_copy_between(from, to, verify);
	factstr_close(to, FACTSTR_CLOSE_TIMEOUT_MS);
	factstr_close(from, FACTSTR_CLOSE_TIMEOUT_MS);
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
	const char *from;
	const char *to;
	bool		verify = false;
	int			option;

	while ((option = cli_next_option(argc, argv, ":" CLI_QUIET_LETTERS CLI_COMMON_LETTERS, options)) != -1)
	{
		if (option == 'q')
			cli_be_quiet();
		else
			verify = true;
	}
	if (cli_given_url() != NULL)
		cli_usage_error("name both stores as arguments, not with --store");
	if (cli_given_log() != NULL)
		cli_usage_error("name logs in the URLs, as ?factstr_log=NAME, not with --log");
	from = cli_next_argument(argc, argv);
	to = cli_next_argument(argc, argv);
	if (to == NULL)
		cli_usage_error("the URLs of two stores are required, FROM and TO");
	cli_no_more_arguments(argc, argv);
	return cli_copy_urls(from, to, verify);
}

const cli_command cli_copy_command = {
	.name = "copy",
	.summary = "copy the batches of one store to another",
	.usage = cli_usage,
	.run = cli_run
};
