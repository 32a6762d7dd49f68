/*
 * batch_check.c
 *		Is what a store holds already what is to be brought into it?
 */
#include <inttypes.h>
#include <stddef.h>

#include "batch_check.h"
#include "batch_pages.h"
#include "error.h"
#include "record.h"

int
cli_batch_reader_next(cli_batch_reader *reader, const factstr_batch **batch, factstr_error *error)
{
	*batch = NULL;
	if (reader->list == NULL || reader->next == reader->list->count)
	{
		int			code;

		factstr_batch_list_free(reader->list);
		reader->list = NULL;
		reader->next = 0;
		code = cli_export_page(reader->store, reader->position, &reader->list, error);
		if (code != FACTSTR_OK)
			return code;
	}
	if (reader->next == reader->list->count)
		return FACTSTR_OK;
	*batch = &reader->list->batches[reader->next++];
	reader->position = (*batch)->last_sequence_number;
	return FACTSTR_OK;
}

void
cli_batch_reader_release(cli_batch_reader *reader)
{
	factstr_batch_list_free(reader->list);
	reader->list = NULL;
}

static void
cli_batch_reader_seek(cli_batch_reader *reader, uint64_t position)
{
	if (reader->position == position)
		return;
	cli_batch_reader_release(reader);
	reader->position = position;
}

int
cli_check_batch_is_there(cli_batch_reader *reader, const factstr_batch *batch,
						 factstr_error *error)
{
	const factstr_batch *there;
	bool		equal = false;
	int			code;

	cli_batch_reader_seek(reader, batch->first_sequence_number - 1);
	code = cli_batch_reader_next(reader, &there, error);
	if (code == FACTSTR_OK && there != NULL)
		code = cli_batches_equal(there, batch, &equal, error);
	if (code != FACTSTR_OK || equal)
		return code;
	(void) fs_error(error, FACTSTR_MALFORMED,
					"the store has something else in place of batch %" PRIu64 " to %" PRIu64,
					batch->first_sequence_number, batch->last_sequence_number);
	fs_error_hint(error, CLI_TWO_LOGS);
	return FACTSTR_MALFORMED;
}
