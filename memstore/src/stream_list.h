/*
 * stream_list.h
 *		The streams of a store: which there are, and whether the store has to watch for them.
 *
 * Locks are taken in this order: the list's, a stream's, the hub's.  The watch has one of its own,
 * which is held while the store begins or ends to watch, and within which no other is taken.
 */
#ifndef FACTSTR_STREAM_LIST_H
#define FACTSTR_STREAM_LIST_H

#include <pthread.h>
#include <stdbool.h>

#include "factstr.h"

typedef struct fs_streams
{
	pthread_mutex_t mutex;
	pthread_cond_t emptied;		/* active has become NULL */

	/* What follows is guarded by mutex. */
	bool		is_closing;
	factstr_stream *active;		/* from the call that opens it until its work is done */
	factstr_stream *finished;	/* their threads have done their work, and are to be joined */

	pthread_mutex_t watch_mutex;
	size_t		watchers;		/* guarded by watch_mutex: who needs the store to watch */
} fs_streams;

bool		fs_streams_init(fs_streams *streams);
void		fs_streams_destroy(fs_streams *streams);

/* False if the store is being closed. */
bool		fs_streams_add(factstr_stream *stream);

/* A handler that waits for another stream must not wait for one that has been ended. */
bool		fs_streams_is_closing(factstr_store *store);

/* The work of a stream is done: its thread is only to be joined, or it never had one. */
void		fs_streams_finish(factstr_stream *stream);
void		fs_streams_remove(factstr_stream *stream);

/* Joins the threads that have done their work. */
void		fs_streams_join_finished(factstr_store *store);

/* Is another stream of that name about to give it up, without a handler that may take its time? */
bool		fs_streams_name_is_ending(factstr_stream *stream);

/* Ends all streams, and returns when no thread is left.  Not to be called from a handler. */
void		fs_streams_close(factstr_store *store);

/* The first to begin makes the store watch for what other processes commit, the last ends that. */
int			fs_watch_begin(factstr_store *store, factstr_error *error);
void		fs_watch_end(factstr_store *store);

#endif							/* FACTSTR_STREAM_LIST_H */
