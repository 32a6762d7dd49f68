/*
 * streams/handle.c
 *		The state of a stream, and the references to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "input/query.h"
#include "results/error.h"
#include "stores/hub.h"
#include "streams/readiness.h"
#include "streams/stream.h"

/* How many batches to ask for at first. */
#define FS_FIRST_FETCH 16

static void
fs_stream_destroy(factstr_stream *stream)
{
	(void) pthread_cond_destroy(&stream->changed);
	(void) pthread_mutex_destroy(&stream->mutex);
	fs_readiness_close(stream);
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
	stream->process = fs_calls_process(store->calls);
	stream->is_transactional = request->options.transactional;
	stream->is_pulled = request->handler == NULL && request->json_handler == NULL;
	stream->is_ready = true;
	stream->handler = request->handler;
	stream->json_handler = request->json_handler;
	stream->context = request->context;
	stream->ended = request->options.ended;
	stream->json_ended = request->json_ended;
	stream->destroy = request->options.destroy;
	stream->holders = 3;
	stream->fetch_count = FS_FIRST_FETCH;
	stream->group_limit = request->options.ack_batches;
	stream->group_time = request->options.ack_ms;
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
fs_stream_hold(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->holders++;
	(void) pthread_mutex_unlock(&stream->mutex);
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

/* With the mutex held. */
static void
fs_stop_locked(factstr_stream *stream)
{
	fs_readiness_set(stream);
	stream->is_stopped = true;
	(void) pthread_cond_broadcast(&stream->changed);
	if (!stream->has_ended)
		fs_hub_wake_cursors(stream->store->hub);	/* another consumer may wait for the name */
}

void
fs_stream_call(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_called = true;
	fs_readiness_set(stream);
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_stop(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	if (!stream->is_stopped)
		fs_stop_locked(stream);
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_note_finished(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_finished = !stream->is_stopped;
	(void) pthread_mutex_unlock(&stream->mutex);
	fs_stream_stop(stream);
}

bool
fs_stream_mark_freed(factstr_stream *stream)
{
	bool		was_freed;

	(void) pthread_mutex_lock(&stream->mutex);
	was_freed = stream->is_freed;
	stream->is_freed = true;
	(void) pthread_mutex_unlock(&stream->mutex);
	return !was_freed;
}

bool
fs_stream_is_freed(factstr_stream *stream)
{
	bool		is_freed;

	(void) pthread_mutex_lock(&stream->mutex);
	is_freed = stream->is_freed;
	(void) pthread_mutex_unlock(&stream->mutex);
	return is_freed;
}

void
fs_stream_note_over(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_over = true;
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_note_end(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->has_ended = true;
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_cut(factstr_stream *stream)
{
	(void) pthread_mutex_lock(&stream->mutex);
	if (!stream->is_stopped)
	{
		stream->is_cut = true;
		fs_stop_locked(stream);
	}
	(void) pthread_mutex_unlock(&stream->mutex);
}

void
fs_stream_finish_at(factstr_stream *stream, uint64_t up_to, int64_t deadline)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_finishing = true;
	stream->last_wanted = up_to;
	stream->finish_deadline = deadline;
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
}

uint64_t
fs_stream_last_wanted(factstr_stream *stream)
{
	uint64_t	last_wanted;

	(void) pthread_mutex_lock(&stream->mutex);
	last_wanted = stream->is_finishing ? stream->last_wanted : INT64_MAX;
	(void) pthread_mutex_unlock(&stream->mutex);
	return last_wanted;
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

bool
fs_stream_is_lost_by(int code)
{
	return code == FACTSTR_STREAM_ACTIVE || code == FACTSTR_NO_SUCH_STREAM || code == FACTSTR_NO_SUCH_LOG;
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
fs_stream_end_reason(factstr_stream *stream, factstr_error *reason)
{
	(void) pthread_mutex_lock(&stream->mutex);
	*reason = (factstr_error) {0};
	if (!stream->is_stopped)
		*reason = stream->failure;
	else if (stream->is_cut || stream->is_finished)
		(void) fs_error(reason, FACTSTR_CLOSED, "the store is being closed");
	(void) pthread_mutex_unlock(&stream->mutex);
}

bool
fs_stream_look(factstr_stream *stream, factstr_error *failure)
{
	bool		is_stopped;

	(void) pthread_mutex_lock(&stream->mutex);
	is_stopped = stream->is_stopped && !stream->is_lost;
	*failure = stream->failure;
	(void) pthread_mutex_unlock(&stream->mutex);
	return !is_stopped;
}
