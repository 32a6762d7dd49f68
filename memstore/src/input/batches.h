/*
 * input/batches.h
 *		The batches of an import in a JSON document.
 */
#ifndef FACTSTR_INPUT_BATCHES_H
#define FACTSTR_INPUT_BATCHES_H

#include "results/lists.h"

/*
 * Adds the batches of an array as factstr_json_export writes them.  Kinds and keys are checked; payloads, metadata,
 * keys and whether the numbers agree are not: factstr_import does that.  *batches must be zeroed before, and
 * released afterwards even after an error.
 */
int			fs_batches_of_json(const char *text, fs_batch_list *batches, factstr_error *error);

#endif							/* FACTSTR_INPUT_BATCHES_H */
