/*
 * memory_streams.h
 *		The durable streams of the memory store, which last as long as it does.
 */
#ifndef FACTSTR_MEMORY_STREAMS_H
#define FACTSTR_MEMORY_STREAMS_H

#include <pthread.h>

#include "store.h"

typedef struct fs_memory_streams
{
	pthread_mutex_t lock;		/* for all of this, and what is in the streams */
	size_t		count;
	size_t		capacity;
	struct fs_memory_stream **streams;	/* ordered by name, byte by byte */
	uint64_t	claims;			/* so many were there, of whatever stream */
} fs_memory_streams;

/* Begins zeroed.  False if out of memory: then there is nothing to be destroyed. */
bool		fs_memory_streams_init(fs_memory_streams *streams);
void		fs_memory_streams_destroy(fs_memory_streams *streams);

/* What fs_methods says of them. */
int			fs_memory_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
								   uint64_t *cursor, factstr_error *error);
int			fs_memory_stream_begin(fs_lease *lease, void **transaction, factstr_error *error);
int			fs_memory_stream_move(fs_lease *lease, uint64_t cursor, bool delivered,
								  factstr_error *error);
int			fs_memory_stream_fail(fs_lease *lease, const char *words, int64_t retry_at,
								  factstr_error *error);
int			fs_memory_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error);
void		fs_memory_stream_release(fs_lease *lease);
int			fs_memory_stream_list(fs_backend *backend, fs_stream_list *streams,
								  factstr_error *error);
int			fs_memory_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
									factstr_error *error);
int			fs_memory_stream_seek(fs_backend *backend, const char *name,
								  uint64_t sequence_number, factstr_error *error);
int			fs_memory_stream_drop(fs_backend *backend, const char *name, factstr_error *error);

#endif							/* FACTSTR_MEMORY_STREAMS_H */
