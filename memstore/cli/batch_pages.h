/*
 * batch_pages.h
 *		Reading a log by pages that fit into memory.
 */
#ifndef FACTSTR_CLI_BATCH_PAGES_H
#define FACTSTR_CLI_BATCH_PAGES_H

#include "factstr.h"

/* As much text as is worth one call of the store, or one transaction. */
#define CLI_PAGE_BYTES (1024 * 1024)

/*
 * The next batches after a position, as many as make up about a page judging by those before.
 * *list is for factstr_batch_list_free; it is empty at the end of the log.
 */
int			cli_export_page(factstr_store *store, uint64_t after, factstr_batch_list **list,
							factstr_error *error);

#endif							/* FACTSTR_CLI_BATCH_PAGES_H */
