/*
 * streams/pull.h
 *		Streams without a handler: their caller asks for batches, and acknowledges them.
 *
 * Such a stream has no thread.  While a call is in it, is_running is set, as it is for a handler; so
 * who ends the stream waits for the call, and the call may look into the store.
 */
#ifndef FACTSTR_STREAMS_PULL_H
#define FACTSTR_STREAMS_PULL_H

#include "streams/stream.h"

/*
 * A call begins: FACTSTR_OK, and then it is to leave; or why the stream has ended, or FACTSTR_MISUSE if
 * the stream has a handler or another thread is in a call.
 */
int			fs_pull_enter(factstr_stream *stream, factstr_error *error);
void		fs_pull_leave(factstr_stream *stream);

/*
 * The next batches after those that were given before, max_batches at most.  Waits for them until the
 * deadline, or the stream or the call ends.  None in time is FACTSTR_OK, too.
 */
int			fs_pull_next(factstr_stream *stream, size_t max_batches, int64_t deadline,
						 fs_batch_list *batches, factstr_error *error);

/* What was given after a position is given again by the next call, for which it is news. */
void		fs_pull_take_back(factstr_stream *stream, uint64_t position);

/* All up to this fact, which was given, is done with. */
int			fs_pull_ack(factstr_stream *stream, uint64_t sequence_number, factstr_error *error);

/* What is not acknowledged is given again; *words says why. */
int			fs_pull_fail(factstr_stream *stream, const factstr_error *words, factstr_error *error);

/* Ends a stream that has been stopped, and waits for the call that is in it. */
void		fs_pull_end(factstr_stream *stream);

/*
 * The same, but waits until the deadline only: then false, and the call that is in it ends it when it leaves.
 */
bool		fs_pull_end_within(factstr_stream *stream, int64_t deadline);

/* A descriptor that can be read from while there may be something for the next call. */
int			fs_pull_fd(factstr_stream *stream, int *fd, factstr_error *error);

#endif							/* FACTSTR_STREAMS_PULL_H */
