/*
 * batch_check.h
 *		Is what a store holds already what is to be brought into it?
 *
 * An import or copy that goes on, or is repeated, passes by the batches that the store has.  Their
 * numbers alone would not tell that they are of the same log.
 */
#ifndef FACTSTR_CLI_BATCH_CHECK_H
#define FACTSTR_CLI_BATCH_CHECK_H

#include <stdbool.h>

#include "factstr.h"

/* The hint of what finds that they are not. */
#define CLI_TWO_LOGS "They are two logs. Begin with an empty store, or with the right one."

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

#endif							/* FACTSTR_CLI_BATCH_CHECK_H */
