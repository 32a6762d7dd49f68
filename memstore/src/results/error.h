/*
 * results/error.h
 *		Filling the caller's error.
 */
#ifndef FACTSTR_RESULTS_ERROR_H
#define FACTSTR_RESULTS_ERROR_H

#include "factstr.h"

#include "base/current_call.h"
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

/* A handler has failed with a result and, perhaps, words. */
int			fs_error_of_handler(factstr_error *error, int result, const factstr_error *words);

int			fs_error_no_memory(factstr_error *error);

/* An argument that is required is NULL. */
int			fs_error_misuse_null(factstr_error *error, const char *argument);

/* A store's part of a conflict: the context's version, 0 if it is empty.  The API adds the rest. */
int			fs_error_conflict(factstr_error *error, uint64_t actual_context_version);

/* A parser's error in some input, whose name is "what": "events", "event_query". */
int			fs_error_of_input(factstr_error *error, const char *what,
							  const fs_input_error *input_error);

/* The code of a call that must end, by its state; FACTSTR_OK if it may continue. */
int			fs_error_of_call(factstr_error *error, fs_call_state state);

/* How matching ended: FACTSTR_OK if it was completed. */
int			fs_error_of_completion(factstr_error *error, fs_completion completion);

/* Errors of durable streams, in the same words from every store. */
int			fs_error_stream_active(factstr_error *error, const char *name);
int			fs_error_stream_query_differs(factstr_error *error, const char *name);
int			fs_error_is_partition(factstr_error *error, const char *name);
int			fs_error_no_such_stream(factstr_error *error, const char *name);

int			fs_error_idempotency_key_reused(factstr_error *error);

/* Errors of redactions: there is no such fact, or an import's is another fact. */
int			fs_error_no_such_fact(factstr_error *error, uint64_t sequence_number);
int			fs_error_other_fact(factstr_error *error, uint64_t sequence_number);

/*
 * Every public function has a local error, which stores may write to while they try, and
 * passes it to the caller only when it fails.  Returns the code.
 */
static inline int
fs_report(int code, const factstr_error *found, factstr_error *error)
{
	if (code != FACTSTR_OK && error != NULL)
		*error = *found;
	return code;
}

#endif							/* FACTSTR_RESULTS_ERROR_H */
