/*
 * streams/list.h
 *		The streams of a store, and whether the store has to watch for commits of other processes.
 *
 * Locks are taken in this order: the list's, the dispatcher's, a stream's, the hub's.  The watch has a separate
 * lock, which is held while the store begins or ends to watch, and within which no other is taken.
 */
#ifndef FACTSTR_STREAMS_LIST_H
#define FACTSTR_STREAMS_LIST_H

#include <stdbool.h>

#include "stores/handle.h"
#include "streams/dispatcher.h"

/* NULL if out of memory.  The store has its hub. */
fs_streams *fs_streams_new(factstr_store *store);
void		fs_streams_free(fs_streams *streams);

/* The thread that reads for streams that have caught up. */
fs_dispatcher *fs_streams_dispatcher(const factstr_store *store);

/* False if the store is being closed. */
bool		fs_streams_add(factstr_stream *stream);

/*
 * The reason to end a call that waits for a stream, or replays one, as fs_calls_check has it.  While the store is
 * being closed, no handler may wait either: waiting for an ended stream would never end.
 */
int			fs_streams_check(factstr_store *store, factstr_error *error);

/* The work of a stream is done: its thread has only to be joined, or it never had one. */
void		fs_streams_finish(factstr_stream *stream);
void		fs_streams_remove(factstr_stream *stream);

/* Joins the threads that have finished. */
void		fs_streams_join_finished(factstr_store *store);

/* Is another stream with that name about to release it, without a handler that may take long? */
bool		fs_streams_name_is_ending(factstr_stream *stream);

/* From now on no stream can be opened, and nothing waits for one. */
void		fs_streams_begin_closing(factstr_store *store);

/*
 * Ends all streams, each when it has delivered everything up to a fact, or at the deadline, and returns when no
 * thread is left: FACTSTR_OK, or FACTSTR_WAIT_TIMED_OUT if one has not got that far. end_pulled ends the pulled
 * ones.  Must not be called from a handler.
 */
int			fs_streams_close(factstr_store *store, uint64_t up_to, int64_t deadline,
							 void (*end_pulled) (factstr_stream *));

/* The first call makes the store watch for commits of other processes, the last one ends that. */
int			fs_watch_begin(factstr_store *store, factstr_error *error);
void		fs_watch_end(factstr_store *store);

#endif							/* FACTSTR_STREAMS_LIST_H */
