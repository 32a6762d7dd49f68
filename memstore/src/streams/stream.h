/*
 * streams/stream.h
 *		One stream, from the call that opens it until its handle is freed.
 *
 * Three hold a stream: its handle, which is the caller's; the list of the store, which lets go of it
 * when its thread has been joined; and the call that opens it, until that returns.  Who lets go last
 * frees it.  So a handle outlives the store, and a handler may free its own, in a replay too.
 */
#ifndef FACTSTR_STREAMS_STREAM_H
#define FACTSTR_STREAMS_STREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "stores/handle.h"

struct factstr_stream
{
	/* Does not change once the stream is in its store's list. */
	factstr_store *store;		/* not to be looked into by the handle once has_ended is true */
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
	uint64_t	position;		/* up to here all is delivered or does not match */
	uint64_t	cursor;			/* what the store has been told of that */
	uint64_t	owed_cursor;	/* delivered, but the store could not be told; 0: nothing owed */
	bool		has_failed_delivery;	/* which the store has to be told of, and to take back */

	/* Batches that were delivered, and that the cursor has not moved over; see cursor.c. */
	size_t		group_count;
	size_t		group_limit;
	int64_t		group_time;		/* in ms; 0: the default, negative: no limit */
	int64_t		group_deadline;
	uint64_t	last_given;		/* to who pulls: the end of the last batch */
	void	   *transaction;	/* of the group; NULL: none */
	uint64_t	careful_until;	/* up to this fact each batch is a group, since one of them has failed */
	int64_t		cursor_due;		/* until then moves over what does not match are put off */
	int64_t		last_pause;		/* in ms; 0: nothing has failed since the last success */
	size_t		fetch_count;	/* how many batches to ask for at a time */

	/*
	 * Guarded by mutex.  changed is signalled when one of the flags is set or cleared.
	 */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int			holders;
	atomic_bool is_stopped;		/* no handler is to be called any more; read by a search without the mutex */
	bool		is_freed;		/* the handle has let go, or is about to */
	bool		is_over;		/* nor will be: the thread has seen that */
	bool		is_destroyed;	/* the context, or that is about to happen */
	bool		is_running;		/* a handler is being called */
	bool		is_called;		/* by the dispatcher, since it joined */
	bool		is_lost;		/* of one that is pulled: stopped by what failure says */
	bool		is_ready;		/* there may be something for the next call; see readiness.c */
	bool		has_pipe;
	int			pipe[2];
	bool		has_ended;		/* nothing of the store is used any more */
	factstr_error failure;		/* code FACTSTR_OK: none */

	/* Guarded by mutex: the store is being closed. */
	bool		is_finishing;
	bool		is_cut;			/* stopped by that, and not through the handle */
	bool		is_finished;	/* the same, when it had delivered all that it had to */
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

	/* What the stream's running handler waits for; guarded by a mutex in handlers.c. */
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
 * Opens a stream of either kind, whose request has been checked; *handle is set before the handler
 * can be called, and NULL afterwards if it has been freed meanwhile.
 */
int			fs_stream_open(factstr_store *store, const fs_stream_request *request,
						   factstr_stream **handle, factstr_error *error);

/* handle.c: held by the handle, the list and the call that opens it. */
factstr_stream *fs_stream_new(factstr_store *store, const fs_stream_request *request,
							  factstr_error *error);
void		fs_stream_hold(factstr_stream *stream);
void		fs_stream_let_go(factstr_stream *stream);

/* There is something for a stream that waits for the dispatcher. */
void		fs_stream_call(factstr_stream *stream);

/* Lets no handler begin any more, and wakes the thread.  Waits for nobody. */
void		fs_stream_stop(factstr_stream *stream);

/* The same for a stream of a store that is being closed, which has delivered what it had to. */
void		fs_stream_note_finished(factstr_stream *stream);

bool		fs_stream_is_freed(factstr_stream *stream);

/* The handle is freed: false if that was done before. */
bool		fs_stream_mark_freed(factstr_stream *stream);

/* The last delivery is over.  Not said of a stream whose opening fails: it keeps its context. */
void		fs_stream_note_over(factstr_stream *stream);

/* Nothing of the store is used any more. */
void		fs_stream_note_end(factstr_stream *stream);
bool		fs_stream_is_stopped(factstr_stream *stream);

/* An error after which it cannot go on: another consumer has it, or it was dropped, alone or with its log. */
bool		fs_stream_is_lost_by(int code);

/*
 * The store is being closed: a stream ends when it has delivered what there is up to a fact, and does
 * not try again what fails when that would be after the deadline.  Cut, it ends at once.
 */
void		fs_stream_finish_at(factstr_stream *stream, uint64_t up_to, int64_t deadline);
void		fs_stream_cut(factstr_stream *stream);

/* Up to which fact it is to deliver: the last that there may be, unless it is to end. */
uint64_t	fs_stream_last_wanted(factstr_stream *stream);

/* Why it has ended, for factstr_ended. */
void		fs_stream_end_reason(factstr_stream *stream, factstr_error *reason);

/* How it is, for factstr_stream_state.  False if it was stopped. */
bool		fs_stream_look(factstr_stream *stream, factstr_error *failure);

void		fs_stream_set_failure(factstr_stream *stream, const factstr_error *failure);
void		fs_stream_clear_failure(factstr_stream *stream);

/*
 * handlers.c: which handlers the calling thread is in.  A handler that opens a durable stream has
 * the handler of that one called within itself, so there may be several.
 */
bool		fs_within_handler(const factstr_stream *stream);
bool		fs_within_handler_of(const factstr_store *store);
bool		fs_within_handler_of_name(const factstr_store *store, const char *name);

/* Does one of them have a transaction of that store? */
bool		fs_within_transaction(const factstr_store *store);

/* The lease whose delivery has it, NULL if there is none. */
fs_lease   *fs_transaction_of(const factstr_store *store);

/*
 * Waits until a stopped stream can do its caller no harm any more, or until the deadline; see
 * factstr_stream_close.  False if its handler is still running.
 */
bool		fs_await_end(factstr_stream *stream, int64_t deadline);

/*
 * Calls the handler.  False if the stream was stopped before; otherwise its result is in *result, and
 * what it says of a failure in *words.
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
 * Each of these works on with what the stream knows of its position, and returns a code.
 */

/*
 * Delivers batches up to a sequence number, one list of them: *reached_end says that there are no
 * more for now.
 */
int			fs_deliver_some(factstr_stream *stream, uint64_t up_to, bool *reached_end,
							factstr_error *error);

/*
 * cursor.c: the cursor follows what has been delivered, group by group.  These return a code.
 *
 * Before a batch is delivered: *transaction is that of its group, NULL if it has none.
 */
int			fs_group_begin(factstr_stream *stream, void **transaction, factstr_error *error);

/* A batch was delivered; if the group is complete, it ends. */
int			fs_group_add(factstr_stream *stream, uint64_t last, factstr_error *error);

/* Moves the cursor to the end of the last batch of the group, if there is one, and commits. */
int			fs_group_end(factstr_stream *stream, factstr_error *error);

/*
 * The handler has failed with the batch that ends with this fact, and *error says how.  What was
 * delivered before it is kept; in a transaction only by being delivered again, which is no failure.
 */
int			fs_group_fail(factstr_stream *stream, uint64_t failed, factstr_error *error);

/* Takes a transaction back, so that its batches are delivered again, each by itself. */
int			fs_group_repeat(factstr_stream *stream, uint64_t failed, factstr_error *error);

/*
 * Tells the store that the cursor may go on over what does not match, unless that is not due yet.
 */
int			fs_settle_cursor(factstr_stream *stream, factstr_error *error);

/* No failure is left, and the next pause will be a short one. */
void		fs_note_success(factstr_stream *stream);

/* thread.c: gives up the name, with the cursor where the next consumer has nothing to search again. */
void		fs_release_name(factstr_stream *stream);

/* Works until the stream is stopped or has ended. */
void	   *fs_stream_work(void *argument);

#endif							/* FACTSTR_STREAMS_STREAM_H */
