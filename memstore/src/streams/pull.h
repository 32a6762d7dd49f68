/*
 * streams/pull.h
 *		Streams without a handler: their caller requests batches, and acknowledges them.
 *
 * Such a stream has no thread.  While a call is in it, is_running is set, as for a handler; so ending the stream
 * waits for the call, and the call may use the store.
 */
#ifndef FACTSTR_STREAMS_PULL_H
#define FACTSTR_STREAMS_PULL_H

#include "streams/stream.h"

/*
 * A call begins: FACTSTR_OK, and then it has to leave; or the reason why the stream has ended, or FACTSTR_MISUSE if
 * the stream has a handler or another thread is in a call.
 */
int			fs_pull_enter(factstr_stream *stream, factstr_error *error);
void		fs_pull_leave(factstr_stream *stream);

/*
 * The next batches after those that were returned before, at most max_batches.  Waits for them until the deadline,
 * or the end of the stream or the call.  None in time is FACTSTR_OK, too.
 */
int			fs_pull_next(factstr_stream *stream, size_t max_batches, int64_t deadline,
						 fs_batch_list *batches, factstr_error *error);

/* Batches after a position are returned again by the next call, as if they were new. */
void		fs_pull_take_back(factstr_stream *stream, uint64_t position);

/* Everything up to this fact, which was returned, is processed. */
int			fs_pull_ack(factstr_stream *stream, uint64_t sequence_number, factstr_error *error);

/* Unacknowledged batches are returned again; *words is the reason. */
int			fs_pull_fail(factstr_stream *stream, const factstr_error *words, factstr_error *error);

/* Ends a stream that has been stopped, and waits for the current call. */
void		fs_pull_end(factstr_stream *stream);

/* The same, but waits only until the deadline: then false, and the current call ends it when it leaves. */
bool		fs_pull_end_within(factstr_stream *stream, int64_t deadline);

/* A descriptor that is readable while there may be something for the next call. */
int			fs_pull_fd(factstr_stream *stream, int *fd, factstr_error *error);

#endif							/* FACTSTR_STREAMS_PULL_H */
