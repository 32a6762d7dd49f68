/*
 * batch_reader.c
 *		Reading a log batch by batch, or by pages that fit into memory, and comparing it.
 */
#include <inttypes.h>
#include <string.h>

#include "batch_reader.h"
#include "batch_text.h"
#include "errors.h"

#define CLI_FIRST_PAGE 32
#define CLI_LARGEST_PAGE 4096

/* How many batches to ask for; one log is read at a time, or two that are alike. */
static size_t cli_page_batches = CLI_FIRST_PAGE;

static size_t
cli_fact_bytes(const factstr_fact *fact)
{
	return sizeof(factstr_fact) + strlen(fact->event_type) + strlen(fact->payload) +
		(fact->metadata != NULL ? strlen(fact->metadata) : 0);
}

static size_t
cli_list_bytes(const factstr_batch_list *list)
{
	size_t		bytes = 0;

	for (size_t i = 0; i < list->count; i++)
	{
		for (size_t j = 0; j < list->batches[i].fact_count; j++)
			bytes += cli_fact_bytes(&list->batches[i].facts[j]);
	}
	return bytes;
}

/* Grows slowly, because large batches may follow small ones, and shrinks at once. */
static void
cli_adjust_page(const factstr_batch_list *list)
{
	size_t		bytes = cli_list_bytes(list);
	size_t		fitting;

	if (bytes == 0)
		return;
	fitting = (size_t) ((double) CLI_PAGE_BYTES * (double) list->count / (double) bytes);
	if (fitting > cli_page_batches * 2)
		fitting = cli_page_batches * 2;
	if (fitting > CLI_LARGEST_PAGE)
		fitting = CLI_LARGEST_PAGE;
	cli_page_batches = fitting > 0 ? fitting : 1;
}

int
cli_export_page(factstr_store *store, uint64_t after, factstr_batch_list **list,
				factstr_error *error)
{
	int			code = factstr_export(store, after, cli_page_batches, list, error);

	if (code == FACTSTR_OK)
		cli_adjust_page(*list);
	return code;
}

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
	const factstr_batch *there = NULL;
	bool		equal = false;
	int			code;

	cli_batch_reader_seek(reader, batch->first_sequence_number - 1);
	code = cli_batch_reader_next(reader, &there, error);
	if (code == FACTSTR_OK && there != NULL)
		code = cli_batches_equal(there, batch, &equal, error);
	if (code != FACTSTR_OK || equal)
		return code;
	if (there != NULL && there->redaction_count > batch->redaction_count)
	{
		(void) cli_error(error, FACTSTR_MALFORMED,
						 "batch %" PRIu64 " to %" PRIu64 " has been redacted since it was exported",
						 batch->first_sequence_number, batch->last_sequence_number);
		cli_error_hint(error, "The compared file or store contains erased text, or is another log. Export "
					   "again.");
		return FACTSTR_MALFORMED;
	}
	(void) cli_error(error, FACTSTR_MALFORMED,
					 "the store has different content for batch %" PRIu64 " to %" PRIu64,
					 batch->first_sequence_number, batch->last_sequence_number);
	cli_error_hint(error, CLI_TWO_LOGS);
	return FACTSTR_MALFORMED;
}
