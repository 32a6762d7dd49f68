/*
 * stores/memory/log.c
 *		The log up to its head, for the search of stores/local/search.h.
 */
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/postings.h"

static int
fs_seek_term(void *store, fs_term term, uint64_t position, bool backwards, uint64_t *found,
			 factstr_error *error)
{
	fs_backend *backend = store;

	(void) error;
	*found = fs_postings_seek(&backend->postings, term, position, backwards);
	return FACTSTR_OK;
}

static int
fs_fetch_fact(void *store, uint64_t sequence_number, fs_stored_fact *fact, factstr_error *error)
{
	const fs_backend *backend = store;
	const fs_memory_batch *batch = fs_memory_log_batch_of(&backend->log, sequence_number);

	(void) error;
	fact->fact = fs_memory_batch_fact(batch, sequence_number);
	fact->batch_first = batch->first_sequence_number;
	return FACTSTR_OK;
}

static int
fs_find_batch_last(void *store, uint64_t batch_first, uint64_t *batch_last, factstr_error *error)
{
	const fs_backend *backend = store;

	(void) error;
	*batch_last = fs_memory_batch_last(fs_memory_log_batch_of(&backend->log, batch_first));
	return FACTSTR_OK;
}

fs_local_log
fs_memory_local_log(fs_backend *backend)
{
	return (fs_local_log) {
		.store = backend,
		.head = fs_memory_log_head(&backend->log),
		.seek = fs_seek_term,
		.fetch = fs_fetch_fact,
		.batch_last = fs_find_batch_last
	};
}
