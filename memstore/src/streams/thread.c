/*
 * streams/thread.c
 *		The thread of a stream: delivers, waits for more, and continues after failures.
 */
#include "base/threads.h"
#include "base/times.h"
#include "stores/hub.h"
#include "streams/dispatcher.h"
#include "streams/list.h"
#include "streams/stream.h"

/* The limit of the pause after a failure, which doubles while nothing succeeds.  In ms. */
#define FS_LONGEST_PAUSE 60000

static int64_t
fs_next_pause(const factstr_stream *stream)
{
	if (stream->last_pause == 0)
		return stream->store->first_pause;
	return stream->last_pause > FS_LONGEST_PAUSE / 2 ? FS_LONGEST_PAUSE : stream->last_pause * 2;
}

/* Ends early if the stream is stopped, or has no time for another attempt when its store is closed. */
static void
fs_pause(factstr_stream *stream)
{
	int64_t		deadline = fs_deadline(stream->last_pause);
	bool		has_time;

	(void) pthread_mutex_lock(&stream->mutex);
	do
		has_time = !stream->is_finishing || deadline < stream->finish_deadline;
	while (has_time && !stream->is_stopped &&
		   fs_condition_wait(&stream->changed, &stream->mutex, deadline));
	(void) pthread_mutex_unlock(&stream->mutex);
	if (!has_time)
		fs_stream_cut(stream);
}

/*
 * Releases the name during the pause if a delivery has failed.  Results that cannot be reported to the store now
 * are lost, except the loss of the stream.
 */
static int
fs_report_failed_delivery(factstr_stream *stream, const factstr_error *failure)
{
	factstr_error error;
	int64_t		retry_at;
	int			code;

	stream->holds_name = false;
	if (stream->lease == NULL || !stream->has_failed_delivery)
		return FACTSTR_OK;
	stream->has_failed_delivery = false;
	retry_at = fs_stream_is_stopped(stream) ? 0 : fs_now() + stream->last_pause * 1000;
	code = stream->store->methods->stream_fail(stream->lease, failure->message, retry_at, &error);
	if (!fs_stream_is_lost_by(code))
		return FACTSTR_OK;
	fs_stream_set_failure(stream, &error);
	return code;
}

/*
 * The name is held again, and the store returns the cursor.  If that has moved, another call has moved it, or a
 * transaction was committed although its commit seemed to fail.
 */
static int
fs_go_on_from(factstr_stream *stream, uint64_t cursor, factstr_error *error)
{
	uint64_t	owed = stream->owed_cursor;
	int			code;

	if (cursor != stream->cursor)
	{
		stream->cursor = cursor;
		stream->position = cursor;
		stream->owed_cursor = 0;
		return FACTSTR_OK;
	}
	if (owed == 0)
		return FACTSTR_OK;
	code = stream->store->methods->stream_move(stream->lease, owed, true, error);
	if (code == FACTSTR_OK)
	{
		stream->cursor = owed;
		stream->owed_cursor = 0;
	}
	return code;
}

static int
fs_resume(factstr_stream *stream, factstr_error *error)
{
	uint64_t	cursor;
	int			code;

	if (stream->lease == NULL)
		return FACTSTR_OK;
	code = stream->store->methods->stream_resume(stream->lease, &cursor, error);
	if (code != FACTSTR_OK)
		return code;
	stream->holds_name = true;
	return fs_go_on_from(stream, cursor, error);
}

/* Pauses after a failure, longer each time, until the stream can continue: true; or is stopped, or lost: false. */
static bool
fs_recover(factstr_stream *stream, factstr_error *failure)
{
	int			code = failure->code;

	while (code != FACTSTR_OK)
	{
		fs_stream_set_failure(stream, failure);
		if (fs_stream_is_lost_by(code))
			return false;
		stream->last_pause = fs_next_pause(stream);
		if (fs_report_failed_delivery(stream, failure) != FACTSTR_OK)
			return false;
		fs_pause(stream);
		if (fs_stream_is_stopped(stream))
			return false;
		code = fs_resume(stream, failure);
	}
	return true;
}

/*
 * Until the dispatcher calls, or the stream is stopped or has to finish, or its cursor is due to follow facts that
 * do not match.
 */
static void
fs_await_call(factstr_stream *stream, uint64_t count)
{
	fs_dispatcher *dispatcher = fs_streams_dispatcher(stream->store);
	int64_t		deadline = FS_NO_DEADLINE;

	stream->is_called = false;
	stream->looks_at_clock = stream->lease != NULL && stream->position > stream->cursor;
	if (stream->looks_at_clock)
		deadline = stream->cursor_due;
	if (!fs_dispatcher_join(dispatcher, stream, count))
		return;
	(void) pthread_mutex_lock(&stream->mutex);
	while (!stream->is_called && !stream->is_stopped && !stream->is_finishing &&
		   fs_condition_wait(&stream->changed, &stream->mutex, deadline))
		;
	(void) pthread_mutex_unlock(&stream->mutex);
	fs_dispatcher_leave(dispatcher, stream);
}

/* Delivers all batches, then waits for more, or until the cursor has to be moved. */
static int
fs_work_once(factstr_stream *stream, factstr_error *error)
{
	uint64_t	count = fs_hub_count(stream->store->hub);
	uint64_t	up_to;
	bool		reached_end;
	int			code;

	if (fs_stream_is_stopped(stream))
		return FACTSTR_OK;
	up_to = fs_stream_last_wanted(stream);
	if (stream->position >= up_to)
	{
		fs_stream_note_finished(stream);
		return FACTSTR_OK;
	}
	code = fs_deliver_some(stream, up_to, &reached_end, error);
	if (code == FACTSTR_CLOSED)
		return FACTSTR_OK;		/* stopped while it searched, which is no failure */
	if (code == FACTSTR_OK)
		code = fs_settle_cursor(stream, error);
	if (code != FACTSTR_OK || !reached_end)
		return code;
	fs_note_success(stream);
	if (up_to < INT64_MAX)
	{
		fs_stream_note_finished(stream);
		return FACTSTR_OK;
	}
	fs_await_call(stream, count);
	return FACTSTR_OK;
}

void
fs_release_name(factstr_stream *stream)
{
	factstr_error error;

	if (stream->lease == NULL)
		return;
	stream->cursor_due = 0;
	if (stream->holds_name && !stream->has_failed_delivery)
		(void) fs_settle_cursor(stream, &error);
	stream->store->methods->stream_release(stream->lease);
	stream->lease = NULL;
}

static void
fs_end(factstr_stream *stream)
{
	factstr_store *store = stream->store;

	fs_call_ended(stream);
	fs_stream_note_over(stream);
	fs_destroy_context(stream);
	fs_release_name(stream);
	fs_watch_end(store);
	fs_hub_wake_cursors(store->hub);	/* another consumer may wait for the name */
	fs_stream_note_end(stream);
	fs_streams_finish(stream);
}

void *
fs_stream_work(void *argument)
{
	factstr_stream *stream = argument;
	factstr_error failure;

	while (!fs_stream_is_stopped(stream))
	{
		if (fs_work_once(stream, &failure) != FACTSTR_OK && !fs_recover(stream, &failure))
			break;
	}
	fs_end(stream);
	return NULL;
}
