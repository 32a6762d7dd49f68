/*
 * redaction_follower.c
 *		Redactions made since a log was copied, applied to the copy.
 *
 * They are read in pages; the batch of each redacted fact is read in its current form, and imports
 * skip known redactions.
 */
#include "redaction_follower.h"

#define CLI_PAGE_REDACTIONS 1000

/* Reads the batch that a fact is in. */
static int
cli_take_batch_of(factstr_store *store, uint64_t sequence_number, cli_redacted_function take,
				  void *context, uint64_t *last, factstr_error *error)
{
	factstr_batch_list *list;
	int			code = factstr_export(store, sequence_number - 1, 1, &list, error);

	if (code != FACTSTR_OK)
		return code;
	*last = sequence_number;
	if (list->count > 0)
	{
		*last = list->batches[0].last_sequence_number;
		code = take(&list->batches[0], context, error);
	}
	factstr_batch_list_free(list);
	return code;
}

int
cli_each_redacted_batch(factstr_store *store, uint64_t up_to, cli_redacted_function take,
						void *context, factstr_error *error)
{
	uint64_t	done = 0;
	int			code = FACTSTR_OK;
	bool		goes_on = true;

	while (code == FACTSTR_OK && goes_on)
	{
		factstr_redaction_list *list;

		code = factstr_redactions(store, done, CLI_PAGE_REDACTIONS, &list, error);
		if (code != FACTSTR_OK)
			return code;
		goes_on = list->count > 0 && list->redactions[list->count - 1].sequence_number <= up_to;
		for (size_t i = 0; code == FACTSTR_OK && i < list->count; i++)
		{
			uint64_t	number = list->redactions[i].sequence_number;

			if (number > done && number <= up_to)
				code = cli_take_batch_of(store, number, take, context, &done, error);
		}
		factstr_redaction_list_free(list);
	}
	return code;
}

typedef struct cli_following
{
	factstr_store *to;
	uint64_t	imported;
} cli_following;

static int
cli_import_redacted(const factstr_batch *batch, void *context, factstr_error *error)
{
	cli_following *following = context;
	uint64_t	imported;
	int			code = factstr_import_redactions(following->to, batch, 1, &imported, error);

	following->imported += imported;
	return code;
}

int
cli_follow_redactions(factstr_store *from, factstr_store *to, uint64_t up_to, uint64_t *imported,
					  factstr_error *error)
{
	cli_following following = {.to = to};
	int			code = cli_each_redacted_batch(from, up_to, cli_import_redacted, &following, error);

	*imported += following.imported;
	return code;
}
