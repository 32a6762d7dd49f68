/*
 * stores.h
 *		Actions of tests on a store of any kind.  An error ends the test.
 */
#ifndef FACTSTR_TEST_STORES_H
#define FACTSTR_TEST_STORES_H

#include "factstr.h"

#include "tap.h"

/* Options of one append: a key; or a condition on the context of a query, with a key or NULL. */
#define WITH_KEY(key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), .idempotency_key = (key)})
#define IF_VERSION(query, version, key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), \
		.condition = FACTSTR_APPEND_IF, .context_query = (query), \
		.expected_context_version = (version), .idempotency_key = (key)})
#define UNLESS_NEWER(query, number, key) \
	(&(factstr_append_options) {.size = sizeof(factstr_append_options), \
		.condition = FACTSTR_APPEND_UNLESS, .context_query = (query), \
		.after_sequence_number = (number), .idempotency_key = (key)})

factstr_store *store_open(const char *url);

/* Appends an event; payload NULL: {}.  Returns the code. */
int			store_append(factstr_store *store, const char *event_type, const char *payload,
						 factstr_error *error);

/* The same with an idempotency key. */
int			store_append_with_key(factstr_store *store, const char *event_type,
								  const char *payload, const char *key, factstr_error *error);

/* Appends a batch of so many events of one type, with {} as payload.  Returns the code. */
int			store_append_batch(factstr_store *store, const char *event_type, size_t count);

/* The newest fact; 0: there is none. */
uint64_t	store_head(factstr_store *store);

/* Where a durable stream is; UINT64_MAX if there is none of that name. */
uint64_t	store_cursor(factstr_store *store, const char *stream);

/*
 * The whole store as text, for comparing: batches, keys, facts, and the answers of the index for types
 * "t", "a" and "b" and payloads like {"common": true} and {"n": 3}.  The caller frees it.
 */
char	   *store_describe(factstr_store *store);

#endif							/* FACTSTR_TEST_STORES_H */
