/*
 * api/append.h
 *		Appending events that have been checked.
 */
#ifndef FACTSTR_API_APPEND_H
#define FACTSTR_API_APPEND_H

#include "input/events.h"
#include "stores/handle.h"
#include "stores/store.h"

/* What goes with the events of an append. */
typedef struct fs_append_terms
{
	fs_append_condition condition;
	const char *context_query;	/* or NULL: every fact */
	uint64_t	context_number; /* as the caller has given it */
	const char *idempotency_key;	/* or NULL */
	void	   *connection;		/* with the transaction at whose commit it is made; or NULL */
} fs_append_terms;

int			fs_append_structs(factstr_store *store, const factstr_event *events, size_t count,
							  const fs_append_terms *terms, factstr_append_result *result,
							  factstr_error *error);

int			fs_append_events(factstr_store *store, const fs_events *events,
							 const fs_append_terms *terms, factstr_append_result *result,
							 factstr_error *error);

#endif							/* FACTSTR_API_APPEND_H */
