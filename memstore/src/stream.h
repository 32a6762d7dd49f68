/*
 * stream.h
 *		One stream, from the call that opens it until its handle is freed.
 *
 * Two hold a stream: its handle, which is the caller's, and the list of the store, which lets go of
 * it when its thread has been joined.  Who lets go last frees it.  So a handle outlives the store,
 * and a handler may free its own.
 */
#ifndef FACTSTR_STREAM_H
#define FACTSTR_STREAM_H

#include <pthread.h>

#include "handle.h"

struct factstr_stream
{
	/* Does not change once the stream is in its store's list. */
	factstr_store *store;		/* not to be looked into by the handle once has_ended is true */
	char	   *name;			/* NULL: not durable */
	bool		is_transactional;
	fs_query	query;
	factstr_handler handler;	/* one of these two */
	factstr_json_handler json_handler;
	void	   *context;

	/* The opening call's, then the thread's. */
	fs_lease   *lease;			/* NULL: not durable */
	bool		holds_name;		/* as far as is known: not while it pauses */
	uint64_t	position;		/* up to here all is delivered or does not match */
	uint64_t	cursor;			/* what the store has been told of that */
	uint64_t	owed_cursor;	/* delivered, but the store could not be told; 0: nothing owed */
	bool		has_failed_delivery;	/* which the store has to be told of, and to take back */
	int64_t		cursor_due;		/* until then moves over what does not match are put off */
	int64_t		last_pause;		/* in ms; 0: nothing has failed since the last success */
	size_t		fetch_count;	/* how many batches to ask for at a time */

	/*
	 * Guarded by mutex.  changed is signalled when one of the flags is set or cleared.
	 */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int			holders;
	bool		is_stopped;		/* no handler is to be called any more */
	bool		is_running;		/* a handler is being called */
	bool		has_ended;		/* nothing of the store is used any more */
	factstr_error failure;		/* code FACTSTR_OK: none */

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
	const factstr_stream_options *options;	/* or NULL */
	factstr_handler handler;
	factstr_json_handler json_handler;
	void	   *context;
} fs_stream_request;

/* Opens a stream of either kind; *stream is set before its thread can call the handler. */
int			fs_stream_open(factstr_store *store, const fs_stream_request *request,
						   factstr_stream **stream, factstr_error *error);

/* stream_handle.c: held by the handle and by the list. */
factstr_stream *fs_stream_new(factstr_store *store, const fs_stream_request *request,
							  factstr_error *error);
void		fs_stream_let_go(factstr_stream *stream);

/* Lets no handler begin any more, and wakes the thread.  Waits for nobody. */
void		fs_stream_stop(factstr_stream *stream);
bool		fs_stream_is_stopped(factstr_stream *stream);

/* What factstr_stream_state says from now on. */
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

/* Waits until a stopped stream can do its caller no harm any more; see factstr_stream_free. */
void		fs_await_end(factstr_stream *stream);

/*
 * Calls the handler.  False if the stream was stopped before; otherwise its result is in *result.
 */
bool		fs_call_handler(factstr_stream *stream, const factstr_batch *batch,
							const char *event_records, int *result);

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
 * Tells the store that the cursor may go on over what does not match, unless that is not due yet.
 */
int			fs_settle_cursor(factstr_stream *stream, factstr_error *error);

/* No failure is left, and the next pause will be a short one. */
void		fs_note_success(factstr_stream *stream);

/* stream_thread.c: works until the stream is stopped or has ended. */
void	   *fs_stream_work(void *argument);

#endif							/* FACTSTR_STREAM_H */
