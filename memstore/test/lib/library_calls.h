/*
 * library_calls.h
 *		Calls of the library, each with all that it needs, for tests that let them fail.
 */
#ifndef FACTSTR_TEST_LIBRARY_CALLS_H
#define FACTSTR_TEST_LIBRARY_CALLS_H

#include "stores.h"

/* In each append and import. */
#define CALL_EVENT_COUNT 2

/* The store that is called, and the state that calls need. */
typedef struct call_target
{
	const char *url;
	factstr_store *store;		/* the handle that is called */
	uint64_t	head;			/* the newest fact before the call */
	uint64_t	seen;			/* the newest that the stream's handler has had */
	bool		has_gap;		/* it has not had all of them */
	char		key[80];		/* of this call: an idempotency key, or a stream's name */
} call_target;

typedef int (*library_call) (call_target *on, factstr_error *error);

/* Opening is a call too, without a handle. */
int			call_open(call_target *on, factstr_error *error);

/* Calls that append. */
int			call_append(call_target *on, factstr_error *error);
int			call_json_append(call_target *on, factstr_error *error);
int			call_import(call_target *on, factstr_error *error);

/* Right only until it has succeeded: a repetition is found by its key. */
int			call_append_if(call_target *on, factstr_error *error);
int			call_json_append_if(call_target *on, factstr_error *error);

/* Calls that read; success with a wrong answer is FACTSTR_STORAGE. */
int			call_query(call_target *on, factstr_error *error);
int			call_context_version(call_target *on, factstr_error *error);
int			call_newest(call_target *on, factstr_error *error);
int			call_json_newest(call_target *on, factstr_error *error);
int			call_cursor(call_target *on, factstr_error *error);
int			call_batches(call_target *on, factstr_error *error);
int			call_export(call_target *on, factstr_error *error);
int			call_json_query(call_target *on, factstr_error *error);

/* Streams, which are opened and freed. */
int			call_live_stream(call_target *on, factstr_error *error);
int			call_durable_stream(call_target *on, factstr_error *error);
int			call_transactional_stream(call_target *on, factstr_error *error);
int			call_json_stream(call_target *on, factstr_error *error);

/*
 * Calls about a stream that stands at the beginning, with words of a failure, which the first one
 * makes.  A drop that is repeated may find it gone.
 */
void		call_make_standing_stream(const call_target *on);
int			call_streams(call_target *on, factstr_error *error);
int			call_json_streams(call_target *on, factstr_error *error);
int			call_seek(call_target *on, factstr_error *error);
int			call_wait(call_target *on, factstr_error *error);
int			call_drop(call_target *on, factstr_error *error);

#endif							/* FACTSTR_TEST_LIBRARY_CALLS_H */
