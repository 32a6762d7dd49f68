/*
 * streams/pull.c
 *		Streams without a handler: their caller requests batches, and acknowledges them.
 *
 * The position is after the returned batches, the cursor after the acknowledged ones.  Between calls the stream
 * waits in the dispatcher, unless the last call has left something.
 */
#include <inttypes.h>

#include "base/threads.h"
#include "results/error.h"
#include "streams/dispatcher.h"
#include "streams/list.h"
#include "streams/pull.h"
#include "streams/readiness.h"

/* The interval at which a waiting call checks whether it must end.  In ms. */
#define FS_LOOK_INTERVAL 50

/*
 * Entering and leaving
 */

/* With the mutex: the reason why the stream returns nothing any more. */
static int
fs_refuse_ended(const factstr_stream *stream, factstr_error *error)
{
	if (stream->is_cut)
		return fs_calls_refuse(error);
	if (!stream->is_lost)
		return fs_error(error, FACTSTR_MISUSE, "the stream was unsubscribed");
	*error = stream->failure;
	return error->code;
}

int
fs_pull_enter(factstr_stream *stream, factstr_error *error)
{
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&stream->mutex);
	if (!stream->is_pulled)
		code = fs_error(error, FACTSTR_MISUSE, "the stream has a handler, which gets its batches");
	else if (stream->is_stopped)
		code = fs_refuse_ended(stream, error);
	else if (stream->is_running)
		code = fs_error(error, FACTSTR_MISUSE, "another thread is in a call with the stream");
	else
	{
		stream->is_running = true;
		stream->holders++;
	}
	(void) pthread_mutex_unlock(&stream->mutex);
	return code;
}

void
fs_pull_leave(factstr_stream *stream)
{
	bool		is_to_end;

	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_running = false;
	is_to_end = stream->is_stopped;
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
	if (is_to_end)
		fs_pull_end(stream);
	fs_stream_let_go(stream);
}

/*
 * Losing the stream, and getting it back
 */

/* If it is lost, all later calls report the same. */
static void
fs_note_lost(factstr_stream *stream, const factstr_error *error)
{
	if (!fs_stream_is_lost_by(error->code))
		return;
	fs_stream_set_failure(stream, error);
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_lost = true;
	(void) pthread_mutex_unlock(&stream->mutex);
	fs_stream_stop(stream);
}

/* A call of the store has failed, so the state in the store is unknown. */
static int
fs_note_failure(factstr_stream *stream, factstr_error *error)
{
	stream->holds_name = false;
	fs_note_lost(stream, error);
	return error->code;
}

/* Returned batches count as returned, unless another call has moved the cursor meanwhile. */
static int
fs_hold_again(factstr_stream *stream, factstr_error *error)
{
	uint64_t	cursor;

	if (stream->lease == NULL || stream->holds_name)
		return FACTSTR_OK;
	if (stream->store->methods->stream_resume(stream->lease, &cursor, error) != FACTSTR_OK)
		return fs_note_failure(stream, error);
	stream->holds_name = true;
	if (cursor != stream->cursor)
	{
		stream->cursor = cursor;
		stream->position = cursor;
	}
	return FACTSTR_OK;
}

/*
 * Looking
 */

static bool
fs_all_is_acknowledged(const factstr_stream *stream)
{
	return stream->cursor >= stream->last_given;
}

/* Reports facts that do not match to the store; losing that does no harm. */
static int
fs_move_on(factstr_stream *stream, factstr_error *error)
{
	if (!fs_all_is_acknowledged(stream))
		return FACTSTR_OK;
	stream->cursor_due = 0;
	if (fs_settle_cursor(stream, error) != FACTSTR_OK)
		return fs_note_failure(stream, error);
	if (stream->lease == NULL && stream->position > stream->cursor)
		stream->cursor = stream->position;
	return FACTSTR_OK;
}

/* There is nothing more: waits in the dispatcher, unless something has come since the count. */
static void
fs_wait_from_now_on(factstr_stream *stream, uint64_t count)
{
	(void) pthread_mutex_lock(&stream->mutex);
	stream->is_called = false;
	fs_readiness_clear(stream);
	(void) pthread_mutex_unlock(&stream->mutex);
	stream->looks_at_clock = !fs_all_is_acknowledged(stream);
	if (!fs_dispatcher_join(fs_streams_dispatcher(stream->store), stream, count))
		fs_stream_call(stream);
}

static int
fs_look(factstr_stream *stream, size_t max_batches, fs_batch_list *batches, factstr_error *error)
{
	const factstr_store *store = stream->store;
	uint64_t	count = fs_hub_count(store->hub);
	uint64_t	searched = 0;
	int			code;

	(void) pthread_mutex_lock(&stream->mutex);
	fs_readiness_set(stream);	/* unless nothing more is found */
	(void) pthread_mutex_unlock(&stream->mutex);
	fs_dispatcher_leave(fs_streams_dispatcher(store), stream);
	code = fs_hold_again(stream, error);
	if (code == FACTSTR_OK)
		code = store->methods->batches(store->backend, &stream->query, stream->position, max_batches,
									   batches, &searched, error);
	if (code != FACTSTR_OK)
		return code;
	if (batches->count > 0)
		stream->last_given = batches->batches[batches->count - 1].last_sequence_number;
	if (searched > stream->position)
		stream->position = searched;
	code = fs_move_on(stream, error);
	if (code == FACTSTR_OK && batches->count < max_batches)
		fs_wait_from_now_on(stream, count);
	return code;
}

/* FACTSTR_OK when there may be something, or at the deadline. */
static int
fs_await_call(factstr_stream *stream, int64_t deadline, factstr_error *error)
{
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&stream->mutex);
	while (code == FACTSTR_OK && !stream->is_called && fs_time_left(deadline) > 0)
	{
		int64_t		look = fs_deadline(FS_LOOK_INTERVAL);

		code = stream->is_stopped ? fs_refuse_ended(stream, error) : fs_calls_check(error);
		if (code == FACTSTR_OK)
			(void) fs_condition_wait(&stream->changed, &stream->mutex,
									 look < deadline ? look : deadline);
	}
	(void) pthread_mutex_unlock(&stream->mutex);
	return code;
}

int
fs_pull_next(factstr_stream *stream, size_t max_batches, int64_t deadline, fs_batch_list *batches,
			 factstr_error *error)
{
	int			code = fs_look(stream, max_batches, batches, error);

	while (code == FACTSTR_OK && batches->count == 0 && fs_time_left(deadline) > 0)
	{
		code = fs_await_call(stream, deadline, error);
		if (code == FACTSTR_OK)
			code = fs_look(stream, max_batches, batches, error);
	}
	return code;
}

void
fs_pull_take_back(factstr_stream *stream, uint64_t position)
{
	fs_dispatcher_leave(fs_streams_dispatcher(stream->store), stream);
	stream->position = position;
	fs_stream_call(stream);
}

int
fs_pull_ack(factstr_stream *stream, uint64_t sequence_number, factstr_error *error)
{
	int			code;

	if (sequence_number > stream->last_given)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid sequence_number: %" PRIu64 " is beyond the last batch that was given, %"
						PRIu64, sequence_number, stream->last_given);
	code = fs_hold_again(stream, error);
	if (code != FACTSTR_OK || sequence_number <= stream->cursor)
		return code;
	if (stream->lease != NULL &&
		stream->store->methods->stream_move(stream->lease, sequence_number, true, error) != FACTSTR_OK)
		return fs_note_failure(stream, error);
	stream->cursor = sequence_number;
	fs_stream_clear_failure(stream);
	if (!fs_all_is_acknowledged(stream))
		return FACTSTR_OK;
	fs_dispatcher_follow(fs_streams_dispatcher(stream->store), stream);
	return fs_move_on(stream, error);
}

/* The name is released meanwhile, as by a handler that has failed. */
int
fs_pull_fail(factstr_stream *stream, const factstr_error *words, factstr_error *error)
{
	const fs_methods *methods = stream->store->methods;
	int			code = fs_hold_again(stream, error);

	if (code != FACTSTR_OK)
		return code;
	fs_dispatcher_leave(fs_streams_dispatcher(stream->store), stream);
	stream->position = stream->cursor;
	stream->last_given = stream->cursor;
	fs_stream_set_failure(stream, words);
	fs_stream_call(stream);
	if (stream->lease == NULL)
		return FACTSTR_OK;
	stream->holds_name = false;
	if (methods->stream_fail(stream->lease, words->message, 0, error) != FACTSTR_OK)
		return fs_note_failure(stream, error);
	return FACTSTR_OK;
}

/*
 * Ending
 */

/* False if another thread ends it, and has already done so. */
static bool
fs_begin_end(factstr_stream *stream)
{
	bool		is_first;

	(void) pthread_mutex_lock(&stream->mutex);
	is_first = !stream->is_over;
	stream->is_over = true;
	while (is_first ? stream->is_running : !stream->has_ended)
		(void) fs_condition_wait(&stream->changed, &stream->mutex, FS_NO_DEADLINE);
	(void) pthread_mutex_unlock(&stream->mutex);
	return is_first;
}

void
fs_pull_end(factstr_stream *stream)
{
	factstr_store *store = stream->store;

	if (!fs_begin_end(stream))
		return;
	fs_dispatcher_leave(fs_streams_dispatcher(store), stream);
	if (!fs_all_is_acknowledged(stream))
		stream->position = stream->cursor;
	fs_release_name(stream);
	fs_watch_end(store);
	fs_hub_wake_cursors(store->hub);
	fs_streams_remove(stream);
	fs_stream_note_end(stream);
	fs_destroy_context(stream);
	fs_stream_let_go(stream);
}

bool
fs_pull_end_within(factstr_stream *stream, int64_t deadline)
{
	bool		is_running;

	(void) pthread_mutex_lock(&stream->mutex);
	while (stream->is_running && fs_condition_wait(&stream->changed, &stream->mutex, deadline))
		;
	is_running = stream->is_running;
	(void) pthread_mutex_unlock(&stream->mutex);
	if (!is_running)
		fs_pull_end(stream);
	return !is_running;
}

int
fs_pull_fd(factstr_stream *stream, int *fd, factstr_error *error)
{
	int			code;

	(void) pthread_mutex_lock(&stream->mutex);
	code = stream->is_pulled ? fs_readiness_open(stream, error) :
		fs_error(error, FACTSTR_MISUSE, "the stream has a handler, which gets its batches");
	if (code == FACTSTR_OK)
		*fd = stream->pipe[0];
	(void) pthread_mutex_unlock(&stream->mutex);
	return code;
}
