/*
 * stores/memory/stream_table.h
 *		The durable streams of the memory store, by name.  They last as long as it does.
 */
#ifndef FACTSTR_STORES_MEMORY_STREAM_TABLE_H
#define FACTSTR_STORES_MEMORY_STREAM_TABLE_H

#include <pthread.h>

#include "stores/store.h"

#define FS_LAST_ERROR_BYTES 512

typedef struct fs_memory_stream
{
	char	   *name;
	fs_query	query;
	uint64_t	cursor;
	uint64_t	claim;			/* the last one */
	bool		active;			/* the consumer with that claim has the name */
	int64_t		last_success_at;
	uint32_t	failure_count;
	char		last_error[FS_LAST_ERROR_BYTES];
	int64_t		last_failed_at; /* 0: never, and then there is no last error either */
	int64_t		retry_at;
} fs_memory_stream;

typedef struct fs_memory_streams
{
	pthread_mutex_t lock;		/* for all of this, including the streams */
	size_t		count;
	size_t		capacity;
	fs_memory_stream **streams;	/* ordered by name, byte by byte */
	uint64_t	claims;			/* the number of claims of all streams so far */
} fs_memory_streams;

/* Begins zeroed.  False if out of memory: then there is nothing to be destroyed. */
bool		fs_memory_streams_init(fs_memory_streams *streams);
void		fs_memory_streams_destroy(fs_memory_streams *streams);

void		fs_memory_streams_lock(fs_memory_streams *streams);
void		fs_memory_streams_unlock(fs_memory_streams *streams);

/* After a redaction: the messages of errors, which may quote payloads, are not kept. */
void		fs_memory_stream_erase_errors(fs_memory_streams *streams);

/*
 * With the lock
 */

/* NULL if there is none. */
fs_memory_stream *fs_memory_stream_find(const fs_memory_streams *streams, const char *name);

/* Makes the stream that is claimed, with a cursor to begin with. */
/*
 * partitions.c: makes the stream that is claimed and, if it is a partition, those that are to be made
 * with it.
 */
int			fs_memory_stream_make_claimed(fs_backend *backend, const fs_claim *claim,
										  fs_memory_stream **stream, factstr_error *error);
int			fs_memory_stream_make(fs_memory_streams *streams, const fs_claim *claim,
								  uint64_t cursor, fs_memory_stream **stream,
								  factstr_error *error);
void		fs_memory_stream_remove(fs_memory_streams *streams, fs_memory_stream *stream);
void		fs_memory_stream_set_cursor(fs_memory_stream *stream, uint64_t cursor);

#endif							/* FACTSTR_STORES_MEMORY_STREAM_TABLE_H */
