/*
 * api/import.h
 *		Imports batches, from structs or from JSON.
 */
#ifndef FACTSTR_API_IMPORT_H
#define FACTSTR_API_IMPORT_H

#include "factstr.h"

/*
 * facts_name is the caller's name for the facts of a batch, for errors.  The results begin zeroed, and *error is
 * filled on failure.
 */
int			fs_import(factstr_store *store, const factstr_batch *batches, size_t count,
					  const char *facts_name, factstr_append_result *result, factstr_error *error);
int			fs_import_redactions(factstr_store *store, const factstr_batch *batches, size_t count,
								 const char *facts_name, uint64_t *imported_count,
								 factstr_error *error);

#endif							/* FACTSTR_API_IMPORT_H */
