/*
 * streams/dispatcher.h
 *		Reads new facts once for all waiting streams, and wakes those with a match.
 *
 * A stream that has caught up waits here, with the position up to which it has looked.  The dispatcher's thread
 * waits for the hub, reads the batches after its own position, which is that of the stream with the longest lag
 * or higher, and matches each fact against the queries of all waiting streams. A stream that is woken looks for
 * itself; the positions of the others move forward.
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

/* Ends the thread.  No stream waits now or later. */
void		fs_dispatcher_stop(fs_dispatcher *dispatcher);

/*
 * The stream has looked at everything up to its position; count is that of the hub before it did so. False if it
 * must look again immediately.  Otherwise it waits from now on, until fs_dispatcher_leave; stream->is_called is set
 * when there is something for it.
 */
bool		fs_dispatcher_join(fs_dispatcher *dispatcher, factstr_stream *stream, uint64_t count);

/* Moves the position of a stream that continues to wait, and has it called whenever it moves further. */
void		fs_dispatcher_follow(fs_dispatcher *dispatcher, factstr_stream *stream);

/* Moves the stream's position past facts without a match. */
void		fs_dispatcher_leave(fs_dispatcher *dispatcher, factstr_stream *stream);

#endif							/* FACTSTR_STREAMS_DISPATCHER_H */
