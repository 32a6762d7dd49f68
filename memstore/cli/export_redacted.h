/*
 * export_redacted.h
 *		A file of an earlier export, whose facts have been redacted since.
 */
#ifndef FACTSTR_CLI_EXPORT_REDACTED_H
#define FACTSTR_CLI_EXPORT_REDACTED_H

#include <stdbool.h>

#include "factstr.h"

/*
 * Writes the file again if it holds batches that have been redacted in the store since: these as they are
 * now, the others as they stand there.  False after an error that has been printed; the file is as it was
 * then.
 */
bool		cli_export_follow_redactions(const char *name, factstr_store *store, bool canonical);

#endif							/* FACTSTR_CLI_EXPORT_REDACTED_H */
