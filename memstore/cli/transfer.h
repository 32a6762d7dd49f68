/*
 * transfer.h
 *		Shared by import and copy: bringing a log into a store, and reporting the result.
 */
#ifndef FACTSTR_CLI_TRANSFER_H
#define FACTSTR_CLI_TRANSFER_H

#include "factstr.h"

#include "cli.h"

typedef struct cli_transfer
{
	factstr_store *store;		/* the one that is brought up */
	uint64_t	head;			/* its newest fact */
	uint64_t	start;			/* its value in the beginning */
	uint64_t	imported_batches;
	uint64_t	imported_facts;
	uint64_t	imported_redactions;	/* of facts that were there */
	bool		without_numbers;	/* so that the store cannot tell which batches of a file it has, */
	uint64_t	lines;			/* of which these lines were imported */
} cli_transfer;

/* Begins with a store that has been opened. */
int			cli_transfer_begin(cli_transfer *transfer, factstr_store *store, factstr_error *error);

/* Brings in batches, all or none. */
int			cli_transfer_batches(cli_transfer *transfer, const factstr_batch *batches, size_t count,
								 factstr_error *error);

/*
 * Ends the command's output, and with it the transfer: prints the result on stdout or, after
 * an error, the newest fact of the store on stderr.  Returns the command's status.
 */
cli_status	cli_transfer_end(cli_transfer *transfer, cli_status status);

#endif							/* FACTSTR_CLI_TRANSFER_H */
