/*
 * streams/handlers.c
 *		The handlers that a thread is in, and their waits for each other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "results/records.h"
#include "streams/stream.h"

/* A handler that is being called, on the stack of the thread that calls it. */
typedef struct fs_frame
{
	factstr_stream *stream;
	fs_lease   *transaction;	/* the stream's, if the delivery has one, or else NULL */
	struct fs_frame *outer;
} fs_frame;

static _Thread_local fs_frame *fs_innermost;

/*
 * Guards "awaited" of every stream.  A running handler is on one thread and waits for at most one other stream, so
 * following "awaited" from stream to stream finds everything that a wait depends on.
 */
static pthread_mutex_t fs_waiting_mutex = PTHREAD_MUTEX_INITIALIZER;

bool
fs_within_handler(const factstr_stream *stream)
{
	for (const fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
	{
		if (frame->stream == stream)
			return true;
	}
	return false;
}

bool
fs_within_handler_of(const factstr_store *store)
{
	for (const fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
	{
		if (frame->stream->store == store)
			return true;
	}
	return false;
}

bool
fs_within_handler_of_name(const factstr_store *store, const char *name)
{
	for (const fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
	{
		if (frame->stream->store == store && frame->stream->name != NULL &&
			strcmp(frame->stream->name, name) == 0)
			return true;
	}
	return false;
}

bool
fs_within_transaction(const factstr_store *store)
{
	for (const fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
	{
		if (frame->stream->store == store && frame->stream->is_transactional)
			return true;
	}
	return false;
}

fs_lease *
fs_transaction_of(const factstr_store *store)
{
	for (const fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
	{
		if (frame->stream->store == store && frame->transaction != NULL)
			return frame->transaction;
	}
	return NULL;
}

static bool
fs_begin_handler(factstr_stream *stream)
{
	bool		may_run;

	(void) pthread_mutex_lock(&stream->mutex);
	may_run = !stream->is_stopped;
	stream->is_running = may_run;
	(void) pthread_mutex_unlock(&stream->mutex);
	return may_run;
}

static void
fs_end_handler(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_running = false;
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
}

bool
fs_call_handler(factstr_stream *stream, const factstr_batch *batch, const char *delivery,
				int *result, factstr_error *words)
{
	fs_frame	frame = {
		.stream = stream,
		.transaction = stream->is_transactional ? stream->lease : NULL,
		.outer = fs_innermost
	};

	if (!fs_begin_handler(stream))
		return false;
	fs_innermost = &frame;
	*result = stream->json_handler != NULL ?
		stream->json_handler(delivery, stream->context, words) :
		stream->handler(batch, stream->context, words);
	fs_innermost = frame.outer;
	fs_end_handler(stream);
	return true;
}

static void
fs_call_json_ended(const factstr_stream *stream, const factstr_error *reason)
{
	char	   *document = fs_error_document(reason->code, reason);

	stream->json_ended(document != NULL ? document : "{\"code\": \"out_of_memory\"}",
					   stream->context);
	free(document);
}

/* It counts as a handler, as below. */
void
fs_call_ended(factstr_stream *stream)
{
	fs_frame	frame = {.stream = stream, .outer = fs_innermost};
	factstr_error reason;

	fs_stream_end_reason(stream, &reason);
	fs_innermost = &frame;
	if (stream->json_ended != NULL)
		fs_call_json_ended(stream, &reason);
	else if (stream->ended != NULL)
		stream->ended(&reason, stream->context);
	fs_innermost = frame.outer;
}

/* Runs once; both the thread of the stream and the one that frees the handle come here. */
static bool
fs_is_to_destroy(factstr_stream *stream)
{
	bool		is_due;

	(void) pthread_mutex_lock(&stream->mutex);
	is_due = stream->is_over && stream->is_freed && !stream->is_destroyed &&
		stream->destroy != NULL;
	if (is_due)
		stream->is_destroyed = true;
	(void) pthread_mutex_unlock(&stream->mutex);
	return is_due;
}

/* The same restrictions apply here as in a handler, so it counts as one. */
void
fs_destroy_context(factstr_stream *stream)
{
	fs_frame	frame = {.stream = stream, .outer = fs_innermost};

	if (!fs_is_to_destroy(stream))
		return;
	fs_innermost = &frame;
	stream->destroy(stream->context);
	fs_innermost = frame.outer;
}

/*
 * Records for all handlers of the thread that they wait for the stream.  False, without a record, if the stream's
 * handler waits for one of them, directly or through others: the two would wait for each other forever.  So they
 * would if one of them has a transaction that the stream's handler waits for.
 */
static bool
fs_begin_waiting(factstr_stream *stream)
{
	bool		may_wait = true;

	(void) pthread_mutex_lock(&fs_waiting_mutex);
	for (factstr_stream *link = stream; link != NULL && may_wait; link = link->awaited)
		may_wait = !fs_within_handler(link);
	for (const fs_frame *frame = fs_innermost; frame != NULL && may_wait; frame = frame->outer)
		may_wait = frame->transaction == NULL;
	for (fs_frame *frame = fs_innermost; frame != NULL && may_wait; frame = frame->outer)
		frame->stream->awaited = stream;
	(void) pthread_mutex_unlock(&fs_waiting_mutex);
	return may_wait;
}

static void
fs_end_waiting(void)
{
	(void) pthread_mutex_lock(&fs_waiting_mutex);
	for (fs_frame *frame = fs_innermost; frame != NULL; frame = frame->outer)
		frame->stream->awaited = NULL;
	(void) pthread_mutex_unlock(&fs_waiting_mutex);
}

/* With the mutex held.  See below. */
static bool
fs_has_come_to_end(const factstr_stream *stream, bool within_handler)
{
	return within_handler ? !stream->is_running : stream->has_ended;
}

/*
 * Outside of handlers: waits until the stream has released its name and left its store.  In a handler: until the
 * stream's own handler is not running, because the rest may need a lock that the waiting handler's transaction
 * holds.
 */
bool
fs_await_end(factstr_stream *stream, int64_t deadline)
{
	bool		within_handler = fs_innermost != NULL;
	bool		may_wait = !within_handler || fs_begin_waiting(stream);
	bool		has_ended;

	(void) pthread_mutex_lock(&stream->mutex);
	while (may_wait && !fs_has_come_to_end(stream, within_handler) &&
		   fs_condition_wait(&stream->changed, &stream->mutex, deadline))
		;
	has_ended = fs_has_come_to_end(stream, within_handler);
	(void) pthread_mutex_unlock(&stream->mutex);
	if (may_wait && within_handler)
		fs_end_waiting();
	return has_ended;
}
