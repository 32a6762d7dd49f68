/*
 * stores/memory/backend.h
 *		The parts of the memory store.
 *
 * Facts do not move and change only when they are redacted, so reading takes no lock but, for a moment,
 * that of a part of the index: it passes the gate, which a redaction closes.  Appends take turns; all
 * they can do before their turn, they do before.
 */
#ifndef FACTSTR_STORES_MEMORY_BACKEND_H
#define FACTSTR_STORES_MEMORY_BACKEND_H

#include <pthread.h>

#include "base/arena.h"
#include "stores/hub.h"
#include "stores/local/log.h"
#include "stores/memory/facts.h"
#include "stores/memory/gate.h"
#include "stores/memory/keys.h"
#include "stores/memory/postings.h"
#include "stores/memory/redactions.h"
#include "stores/memory/stream_table.h"

struct fs_backend
{
	fs_hub	   *hub;
	fs_gate		gate;			/* passed by every call that looks at facts or redactions */
	pthread_mutex_t appending;	/* held while facts are added, and for the keys and the pool */

	/*
	 * Batches and short lists of postings, which are small pieces that are never freed.  They are kept
	 * apart from short-lived memory, so that they do not fragment it.
	 */
	fs_arena	pool;
	fs_memory_log log;
	fs_postings postings;
	fs_memory_keys keys;
	fs_memory_redactions redactions;
	fs_memory_streams streams;
};

/* log.c: the log up to its head, for the search. */
fs_local_log fs_memory_local_log(fs_backend *backend);

/* append.c */
int			fs_memory_append(fs_backend *backend, const fs_append *append,
							 factstr_append_result *result, factstr_error *error);

/* Imports all of the batches without their redactions, within the gate or with it closed. */
int			fs_memory_import_batches(fs_backend *backend, const factstr_batch *batches,
									 fs_append_event *const *events, size_t count,
									 factstr_append_result *result, factstr_error *error);

/* import.c */
int			fs_memory_import(fs_backend *backend, const factstr_batch *batches,
							 fs_append_event *const *events, size_t count,
							 factstr_append_result *result, factstr_error *error);

/* redact.c */
int			fs_memory_redact(fs_backend *backend, const fs_redaction *redaction,
							 bool *traces_remain, factstr_error *error);
int			fs_memory_redaction_list(fs_backend *backend, uint64_t after, size_t max_count,
									 fs_redaction_list *redactions, factstr_error *error);
int			fs_memory_import_redactions(fs_backend *backend, const factstr_batch *batch,
										const fs_append_event *events, uint64_t *imported_count,
										factstr_error *error);

/* Within the gate: adds the redactions of facts first to last to their batches; false: no memory. */
bool		fs_memory_export_redactions(const fs_backend *backend, uint64_t first, uint64_t last,
										fs_batch_list *batches);

/* streams.c */
int			fs_memory_stream_list(fs_backend *backend, fs_stream_list *streams,
								  factstr_error *error);
int			fs_memory_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									factstr_error *error);
int			fs_memory_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
								  uint64_t sequence_number, factstr_error *error);
int			fs_memory_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
								  factstr_error *error);

/* leases.c */
int			fs_memory_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								   uint64_t *cursor, factstr_error *error);
int			fs_memory_stream_begin(fs_lease *lease, void **transaction, factstr_error *error);
int			fs_memory_stream_move(fs_lease *lease, uint64_t cursor, bool delivered,
								  factstr_error *error);
int			fs_memory_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
								  factstr_error *error);
int			fs_memory_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error);
void		fs_memory_stream_release(fs_lease *lease);

#endif							/* FACTSTR_STORES_MEMORY_BACKEND_H */
