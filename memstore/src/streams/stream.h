/*
 * streams/stream.h
 *		One stream, from the call that opens it until its handle is freed.
 *
 * A stream has three owners: its handle, which is the caller's; the list of the store, which releases it when its
 * thread has been joined; and the call that opens it, until that returns.  The last one to release it frees it.
 * So a handle outlives the store, and a handler may free its own, even during a replay.
 */
#ifndef FACTSTR_STREAMS_STREAM_H
#define FACTSTR_STREAMS_STREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "stores/handle.h"

struct factstr_stream
{
	/* Does not change once the stream is in its store's list. */
	factstr_store *store;		/* not to be used by the handle once has_ended is true */
	pid_t		process;		/* that has the store */
	char	   *name;			/* NULL: not durable */
	bool		is_transactional;
	bool		is_pulled;		/* it has neither handler nor thread; see pull.c */
	fs_query	query;
	factstr_handler handler;	/* one of these two, unless it is pulled */
	factstr_json_handler json_handler;
	void	   *context;
	factstr_ended ended;		/* one of these two, or NULL */
	factstr_json_ended json_ended;
	factstr_destroy destroy;	/* or NULL */

	/* The opening call's, then the thread's. */
	fs_lease   *lease;			/* NULL: not durable */
	bool		is_replaying;	/* within the call that opens it */
	bool		holds_name;		/* as far as is known: not while it pauses */
	uint64_t	position;		/* up to here everything is delivered or does not match */
	uint64_t	cursor;			/* the position last reported to the store */
	uint64_t	owed_cursor;	/* delivered, but not yet reported to the store; 0: nothing to report */
	bool		has_failed_delivery;	/* a failure that must be reported to the store, and reset there */

	/* Batches that were delivered, but that the cursor has not passed; see cursor.c. */
	size_t		group_count;
	size_t		group_limit;
	int64_t		group_time;		/* in ms; 0: the default, negative: no limit */
	int64_t		group_deadline;
	uint64_t	last_given;		/* to who pulls: the end of the last batch */
	void	   *transaction;	/* of the group; NULL: none */
	uint64_t	careful_until;	/* up to this fact each batch is a group, because one of them has failed */
	int64_t		cursor_due;		/* until then, moves past facts that do not match are delayed */
	int64_t		last_pause;		/* in ms; 0: no failure since the last success */
	size_t		fetch_count;	/* how many batches to ask for at a time */

	/*
	 * Guarded by mutex.  changed is signalled when one of the flags is set or cleared.
	 */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int			holders;
	atomic_bool is_stopped;		/* no handler may be called any more; a search reads it without the mutex */
	bool		is_freed;		/* the handle has let go, or is about to */
	bool		is_over;		/* nor will be: the thread has seen that */
	bool		is_destroyed;	/* the context, or that is about to happen */
	bool		is_running;		/* a handler is being called */
	bool		is_called;		/* by the dispatcher, since it joined */
	bool		is_lost;		/* of a pulled stream: stopped for the reason in failure */
	bool		is_ready;		/* there may be something for the next call; see readiness.c */
	bool		has_pipe;
	int			pipe[2];
	bool		has_ended;		/* nothing of the store is used any more */
	factstr_error failure;		/* code FACTSTR_OK: none */

	/* Guarded by mutex: the store is being closed. */
	bool		is_finishing;
	bool		is_cut;			/* stopped by that, and not through the handle */
	bool		is_finished;	/* the same, when it had delivered everything that it had to */
	uint64_t	last_wanted;	/* deliver up to this fact, and end */
	int64_t		finish_deadline;

	/* Guarded by the dispatcher's mutex while the stream waits, the thread's otherwise. */
	bool		is_waiting;		/* is in the dispatcher's list */
	bool		looks_at_clock;	/* wakes up by itself to move its cursor */
	uint64_t	searched;		/* up to here nothing concerns it */
	factstr_stream *waiting_before;
	factstr_stream *waiting_after;

	/* Guarded by the list's mutex. */
	factstr_stream *previous;
	factstr_stream *next;
	pthread_t	thread;			/* of a finished one */

	/* The event for which the stream's running handler waits; guarded by a mutex in handlers.c. */
	factstr_stream *awaited;
};

/* How a stream is opened. */
typedef struct fs_stream_request
{
	const char *name;			/* NULL: not durable */
	const char *event_query;
	factstr_stream_options options;
	factstr_handler handler;
	factstr_json_handler json_handler;
	factstr_json_ended json_ended;
	void	   *context;
	const fs_partition_set *partitions; /* of which it is one; or NULL */
} fs_stream_request;

/*
 * Opens a stream of either kind, from a checked request; *handle is set before the handler can be called, and NULL
 * afterwards if it has been freed meanwhile.
 */
int			fs_stream_open(factstr_store *store, const fs_stream_request *request,
						   factstr_stream **handle, factstr_error *error);

/* handle.c: references of the handle, the list and the call that opens it. */
factstr_stream *fs_stream_new(factstr_store *store, const fs_stream_request *request,
							  factstr_error *error);
void		fs_stream_hold(factstr_stream *stream);
void		fs_stream_let_go(factstr_stream *stream);

/* There is something for a stream that waits in the dispatcher. */
void		fs_stream_call(factstr_stream *stream);

/* Prevents further calls of the handler, and wakes the thread.  Does not wait. */
void		fs_stream_stop(factstr_stream *stream);

/* The same for a stream of a store that is being closed, which has delivered everything that it had to. */
void		fs_stream_note_finished(factstr_stream *stream);

bool		fs_stream_is_freed(factstr_stream *stream);

/* The handle is freed: false if it was already freed. */
bool		fs_stream_mark_freed(factstr_stream *stream);

/* The last delivery is over.  Not reported for a stream whose opening fails: its context is kept. */
void		fs_stream_note_over(factstr_stream *stream);

/* Nothing of the store is used any more. */
void		fs_stream_note_end(factstr_stream *stream);
bool		fs_stream_is_stopped(factstr_stream *stream);

/* An error that ends it: another consumer has it, or it was dropped, alone or with its log. */
bool		fs_stream_is_lost_by(int code);

/*
 * The store is being closed: a stream ends when it has delivered everything up to a fact, and does not repeat
 * failures after the deadline.  With cut, it ends immediately.
 */
void		fs_stream_finish_at(factstr_stream *stream, uint64_t up_to, int64_t deadline);
void		fs_stream_cut(factstr_stream *stream);

/* The fact up to which it has to deliver: the highest possible one, unless it is to end. */
uint64_t	fs_stream_last_wanted(factstr_stream *stream);

/* Why it has ended, for factstr_ended. */
void		fs_stream_end_reason(factstr_stream *stream, factstr_error *reason);

/* Its state, for factstr_stream_state.  False if it was stopped. */
bool		fs_stream_look(factstr_stream *stream, factstr_error *failure);

void		fs_stream_set_failure(factstr_stream *stream, const factstr_error *failure);
void		fs_stream_clear_failure(factstr_stream *stream);

/*
 * handlers.c: the handlers that the calling thread is in.  A handler that opens a durable stream is around the
 * calls of that one's handler, so there may be several.
 */
bool		fs_within_handler(const factstr_stream *stream);
bool		fs_within_handler_of(const factstr_store *store);
bool		fs_within_handler_of_name(const factstr_store *store, const char *name);

/* Does one of them have a transaction of that store? */
bool		fs_within_transaction(const factstr_store *store);

/* The lease whose delivery has it, NULL if there is none. */
fs_lease   *fs_transaction_of(const factstr_store *store);

/*
 * Waits until a stopped stream can no longer affect its caller, or until the deadline; see factstr_stream_close.
 * False if its handler is still running.
 */
bool		fs_await_end(factstr_stream *stream, int64_t deadline);

/*
 * Calls the handler.  False if the stream was stopped before; otherwise its result is in *result, and its message
 * about a failure in *words.
 */
bool		fs_call_handler(factstr_stream *stream, const factstr_batch *batch,
							const char *delivery, int *result, factstr_error *words);

/* Says that the last delivery is over. */
void		fs_call_ended(factstr_stream *stream);

/* Destroys the context, once the last delivery is over and the handle has been freed. */
void		fs_destroy_context(factstr_stream *stream);

/*
 * delivery.c: the stream's batches, one after the other.
 *
 * Each of these continues at the stream's known position, and returns a code.
 */

/* Delivers batches up to a sequence number, one list of them: *reached_end means that there are no more for now. */
int			fs_deliver_some(factstr_stream *stream, uint64_t up_to, bool *reached_end,
							factstr_error *error);

/*
 * cursor.c: the cursor follows the deliveries, group by group.  These return a code.
 *
 * Before a batch is delivered: *transaction is that of its group, NULL if it has none.
 */
int			fs_group_begin(factstr_stream *stream, void **transaction, factstr_error *error);

/* A batch was delivered; if the group is complete, it ends. */
int			fs_group_add(factstr_stream *stream, uint64_t last, factstr_error *error);

/* Moves the cursor to the end of the last batch of the group, if there is one, and commits. */
int			fs_group_end(factstr_stream *stream, factstr_error *error);

/*
 * The handler has failed on the batch that ends with this fact, with *error.  Earlier deliveries are kept; in a
 * transaction only by being delivered again, which is no failure.
 */
int			fs_group_fail(factstr_stream *stream, uint64_t failed, factstr_error *error);

/* Rolls a transaction back, so that its batches are delivered again, one by one. */
int			fs_group_repeat(factstr_stream *stream, uint64_t failed, factstr_error *error);

/* Reports to the store that the cursor may move past facts that do not match, unless that is not due yet. */
int			fs_settle_cursor(factstr_stream *stream, factstr_error *error);

/* No failure is left, and the next pause will be a short one. */
void		fs_note_success(factstr_stream *stream);

/* thread.c: releases the name, with the cursor where the next consumer need not search again. */
void		fs_release_name(factstr_stream *stream);

/* Works until the stream is stopped or has ended. */
void	   *fs_stream_work(void *argument);

#endif							/* FACTSTR_STREAMS_STREAM_H */
