/*
 * streams/list.c
 *		The streams of a store.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "streams/list.h"
#include "streams/stream.h"

struct fs_streams
{
	pthread_mutex_t mutex;
	pthread_cond_t emptied;		/* active has become NULL */
	fs_dispatcher *dispatcher;

	/* The mutex guards the members below. */
	bool		is_closing;
	bool		is_incomplete;	/* a stream ended before it had delivered everything that closing waits for */
	factstr_stream *active;		/* from the call that opens it until its work is done */
	factstr_stream *finished;	/* their threads have finished, and have to be joined */

	pthread_mutex_t watch_mutex;
	size_t		watchers;		/* guarded by watch_mutex: the number of streams that need the store to watch */
};

/* False, with nothing left behind, if out of memory. */
static bool
fs_streams_init(fs_streams *streams, factstr_store *store)
{
	streams->dispatcher = fs_dispatcher_new(store);
	if (streams->dispatcher == NULL)
		return false;
	if (pthread_mutex_init(&streams->watch_mutex, NULL) == 0)
	{
		if (fs_mutex_and_condition_init(&streams->mutex, &streams->emptied))
			return true;
		(void) pthread_mutex_destroy(&streams->watch_mutex);
	}
	fs_dispatcher_free(streams->dispatcher);
	return false;
}

fs_streams *
fs_streams_new(factstr_store *store)
{
	fs_streams *streams = calloc(1, sizeof(fs_streams));

	if (streams == NULL || fs_streams_init(streams, store))
		return streams;
	free(streams);
	return NULL;
}

void
fs_streams_free(fs_streams *streams)
{
	if (streams == NULL)
		return;
	fs_dispatcher_free(streams->dispatcher);
	(void) pthread_mutex_destroy(&streams->watch_mutex);
	(void) pthread_cond_destroy(&streams->emptied);
	(void) pthread_mutex_destroy(&streams->mutex);
	free(streams);
}

fs_dispatcher *
fs_streams_dispatcher(const factstr_store *store)
{
	return store->streams->dispatcher;
}

bool
fs_streams_add(factstr_stream *stream)
{
	fs_streams *streams = stream->store->streams;
	bool		is_closing;

	(void) pthread_mutex_lock(&streams->mutex);
	is_closing = streams->is_closing;
	if (!is_closing)
	{
		stream->next = streams->active;
		if (streams->active != NULL)
			streams->active->previous = stream;
		streams->active = stream;
	}
	(void) pthread_mutex_unlock(&streams->mutex);
	return !is_closing;
}

int
fs_streams_check(factstr_store *store, factstr_error *error)
{
	fs_streams *streams = store->streams;
	bool		is_closing;

	(void) pthread_mutex_lock(&streams->mutex);
	is_closing = streams->is_closing;
	(void) pthread_mutex_unlock(&streams->mutex);
	return is_closing ? fs_calls_refuse(error) : fs_calls_check(error);
}

/* With the mutex held. */
static void
fs_unlink(fs_streams *streams, factstr_stream *stream)
{
	if (stream->previous != NULL)
		stream->previous->next = stream->next;
	else
		streams->active = stream->next;
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	stream->previous = NULL;
	stream->next = NULL;
	if (streams->active == NULL)
		(void) pthread_cond_broadcast(&streams->emptied);
}

void
fs_streams_remove(factstr_stream *stream)
{
	fs_streams *streams = stream->store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	fs_unlink(streams, stream);
	(void) pthread_mutex_unlock(&streams->mutex);
}

/* The last action of a stream's thread on its store, which may be gone right afterwards. */
void
fs_streams_finish(factstr_stream *stream)
{
	fs_streams *streams = stream->store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	stream->thread = pthread_self();
	if (stream->is_cut && stream->position < stream->last_wanted)
		streams->is_incomplete = true;
	fs_unlink(streams, stream);
	stream->next = streams->finished;
	streams->finished = stream;
	(void) pthread_mutex_unlock(&streams->mutex);
}

void
fs_streams_join_finished(factstr_store *store)
{
	fs_streams *streams = store->streams;
	factstr_stream *stream;

	(void) pthread_mutex_lock(&streams->mutex);
	stream = streams->finished;
	streams->finished = NULL;
	(void) pthread_mutex_unlock(&streams->mutex);
	while (stream != NULL)
	{
		factstr_stream *next = stream->next;

		(void) pthread_join(stream->thread, NULL);
		fs_stream_let_go(stream);
		stream = next;
	}
}

static bool
fs_is_ending(factstr_stream *stream)
{
	bool		is_ending;

	(void) pthread_mutex_lock(&stream->mutex);
	is_ending = stream->is_stopped && !stream->is_running;
	(void) pthread_mutex_unlock(&stream->mutex);
	return is_ending;
}

bool
fs_streams_name_is_ending(factstr_stream *stream)
{
	fs_streams *streams = stream->store->streams;
	bool		found = false;

	(void) pthread_mutex_lock(&streams->mutex);
	for (factstr_stream *other = streams->active; other != NULL && !found; other = other->next)
		found = other != stream && other->name != NULL &&
			strcmp(other->name, stream->name) == 0 && fs_is_ending(other);
	(void) pthread_mutex_unlock(&streams->mutex);
	return found;
}

void
fs_streams_begin_closing(factstr_store *store)
{
	fs_streams *streams = store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	streams->is_closing = true;
	(void) pthread_mutex_unlock(&streams->mutex);
	fs_hub_wake_cursors(store->hub);
}

/* With the mutex held, except while a stream ends: ends a pulled stream.  False if there is none. */
static bool
fs_end_pulled(fs_streams *streams, void (*end_pulled) (factstr_stream *))
{
	factstr_stream *stream = streams->active;

	while (stream != NULL && !stream->is_pulled)
		stream = stream->next;
	if (stream == NULL)
		return false;
	fs_stream_hold(stream);
	(void) pthread_mutex_unlock(&streams->mutex);
	fs_stream_cut(stream);
	end_pulled(stream);
	fs_stream_let_go(stream);
	(void) pthread_mutex_lock(&streams->mutex);
	return true;
}

int
fs_streams_close(factstr_store *store, uint64_t up_to, int64_t deadline,
				 void (*end_pulled) (factstr_stream *))
{
	fs_streams *streams = store->streams;
	bool		is_incomplete;

	(void) pthread_mutex_lock(&streams->mutex);
	while (fs_end_pulled(streams, end_pulled))
		;
	for (factstr_stream *stream = streams->active; stream != NULL; stream = stream->next)
		fs_stream_finish_at(stream, up_to, deadline);
	while (streams->active != NULL && fs_time_left(deadline) > 0)
		(void) fs_condition_wait(&streams->emptied, &streams->mutex, deadline);
	for (factstr_stream *stream = streams->active; stream != NULL; stream = stream->next)
		fs_stream_cut(stream);
	while (streams->active != NULL)
		(void) fs_condition_wait(&streams->emptied, &streams->mutex, FS_NO_DEADLINE);
	is_incomplete = streams->is_incomplete;
	(void) pthread_mutex_unlock(&streams->mutex);
	fs_streams_join_finished(store);
	fs_dispatcher_stop(streams->dispatcher);
	return is_incomplete ? FACTSTR_WAIT_TIMED_OUT : FACTSTR_OK;
}

int
fs_watch_begin(factstr_store *store, factstr_error *error)
{
	fs_streams *streams = store->streams;
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&streams->watch_mutex);
	if (streams->watchers == 0)
		code = store->methods->watch(store->backend, error);
	if (code == FACTSTR_OK)
		streams->watchers++;
	(void) pthread_mutex_unlock(&streams->watch_mutex);
	return code;
}

void
fs_watch_end(factstr_store *store)
{
	fs_streams *streams = store->streams;

	(void) pthread_mutex_lock(&streams->watch_mutex);
	if (--streams->watchers == 0)
		store->methods->unwatch(store->backend);
	(void) pthread_mutex_unlock(&streams->watch_mutex);
}
