/*
 * api/redaction.h
 *		Erases the content of facts, and records it.
 */
#ifndef FACTSTR_API_REDACTION_H
#define FACTSTR_API_REDACTION_H

#include "factstr.h"

/* The redactions of a batch that is to be imported; path is the batch's, for messages. */
int			fs_check_redactions(const factstr_batch *batch, const char *path, factstr_error *error);

#endif							/* FACTSTR_API_REDACTION_H */
