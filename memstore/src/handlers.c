/*
 * handlers.c
 *		Which handlers a thread is in, and who waits for whose.
 */
#include <string.h>

#include "stream.h"
#include "threads.h"

/* A handler that is being called, on the stack of the thread that calls it. */
typedef struct fs_frame
{
	factstr_stream *stream;
	struct fs_frame *outer;
} fs_frame;

static _Thread_local fs_frame *fs_innermost;

/*
 * Guards every stream's "awaited".  A running handler is on one thread and waits for at most one
 * other stream, so following "awaited" from stream to stream finds all that a wait would depend on.
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
fs_call_handler(factstr_stream *stream, const factstr_batch *batch, const char *event_records,
				int *result)
{
	fs_frame	frame = {stream, fs_innermost};

	if (!fs_begin_handler(stream))
		return false;
	fs_innermost = &frame;
	*result = stream->json_handler != NULL ?
		stream->json_handler(event_records, stream->context) :
		stream->handler(batch, stream->context);
	fs_innermost = frame.outer;
	fs_end_handler(stream);
	return true;
}

/*
 * Says for all handlers that the thread is in that they wait for the stream.  False, and nothing
 * said, if the stream's handler waits for one of them already, be it through others: the two would
 * wait for each other for good.
 */
static bool
fs_begin_waiting(factstr_stream *stream)
{
	bool		may_wait = true;

	(void) pthread_mutex_lock(&fs_waiting_mutex);
	for (factstr_stream *link = stream; link != NULL && may_wait; link = link->awaited)
		may_wait = !fs_within_handler(link);
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

/*
 * Outside of handlers: until the stream has given up its name and left its store.  In a handler:
 * until the stream's own is not running, since what comes then may need a lock that the waiting
 * handler's transaction holds.
 */
void
fs_await_end(factstr_stream *stream)
{
	bool		within_handler = fs_innermost != NULL;

	if (within_handler && !fs_begin_waiting(stream))
		return;
	(void) pthread_mutex_lock(&stream->mutex);
	while (within_handler ? stream->is_running : !stream->has_ended)
		(void) fs_condition_wait(&stream->changed, &stream->mutex, FS_NO_DEADLINE);
	(void) pthread_mutex_unlock(&stream->mutex);
	if (within_handler)
		fs_end_waiting();
}
