/*
 * error.h
 *		Filling the caller's error.
 */
#ifndef FACTSTR_ERROR_H
#define FACTSTR_ERROR_H

#include "factstr.h"

#include "match/input_error.h"

/*
 * Fills *error, if it is not NULL, with a code and a message, and clears the rest.  Returns the
 * code.
 */
int			fs_error(factstr_error *error, factstr_code code, const char *format,...)
			__attribute__((format(printf, 3, 4)));

/* Adds to an error that was just filled. */
void		fs_error_detail(factstr_error *error, const char *format,...)
			__attribute__((format(printf, 2, 3)));
void		fs_error_hint(factstr_error *error, const char *format,...)
			__attribute__((format(printf, 2, 3)));

int			fs_error_no_memory(factstr_error *error);

/* An argument that is required is NULL. */
int			fs_error_misuse_null(factstr_error *error, const char *argument);

/* The same conflict, in the same words, from every store.  Versions: 0 for empty. */
int			fs_error_conflict(factstr_error *error, uint64_t expected_context_version,
							  uint64_t actual_context_version);

/* What a parser said of some input, which is called what: "events", "event_query". */
int			fs_error_of_input(factstr_error *error, const char *what,
							  const fs_input_error *input_error);

/* Errors of durable streams, in the same words from every store. */
int			fs_error_stream_active(factstr_error *error, const char *name);
int			fs_error_stream_query_differs(factstr_error *error, const char *name);
int			fs_error_no_such_stream(factstr_error *error, const char *name);

int			fs_error_idempotency_key_reused(factstr_error *error);

#endif							/* FACTSTR_ERROR_H */
