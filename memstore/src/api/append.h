/*
 * api/append.h
 *		Appends checked events, and handles their options.
 */
#ifndef FACTSTR_API_APPEND_H
#define FACTSTR_API_APPEND_H

#include "input/events.h"
#include "stores/handle.h"

/* The options have been taken. */
int			fs_append_events(factstr_store *store, const fs_events *events,
							 const factstr_append_options *options, factstr_append_result *result,
							 factstr_error *error);

/* at_commit.c: can the store append over a connection that is not its own? */
int			fs_check_connection(const factstr_store *store, const void *connection,
								factstr_error *error);

#endif							/* FACTSTR_API_APPEND_H */
