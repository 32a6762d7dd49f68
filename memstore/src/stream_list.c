/*
 * stream_list.c
 *		The streams of a store.
 */
#include <string.h>

#include "stream.h"
#include "threads.h"

bool
fs_streams_init(fs_streams *streams)
{
	if (!fs_mutex_and_condition_init(&streams->mutex, &streams->emptied))
		return false;
	if (pthread_mutex_init(&streams->watch_mutex, NULL) == 0)
		return true;
	(void) pthread_cond_destroy(&streams->emptied);
	(void) pthread_mutex_destroy(&streams->mutex);
	return false;
}

void
fs_streams_destroy(fs_streams *streams)
{
	(void) pthread_mutex_destroy(&streams->watch_mutex);
	(void) pthread_cond_destroy(&streams->emptied);
	(void) pthread_mutex_destroy(&streams->mutex);
}

bool
fs_streams_add(factstr_stream *stream)
{
	fs_streams *streams = &stream->store->streams;
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

bool
fs_streams_is_closing(factstr_store *store)
{
	fs_streams *streams = &store->streams;
	bool		is_closing;

	(void) pthread_mutex_lock(&streams->mutex);
	is_closing = streams->is_closing;
	(void) pthread_mutex_unlock(&streams->mutex);
	return is_closing;
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
	fs_streams *streams = &stream->store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	fs_unlink(streams, stream);
	(void) pthread_mutex_unlock(&streams->mutex);
}

/* The last that a stream's thread does with its store, which may be gone right afterwards. */
void
fs_streams_finish(factstr_stream *stream)
{
	fs_streams *streams = &stream->store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	stream->thread = pthread_self();
	fs_unlink(streams, stream);
	stream->next = streams->finished;
	streams->finished = stream;
	(void) pthread_mutex_unlock(&streams->mutex);
}

void
fs_streams_join_finished(factstr_store *store)
{
	fs_streams *streams = &store->streams;
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
	fs_streams *streams = &stream->store->streams;
	bool		found = false;

	(void) pthread_mutex_lock(&streams->mutex);
	for (factstr_stream *other = streams->active; other != NULL && !found; other = other->next)
		found = other != stream && other->name != NULL &&
			strcmp(other->name, stream->name) == 0 && fs_is_ending(other);
	(void) pthread_mutex_unlock(&streams->mutex);
	return found;
}

void
fs_streams_close(factstr_store *store)
{
	fs_streams *streams = &store->streams;

	(void) pthread_mutex_lock(&streams->mutex);
	streams->is_closing = true;
	for (factstr_stream *stream = streams->active; stream != NULL; stream = stream->next)
		fs_stream_stop(stream);
	while (streams->active != NULL)
		(void) fs_condition_wait(&streams->emptied, &streams->mutex, FS_NO_DEADLINE);
	(void) pthread_mutex_unlock(&streams->mutex);
	fs_streams_join_finished(store);
}

int
fs_watch_begin(factstr_store *store, factstr_error *error)
{
	fs_streams *streams = &store->streams;
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
	fs_streams *streams = &store->streams;

	(void) pthread_mutex_lock(&streams->watch_mutex);
	if (--streams->watchers == 0)
		store->methods->unwatch(store->backend);
	(void) pthread_mutex_unlock(&streams->watch_mutex);
}
