/*
 * append.h
 *		Appending events that have been checked.
 */
#ifndef FACTSTR_APPEND_H
#define FACTSTR_APPEND_H

#include "events.h"
#include "handle.h"

/* What goes with the events of an append. */
typedef struct fs_append_terms
{
	bool		is_conditional;
	const char *context_query;	/* or NULL: every fact */
	const uint64_t *expected_context_version;	/* or NULL: the context is empty */
	const char *idempotency_key;	/* or NULL */
} fs_append_terms;

int			fs_append_events(factstr_store *store, const fs_events *events,
							 const fs_append_terms *terms, factstr_append_result *result,
							 factstr_error *error);

#endif							/* FACTSTR_APPEND_H */
