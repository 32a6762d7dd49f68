/*
 * export_file.h
 *		A file that an export wrote, and that the next one goes on with.
 */
#ifndef FACTSTR_CLI_EXPORT_FILE_H
#define FACTSTR_CLI_EXPORT_FILE_H

#include <stdbool.h>

#include "factstr.h"

/*
 * Makes a file ready to be appended to: compares its last batch with the store's, and then cuts off
 * what may follow it, a line that was not written to its end.  *after is the number of its newest
 * fact, 0 if there is no such file or nothing in it.  False after an error that has been printed.
 */
bool		cli_resume_file(const char *name, factstr_store *store, uint64_t *after);

#endif							/* FACTSTR_CLI_EXPORT_FILE_H */
