/*
 * stream_handle.c
 *		The handle of a stream: unsubscribing, freeing, and how it is.
 */
#include <stdlib.h>
#include <string.h>

#include "stream.h"
#include "threads.h"

/* How many batches to ask for at first. */
#define FS_FIRST_FETCH 16

static void
fs_stream_destroy(factstr_stream *stream)
{
	(void) pthread_cond_destroy(&stream->changed);
	(void) pthread_mutex_destroy(&stream->mutex);
	fs_query_release(&stream->query);
	free(stream->name);
	free(stream);
}

factstr_stream *
fs_stream_new(factstr_store *store, const fs_stream_request *request, factstr_error *error)
{
	factstr_stream *stream = calloc(1, sizeof(factstr_stream));

	if (stream == NULL || !fs_mutex_and_condition_init(&stream->mutex, &stream->changed))
	{
		free(stream);
		(void) fs_error_no_memory(error);
		return NULL;
	}
	stream->store = store;
	stream->is_transactional = request->options != NULL && request->options->transactional;
	stream->handler = request->handler;
	stream->json_handler = request->json_handler;
	stream->context = request->context;
	stream->holders = 2;
	stream->fetch_count = FS_FIRST_FETCH;
	if (request->name != NULL)
		stream->name = strdup(request->name);
	if (request->name != NULL && stream->name == NULL)
		(void) fs_error_no_memory(error);
	else if (fs_query_parse_for_stream(request->event_query, &stream->query, error) == FACTSTR_OK)
		return stream;
	fs_stream_destroy(stream);
	return NULL;
}

void
fs_stream_let_go(factstr_stream *stream)
{
	int			holders;

	(void) pthread_mutex_lock(&stream->mutex);
	holders = --stream->holders;
	(void) pthread_mutex_unlock(&stream->mutex);
	if (holders == 0)
		fs_stream_destroy(stream);
}

void
fs_stream_stop(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	if (!stream->is_stopped)
	{
		stream->is_stopped = true;
		(void) pthread_cond_broadcast(&stream->changed);
		if (!stream->has_ended)
			fs_hub_wake(stream->store->hub);
	}
	(void) pthread_mutex_unlock(&stream->mutex);
}

bool
fs_stream_is_stopped(factstr_stream *stream)
{
	bool		is_stopped;

	(void) pthread_mutex_lock(&stream->mutex);
	is_stopped = stream->is_stopped;
	(void) pthread_mutex_unlock(&stream->mutex);
	return is_stopped;
}

void
fs_stream_set_failure(factstr_stream *stream, const factstr_error *failure)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->failure = *failure;
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_clear_failure(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->failure.code = FACTSTR_OK;
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
factstr_stream_unsubscribe(factstr_stream *stream)
{
	if (stream != NULL)
		fs_stream_stop(stream);
}

void
factstr_stream_free(factstr_stream *stream)
{
	if (stream == NULL)
		return;
	fs_stream_stop(stream);
	fs_await_end(stream);
	fs_stream_let_go(stream);
}

int
factstr_stream_state(factstr_stream *stream, factstr_error *error)
{
	factstr_error failure;
	bool		is_stopped;

	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	(void) pthread_mutex_lock(&stream->mutex);
	is_stopped = stream->is_stopped;
	failure = stream->failure;
	(void) pthread_mutex_unlock(&stream->mutex);
	if (is_stopped)
		return fs_error(error, FACTSTR_MISUSE, "the stream was unsubscribed");
	return fs_report(failure.code, &failure, error);
}
