/*
 * batch_reader.h
 *		Reading a log batch by batch, or by pages that fit into memory, and comparing it.
 *
 * An import or copy that is continued or repeated skips the batches that the store has.  Their
 * numbers alone would not show that they belong to the same log.
 */
#ifndef FACTSTR_CLI_BATCH_READER_H
#define FACTSTR_CLI_BATCH_READER_H

#include <stddef.h>

#include "factstr.h"

/* The hint if they do not. */
#define CLI_TWO_LOGS "They are two logs. Begin with an empty store, or with the right one."

/* The size of the text for one call of the store, or one transaction. */
#define CLI_PAGE_BYTES (1024 * 1024)

/*
 * The next batches after a position, as many as make up about a page judging by those before.
 * *list is for factstr_batch_list_free; it is empty at the end of the log.
 */
int			cli_export_page(factstr_store *store, uint64_t after, factstr_batch_list **list,
							factstr_error *error);

/* Reads a store's batches one after the other; begins zeroed, but for the store. */
typedef struct cli_batch_reader
{
	factstr_store *store;
	uint64_t	position;		/* the next batch comes after this fact */
	factstr_batch_list *list;
	size_t		next;			/* in the list */
} cli_batch_reader;

/* The next batch, NULL at the end; it is valid until the next call. */
int			cli_batch_reader_next(cli_batch_reader *reader, const factstr_batch **batch,
								  factstr_error *error);
void		cli_batch_reader_release(cli_batch_reader *reader);

/*
 * Fails unless the store of the reader has exactly this batch; where the reader stands is no
 * matter, but reading on is cheap if it stands before it.  Errors: FACTSTR_MALFORMED if it has not.
 */
int			cli_check_batch_is_there(cli_batch_reader *reader, const factstr_batch *batch,
									 factstr_error *error);

#endif							/* FACTSTR_CLI_BATCH_READER_H */
