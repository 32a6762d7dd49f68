/*
 * stores/memory/store.c
 *		The store that lives as long as it is open, "memory:".
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/local/search.h"
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/keys.h"
#include "stores/memory/postings.h"
#include "stores/memory/stream_table.h"
#include "stores/store.h"

/* The sizes of the pool's chunks: a store keeps more than an append. */
#define FS_FIRST_CHUNK_BYTES 16000
#define FS_LARGEST_CHUNK_BYTES 1000000

/*
 * Opening and closing
 */

/* All locks or none. */
static bool
fs_init_locks(fs_backend *backend)
{
	if (pthread_mutex_init(&backend->appending, NULL) != 0)
		return false;
	if (!fs_postings_init(&backend->postings))
	{
		(void) pthread_mutex_destroy(&backend->appending);
		return false;
	}
	if (fs_memory_streams_init(&backend->streams))
	{
		if (fs_gate_init(&backend->gate))
			return true;
		fs_memory_streams_destroy(&backend->streams);
	}
	fs_postings_destroy(&backend->postings);
	(void) pthread_mutex_destroy(&backend->appending);
	return false;
}

static int
fs_memory_open(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	fs_backend *opened;

	if (*location != '\0')
	{
		(void) fs_error(error, FACTSTR_CANNOT_OPEN, "a memory store has no name and no options");
		fs_error_hint(error, "Its URL is \"memory:\".  For several logs, open several stores.");
		return FACTSTR_CANNOT_OPEN;
	}
	opened = calloc(1, sizeof(fs_backend));
	if (opened == NULL)
		return fs_error_no_memory(error);
	if (!fs_init_locks(opened))
	{
		free(opened);
		return fs_error_no_memory(error);
	}
	opened->hub = hub;
	opened->pool.first_chunk_bytes = FS_FIRST_CHUNK_BYTES;
	opened->pool.largest_chunk_bytes = FS_LARGEST_CHUNK_BYTES;
	opened->postings.pool = &opened->pool;
	*backend = opened;
	return FACTSTR_OK;
}

static void
fs_memory_close(fs_backend *backend)
{
	fs_memory_streams_destroy(&backend->streams);
	fs_memory_keys_release(&backend->keys);
	fs_postings_destroy(&backend->postings);
	fs_memory_log_release(&backend->log);
	fs_memory_redactions_release(&backend->redactions);
	fs_gate_destroy(&backend->gate);
	fs_arena_release(&backend->pool);
	(void) pthread_mutex_destroy(&backend->appending);
	free(backend);
}

/*
 * Reading
 */

static int
fs_memory_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts,
				uint64_t *version, factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_local_query(&log, query, facts, version, error);
	fs_gate_leave(&backend->gate);
	return code;
}

static int
fs_memory_context_version(fs_backend *backend, const fs_query *query, uint64_t *version,
						  factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_local_context_version(&log, query, version, error);
	fs_gate_leave(&backend->gate);
	return code;
}

static int
fs_memory_newest(fs_backend *backend, const fs_query *queries, size_t count, fs_fact_list *facts,
				 uint64_t *version, factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_local_newest(&log, queries, count, facts, version, error);
	fs_gate_leave(&backend->gate);
	return code;
}

static int
fs_memory_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	(void) error;
	*head = fs_memory_log_head(&backend->log);
	return FACTSTR_OK;
}

static int
fs_memory_read(fs_backend *backend, const fs_query *query, const fs_range *range,
			   fs_fact_list *facts, factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_local_read(&log, query, range, facts, error);
	fs_gate_leave(&backend->gate);
	return code;
}

static int
fs_memory_batches(fs_backend *backend, const fs_query *query, uint64_t after,
				  size_t max_batches, fs_batch_list *batches, uint64_t *searched,
				  factstr_error *error)
{
	fs_local_log log = fs_memory_local_log(backend);
	int			code;

	fs_gate_enter(&backend->gate);
	code = fs_local_batches(&log, query, after, max_batches, batches, searched, error);
	fs_gate_leave(&backend->gate);
	return code;
}

static bool
fs_export_batch(const fs_memory_batch *batch, fs_batch_list *batches)
{
	uint64_t	last = fs_memory_batch_last(batch);

	if (!fs_batch_list_begin(batches, batch->first_sequence_number, last, batch->idempotency_key))
		return false;
	for (uint64_t i = batch->first_sequence_number; i <= last; i++)
	{
		factstr_fact fact = fs_memory_batch_fact(batch, i);

		if (!fs_batch_list_add(batches, &fact))
			return false;
	}
	return true;
}

/* Within the gate: batches up to the head, with their redactions.  False if there is no memory. */
static bool
fs_export_batches(const fs_backend *backend, uint64_t after, size_t max_batches,
				  fs_batch_list *batches)
{
	uint64_t	head = fs_memory_log_head(&backend->log);
	uint64_t	last = after;

	while (last < head && batches->count < max_batches)
	{
		const fs_memory_batch *batch = fs_memory_log_batch_of(&backend->log, last + 1);

		if (!fs_export_batch(batch, batches))
			return false;
		last = fs_memory_batch_last(batch);
	}
	return batches->count == 0 ||
		fs_memory_export_redactions(backend, batches->batches[0].first_sequence_number, last, batches);
}

static int
fs_memory_export(fs_backend *backend, uint64_t after, size_t max_batches, fs_batch_list *batches,
				 factstr_error *error)
{
	bool		exported;

	fs_gate_enter(&backend->gate);
	exported = fs_export_batches(backend, after, max_batches, batches);
	fs_gate_leave(&backend->gate);
	return exported ? FACTSTR_OK : fs_error_no_memory(error);
}

/* No other process has a part in this store. */
static int
fs_memory_watch(fs_backend *backend, factstr_error *error)
{
	(void) backend;
	(void) error;
	return FACTSTR_OK;
}

static void
fs_memory_unwatch(fs_backend *backend)
{
	(void) backend;
}

const fs_methods fs_memory_store = {
	.open = fs_memory_open,
	.close = fs_memory_close,
	.append = fs_memory_append,
	.query = fs_memory_query,
	.context_version = fs_memory_context_version,
	.newest = fs_memory_newest,
	.head = fs_memory_head,
	.read = fs_memory_read,
	.batches = fs_memory_batches,
	.export_batches = fs_memory_export,
	.import_batches = fs_memory_import,
	.redact = fs_memory_redact,
	.redactions = fs_memory_redaction_list,
	.import_redactions = fs_memory_import_redactions,
	.watch = fs_memory_watch,
	.unwatch = fs_memory_unwatch,
	.stream_claim = fs_memory_stream_claim,
	.stream_begin = fs_memory_stream_begin,
	.stream_move = fs_memory_stream_move,
	.stream_fail = fs_memory_stream_fail,
	.stream_resume = fs_memory_stream_resume,
	.stream_release = fs_memory_stream_release,
	.streams = fs_memory_stream_list,
	.stream_cursor = fs_memory_stream_cursor,
	.stream_seek = fs_memory_stream_seek,
	.stream_drop = fs_memory_stream_drop
};
