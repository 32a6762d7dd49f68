/*
 * transfer.h
 *		What import and copy have in common: bringing a log into a store, and what came of it.
 */
#ifndef FACTSTR_CLI_TRANSFER_H
#define FACTSTR_CLI_TRANSFER_H

#include "factstr.h"

#include "messages.h"

typedef struct cli_transfer
{
	factstr_store *store;		/* the one that is brought up */
	uint64_t	head;			/* its newest fact */
	uint64_t	start;			/* what that was in the beginning */
	uint64_t	imported_batches;
	uint64_t	imported_facts;
} cli_transfer;

/* Begins with a store that has been opened. */
int			cli_transfer_begin(cli_transfer *transfer, factstr_store *store, factstr_error *error);

/* Brings in batches, all or none. */
int			cli_transfer_batches(cli_transfer *transfer, const factstr_batch *batches, size_t count,
								 factstr_error *error);

/* Prints on stdout what has been done. */
cli_status	cli_transfer_end(const cli_transfer *transfer);

/* After an error: what can be done about it. */
void		cli_transfer_hint(const cli_transfer *transfer);

#endif							/* FACTSTR_CLI_TRANSFER_H */
