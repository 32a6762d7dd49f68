/*
 * stream_thread.c
 *		What the thread of a stream does: deliver, wait for more, and get up again after failures.
 */
#include "stream.h"
#include "threads.h"
#include "times.h"

/* The pause after a failure, and how far it doubles while nothing succeeds.  In ms. */
#define FS_FIRST_PAUSE 250
#define FS_LONGEST_PAUSE 60000

static int64_t
fs_next_pause(const factstr_stream *stream)
{
	if (stream->last_pause == 0)
		return FS_FIRST_PAUSE;
	return stream->last_pause > FS_LONGEST_PAUSE / 2 ? FS_LONGEST_PAUSE : stream->last_pause * 2;
}

/* Ends early if the stream is stopped. */
static void
fs_pause(factstr_stream *stream)
{
	int64_t		deadline = fs_deadline(stream->last_pause);

	(void) pthread_mutex_lock(&stream->mutex);
	while (!stream->is_stopped &&
		   fs_condition_wait(&stream->changed, &stream->mutex, deadline))
		;
	(void) pthread_mutex_unlock(&stream->mutex);
}

/* Another consumer has the stream, or it was dropped. */
static bool
fs_is_lost(int code)
{
	return code == FACTSTR_STREAM_ACTIVE || code == FACTSTR_NO_SUCH_STREAM;
}

/*
 * Gives up the name for the time of the pause if a delivery has failed.  What the store cannot be
 * told now is lost, but for the stream being lost.
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
	if (!fs_is_lost(code))
		return FACTSTR_OK;
	fs_stream_set_failure(stream, &error);
	return code;
}

/*
 * The name is held again, and the store says where the cursor is.  If that is not where it was
 * left, somebody has moved it, or a transaction was committed after all whose commit seemed to
 * fail.
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

/*
 * Pauses after a failure, longer each time, until the stream can go on: true; or is stopped, or
 * lost: false.
 */
static bool
fs_recover(factstr_stream *stream, factstr_error *failure)
{
	int			code = failure->code;

	while (code != FACTSTR_OK)
	{
		fs_stream_set_failure(stream, failure);
		if (fs_is_lost(code))
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

/* Delivers what there is, then waits for more, or for the moment when the cursor is to be moved. */
static int
fs_work_once(factstr_stream *stream, factstr_error *error)
{
	fs_hub	   *hub = stream->store->hub;
	uint64_t	count = fs_hub_count(hub);
	bool		reached_end;
	int			code;

	/* Whoever stops the stream after this look changes the count. */
	if (fs_stream_is_stopped(stream))
		return FACTSTR_OK;
	code = fs_deliver_some(stream, INT64_MAX, &reached_end, error);
	if (code == FACTSTR_OK)
		code = fs_settle_cursor(stream, error);
	if (code != FACTSTR_OK || !reached_end)
		return code;
	fs_note_success(stream);
	fs_hub_wait(hub, count, stream->lease != NULL && stream->position > stream->cursor ?
				fs_time_left(stream->cursor_due) : -1);
	return FACTSTR_OK;
}

/* Leaves the cursor where the next consumer has nothing to look through again. */
static void
fs_give_up_name(factstr_stream *stream)
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

	fs_give_up_name(stream);
	fs_watch_end(store);
	fs_hub_wake_cursors(store->hub);	/* somebody may wait for the name */
	(void) pthread_mutex_lock(&stream->mutex);
	stream->has_ended = true;
	(void) pthread_cond_broadcast(&stream->changed);
	(void) pthread_mutex_unlock(&stream->mutex);
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
