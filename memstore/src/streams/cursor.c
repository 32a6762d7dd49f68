/*
 * streams/cursor.c
 *		The cursor of a durable stream, which follows the deliveries.
 *
 * It moves after each batch; or, on request, after several consecutive ones, which are a group.  A group ends
 * with the list of batches that were found together, so it never waits for batches to come.  The transaction of a
 * transactional stream is that of the group.
 */
#include "base/threads.h"
#include "streams/stream.h"

/* While facts come that do not match, the cursor moves four times a second. */
#define FS_SETTLE_INTERVAL 250

/* The default time limit of a group, in ms. */
#define FS_DEFAULT_GROUP_TIME 100

static int
fs_move_cursor(factstr_stream *stream, uint64_t cursor, bool delivered, factstr_error *error)
{
	const fs_methods *methods = stream->store->methods;
	int			code = methods->stream_move(stream->lease, cursor, delivered, error);

	if (code == FACTSTR_OK)
		stream->cursor = cursor;
	return code;
}

/* Uncommitted deliveries do not count. */
static void
fs_forget_group(factstr_stream *stream)
{
	stream->group_count = 0;
	stream->transaction = NULL;
	if (stream->is_transactional)
		stream->position = stream->cursor;
}

int
fs_group_begin(factstr_stream *stream, void **transaction, factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (stream->is_transactional && stream->transaction == NULL)
		code = stream->store->methods->stream_begin(stream->lease, &stream->transaction, error);
	*transaction = stream->transaction;
	return code;
}

static bool
fs_group_is_full(const factstr_stream *stream)
{
	return stream->group_count >= stream->group_limit ||
		stream->position <= stream->careful_until || fs_time_left(stream->group_deadline) == 0;
}

int
fs_group_add(factstr_stream *stream, uint64_t last, factstr_error *error)
{
	stream->position = last;
	if (stream->lease == NULL)
	{
		fs_note_success(stream);
		return FACTSTR_OK;
	}
	if (stream->group_count++ == 0)
		stream->group_deadline = fs_deadline(stream->group_time == 0 ? FS_DEFAULT_GROUP_TIME :
											 stream->group_time);
	return fs_group_is_full(stream) ? fs_group_end(stream, error) : FACTSTR_OK;
}

int
fs_group_end(factstr_stream *stream, factstr_error *error)
{
	uint64_t	last = stream->position;
	bool		is_single = stream->group_count == 1;
	int			code;

	if (stream->group_count == 0)
		return FACTSTR_OK;
	code = fs_move_cursor(stream, last, true, error);
	if (code == FACTSTR_OK)
	{
		stream->group_count = 0;
		stream->transaction = NULL;
		fs_note_success(stream);
		return FACTSTR_OK;
	}
	if (!stream->is_transactional)
		stream->owed_cursor = last;
	else if (!is_single && code == FACTSTR_HANDLER_FAILED)
		return fs_group_repeat(stream, last, error);
	stream->has_failed_delivery = stream->is_transactional;
	fs_forget_group(stream);
	return code;
}

int
fs_group_fail(factstr_stream *stream, uint64_t failed, factstr_error *error)
{
	factstr_error ignored;

	if (stream->group_count > 0 && stream->is_transactional)
		return fs_group_repeat(stream, failed, error);
	(void) fs_group_end(stream, &ignored);
	stream->has_failed_delivery = true;
	fs_forget_group(stream);
	return error->code;
}

int
fs_group_repeat(factstr_stream *stream, uint64_t failed, factstr_error *error)
{
	uint64_t	cursor;
	int			code = stream->store->methods->stream_resume(stream->lease, &cursor, error);

	if (code == FACTSTR_OK)
		stream->cursor = cursor;
	fs_forget_group(stream);
	stream->careful_until = failed;
	return code;
}

int
fs_settle_cursor(factstr_stream *stream, factstr_error *error)
{
	int			code;

	if (stream->lease == NULL || stream->position <= stream->cursor ||
		fs_time_left(stream->cursor_due) > 0)
		return FACTSTR_OK;
	code = fs_move_cursor(stream, stream->position, false, error);
	stream->cursor_due = fs_deadline(FS_SETTLE_INTERVAL);
	return code;
}
