/*
 * streams/list.h
 *		The streams of a store: which there are, and whether the store has to watch for them.
 *
 * Locks are taken in this order: the list's, the dispatcher's, a stream's, the hub's.  The watch has one of its own,
 * which is held while the store begins or ends to watch, and within which no other is taken.
 */
#ifndef FACTSTR_STREAMS_LIST_H
#define FACTSTR_STREAMS_LIST_H

#include <stdbool.h>

#include "stores/handle.h"
#include "streams/dispatcher.h"

/* NULL if out of memory.  The store has its hub. */
fs_streams *fs_streams_new(factstr_store *store);
void		fs_streams_free(fs_streams *streams);

/* Who reads for those that have caught up. */
fs_dispatcher *fs_streams_dispatcher(const factstr_store *store);

/* False if the store is being closed. */
bool		fs_streams_add(factstr_stream *stream);

/*
 * Why a call that waits for a stream, or replays one, has to end, as fs_calls_check says it.  While
 * the store is being closed no handler may wait either: for a stream that has been ended that would
 * never end.
 */
int			fs_streams_check(factstr_store *store, factstr_error *error);

/* The work of a stream is done: its thread is only to be joined, or it never had one. */
void		fs_streams_finish(factstr_stream *stream);
void		fs_streams_remove(factstr_stream *stream);

/* Joins the threads that have done their work. */
void		fs_streams_join_finished(factstr_store *store);

/* Is another stream of that name about to give it up, without a handler that may take its time? */
bool		fs_streams_name_is_ending(factstr_stream *stream);

/* No stream can be opened from now on, and nothing waits for one. */
void		fs_streams_begin_closing(factstr_store *store);

/*
 * Ends all streams, each when it has delivered what there is up to a fact, or at the deadline, and
 * returns when no thread is left: FACTSTR_OK, or FACTSTR_WAIT_TIMED_OUT if one has not got that far.
 * Those that are pulled are ended by end_pulled.  Not to be called from a handler.
 */
int			fs_streams_close(factstr_store *store, uint64_t up_to, int64_t deadline,
							 void (*end_pulled) (factstr_stream *));

/* The first to begin makes the store watch for what other processes commit, the last ends that. */
int			fs_watch_begin(factstr_store *store, factstr_error *error);
void		fs_watch_end(factstr_store *store);

#endif							/* FACTSTR_STREAMS_LIST_H */
