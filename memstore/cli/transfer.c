/*
 * transfer.c
 *		Shared by import and copy.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "messages.h"
#include "output.h"
#include "progress.h"
#include "transfer.h"

int
cli_transfer_begin(cli_transfer *transfer, factstr_store *store, factstr_error *error)
{
	*transfer = (cli_transfer) {.store = store};
	if (factstr_context_version(store, NULL, &transfer->head, error) != FACTSTR_OK)
		return error->code;
	transfer->start = transfer->head;
	return FACTSTR_OK;
}

static size_t
cli_count_facts(const factstr_batch *batches, size_t count)
{
	size_t		facts = 0;

	for (size_t i = 0; i < count; i++)
		facts += batches[i].fact_count;
	return facts;
}

/* Some batches without numbers may have been skipped.  The log shows how many were stored. */
static int
cli_count_imported(cli_transfer *transfer, const factstr_append_result *result, size_t count,
				   factstr_error *error)
{
	factstr_batch_list *list;
	int			code = factstr_export(transfer->store, result->first_sequence_number - 1, count, &list,
									  error);

	if (code != FACTSTR_OK)
		return code;
	for (size_t i = 0; i < list->count; i++)
		transfer->imported_batches +=
			list->batches[i].last_sequence_number <= result->last_sequence_number ? 1 : 0;
	factstr_batch_list_free(list);
	return FACTSTR_OK;
}

int
cli_transfer_batches(cli_transfer *transfer, const factstr_batch *batches, size_t count,
					 factstr_error *error)
{
	factstr_append_result result;
	int			code = factstr_import(transfer->store, batches, count, &result, error);

	if (code != FACTSTR_OK || count == 0)
		return code;
	transfer->imported_facts += result.committed_count;
	if (result.committed_count == 0)
		return FACTSTR_OK;
	transfer->head = result.last_sequence_number;
	if (result.committed_count < cli_count_facts(batches, count))
		return cli_count_imported(transfer, &result, count, error);
	transfer->imported_batches += count;
	return FACTSTR_OK;
}

static void
cli_write_member(fs_buffer *out, const char *key, uint64_t number)
{
	fs_buffer_append_text(out, key);
	fs_write_integer(out, number);
}

static void
cli_print_transfer(const cli_transfer *transfer)
{
	fs_buffer	line = {0};

	cli_write_member(&line, "{\"imported_batches\": ", transfer->imported_batches);
	cli_write_member(&line, ", \"imported_facts\": ", transfer->imported_facts);
	if (transfer->imported_redactions > 0)
		cli_write_member(&line, ", \"imported_redactions\": ", transfer->imported_redactions);
	fs_buffer_append_text(&line, ", \"last_sequence_number\": ");
	fs_write_integer_or_null(&line, transfer->head);
	fs_buffer_append_text(&line, "}");
	(void) cli_print(&line);
	free(line.data);
}

/* Batches without numbers must not simply be repeated. */
static void
cli_hint_at_line(const cli_transfer *transfer)
{
	if (transfer->lines == 0)
		cli_hint("It is unknown whether any of the file was imported.");
	else
		cli_hint("The file is imported up to line %" PRIu64 ". Continue with the next line: repeating lines "
				 "without an idempotency_key stores them again.", transfer->lines);
}

/* Asks the store, because batches that were sent when a connection broke may have arrived. */
static void
cli_hint_at_position(const cli_transfer *transfer, cli_status status)
{
	uint64_t	head;

	if (transfer->without_numbers && status != CLI_DONE)
		cli_hint_at_line(transfer);
	else if (factstr_context_version(transfer->store, NULL, &head, NULL) != FACTSTR_OK)
		cli_hint("Repeat the command to import the rest.");
	else if (status == CLI_DONE)
		cli_hint("The store has the facts up to %" PRIu64 ".", head);
	else if (head == transfer->start)
		cli_hint("Nothing has been imported.");
	else
		cli_hint("The store has the facts up to %" PRIu64 ". Repeat the command to import the "
				 "rest.", head);
}

cli_status
cli_transfer_end(cli_transfer *transfer, cli_status status)
{
	cli_status	ended;

	if (status == CLI_DONE && !cli_is_quiet())
		cli_print_transfer(transfer);
	ended = cli_output_end(status);
	if (ended != CLI_DONE)
		cli_hint_at_position(transfer, status);
	return ended;
}
