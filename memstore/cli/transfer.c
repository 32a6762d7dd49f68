/*
 * transfer.c
 *		What import and copy have in common.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "json_text.h"
#include "output.h"
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

int
cli_transfer_batches(cli_transfer *transfer, const factstr_batch *batches, size_t count,
					 factstr_error *error)
{
	int			code = factstr_import(transfer->store, batches, count, error);

	if (code != FACTSTR_OK || count == 0)
		return code;
	transfer->imported_batches += count;
	transfer->imported_facts += batches[count - 1].last_sequence_number -
		batches[0].first_sequence_number + 1;
	transfer->head = batches[count - 1].last_sequence_number;
	return FACTSTR_OK;
}

static void
cli_write_member(fs_buffer *out, const char *key, uint64_t number)
{
	fs_buffer_append_text(out, key);
	fs_write_integer(out, number);
}

cli_status
cli_transfer_end(const cli_transfer *transfer)
{
	fs_buffer	line = {0};

	cli_write_member(&line, "{\"imported_batches\": ", transfer->imported_batches);
	cli_write_member(&line, ", \"imported_facts\": ", transfer->imported_facts);
	fs_buffer_append_text(&line, ", \"last_sequence_number\": ");
	fs_write_integer_or_null(&line, transfer->head);
	fs_buffer_append_text(&line, "}");
	(void) cli_print(&line);
	free(line.data);
	return CLI_DONE;
}

void
cli_transfer_hint(const cli_transfer *transfer)
{
	if (transfer->imported_batches > 0)
		cli_hint("The store has got facts %" PRIu64 " to %" PRIu64 ". Repeated, the command goes "
				 "on after them.", transfer->start + 1, transfer->head);
}
