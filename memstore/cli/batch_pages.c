/*
 * batch_pages.c
 *		Reading a log by pages that fit into memory.
 */
#include <string.h>

#include "batch_pages.h"

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
