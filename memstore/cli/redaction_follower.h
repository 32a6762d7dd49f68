/*
 * redaction_follower.h
 *		Redactions made since a log was copied, brought into the copy.
 */
#ifndef FACTSTR_CLI_REDACTION_FOLLOWER_H
#define FACTSTR_CLI_REDACTION_FOLLOWER_H

#include "factstr.h"

/* Those of facts up to this one, from one store to the other; *imported grows by how many are new there. */
int			cli_follow_redactions(factstr_store *from, factstr_store *to, uint64_t up_to,
								  uint64_t *imported, factstr_error *error);

/* Takes a batch of the store that has redactions, once; it is valid during the call. */
typedef int (*cli_redacted_function) (const factstr_batch *batch, void *context, factstr_error *error);
int			cli_each_redacted_batch(factstr_store *store, uint64_t up_to, cli_redacted_function take,
									void *context, factstr_error *error);

#endif							/* FACTSTR_CLI_REDACTION_FOLLOWER_H */
