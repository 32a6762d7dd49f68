/*
 * streams/dispatcher.h
 *		Reads what is new once for all streams that wait, and wakes those that it concerns.
 *
 * A stream that has caught up waits here, with the position up to which it has looked.  The
 * dispatcher's thread waits for the hub, reads the batches after its own position, which is that of
 * the stream furthest behind or higher, and matches each fact against the queries of all that wait.
 * A stream that is woken looks for itself; one that is not has its position moved on.
 */
#ifndef FACTSTR_STREAMS_DISPATCHER_H
#define FACTSTR_STREAMS_DISPATCHER_H

#include "stores/handle.h"

typedef struct fs_dispatcher fs_dispatcher;

/* NULL if out of memory.  It belongs to the store's streams. */
fs_dispatcher *fs_dispatcher_new(factstr_store *store);

/* NULL is harmless.  Its thread does not run. */
void		fs_dispatcher_free(fs_dispatcher *dispatcher);

/* Starts its thread, if that has not been done. */
int			fs_dispatcher_start(fs_dispatcher *dispatcher, factstr_error *error);

/* Ends the thread.  No stream waits any more, and none will. */
void		fs_dispatcher_stop(fs_dispatcher *dispatcher);

/*
 * The stream has looked at everything up to its position; count is that of the hub before it did so.
 * False if it has to look again at once.  Otherwise it waits from now on, until fs_dispatcher_leave;
 * stream->is_called is set when there is something for it.
 */
bool		fs_dispatcher_join(fs_dispatcher *dispatcher, factstr_stream *stream, uint64_t count);

/*
 * Moves the position on of a stream that goes on waiting, and has it called whenever it moves further.
 */
void		fs_dispatcher_follow(fs_dispatcher *dispatcher, factstr_stream *stream);

/* Moves the stream's position on over what did not concern it. */
void		fs_dispatcher_leave(fs_dispatcher *dispatcher, factstr_stream *stream);

#endif							/* FACTSTR_STREAMS_DISPATCHER_H */
