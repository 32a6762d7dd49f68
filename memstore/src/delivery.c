/*
 * delivery.c
 *		The batches of a stream, one after the other, and its cursor behind them.
 */
#include <stdlib.h>

#include "json_text.h"
#include "stream.h"
#include "threads.h"

/* While facts come that do not match, the store is told of them four times a second. */
#define FS_SETTLE_INTERVAL 250

/* A list of batches is as long as possible, and as short as large batches ask for. */
#define FS_LARGEST_FETCH 256
#define FS_MANY_FACTS 2000

void
fs_note_success(factstr_stream *stream)
{
	if (stream->last_pause == 0)
		return;
	stream->last_pause = 0;
	fs_stream_clear_failure(stream);
}

static int
fs_move_cursor(factstr_stream *stream, uint64_t cursor, bool delivered, factstr_error *error)
{
	const fs_methods *methods = stream->store->methods;
	int			code = methods->stream_move(stream->lease, cursor, delivered, error);

	if (code == FACTSTR_OK)
		stream->cursor = cursor;
	return code;
}

/* The handler has succeeded. */
static int
fs_note_delivery(factstr_stream *stream, uint64_t last, factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (stream->lease != NULL)
		code = fs_move_cursor(stream, last, true, error);
	if (code == FACTSTR_OK || !stream->is_transactional)
		stream->position = last;
	if (code == FACTSTR_OK)
		fs_note_success(stream);
	else if (!stream->is_transactional)
		stream->owed_cursor = last;
	return code;
}

/* In the transaction of the delivery, if it has one. */
static int
fs_run_handler(factstr_stream *stream, const factstr_batch *batch, const char *event_records,
			   factstr_error *error)
{
	int			result;

	if (!fs_call_handler(stream, batch, event_records, &result))
		return FACTSTR_OK;
	if (result != 0)
		return fs_error(error, FACTSTR_HANDLER_FAILED, "the handler returned %d", result);
	return fs_note_delivery(stream, batch->last_sequence_number, error);
}

static int
fs_run_delivery(factstr_stream *stream, factstr_batch *batch, const char *event_records,
				factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (stream->is_transactional)
		code = stream->store->methods->stream_begin(stream->lease, &batch->transaction, error);
	if (code == FACTSTR_OK)
		code = fs_run_handler(stream, batch, event_records, error);
	stream->has_failed_delivery = code == FACTSTR_HANDLER_FAILED ||
		(code != FACTSTR_OK && stream->is_transactional);
	return code;
}

/* Does nothing if the stream has been stopped. */
static int
fs_deliver(factstr_stream *stream, const factstr_batch *batch, factstr_error *error)
{
	factstr_batch delivered = *batch;
	fs_buffer	out = {0};
	char	   *event_records = NULL;
	int			code;

	if (fs_stream_is_stopped(stream))
		return FACTSTR_OK;
	if (stream->json_handler != NULL)
	{
		fs_write_event_records(&out, batch->facts, batch->fact_count);
		event_records = fs_finish_text(&out);
		if (event_records == NULL)
			return fs_error_no_memory(error);
	}
	code = fs_run_delivery(stream, &delivered, event_records, error);
	free(event_records);
	return code;
}

static void
fs_adapt_fetch(factstr_stream *stream, const fs_batch_list *batches)
{
	size_t		facts = 0;

	for (size_t i = 0; i < batches->count; i++)
		facts += batches->batches[i].fact_count;
	if (facts > FS_MANY_FACTS)
		stream->fetch_count = stream->fetch_count > 1 ? stream->fetch_count / 2 : 1;
	else if (batches->count == stream->fetch_count && stream->fetch_count < FS_LARGEST_FETCH)
		stream->fetch_count *= 2;
}

/* Delivers a list.  *delivered_all says whether it got to its end. */
static int
fs_deliver_list(factstr_stream *stream, const fs_batch_list *batches, uint64_t up_to,
				bool *delivered_all, factstr_error *error)
{
	*delivered_all = false;
	for (size_t i = 0; i < batches->count; i++)
	{
		const factstr_batch *batch = &batches->batches[i];
		int			code;

		if (batch->first_sequence_number > up_to)
			return FACTSTR_OK;
		code = fs_deliver(stream, batch, error);
		if (code != FACTSTR_OK || stream->position < batch->last_sequence_number)
			return code;
	}
	*delivered_all = true;
	return FACTSTR_OK;
}

int
fs_deliver_some(factstr_stream *stream, uint64_t up_to, bool *reached_end, factstr_error *error)
{
	const factstr_store *store = stream->store;
	fs_batch_list batches = {0};
	uint64_t	searched = 0;
	bool		delivered_all = false;
	int			code;

	code = store->methods->batches(store->backend, &stream->query, stream->position,
								   stream->fetch_count, &batches, &searched, error);
	if (code == FACTSTR_OK)
		code = fs_deliver_list(stream, &batches, up_to, &delivered_all, error);
	if (code == FACTSTR_OK)
	{
		*reached_end = !delivered_all || batches.count < stream->fetch_count;
		if (delivered_all && batches.count < stream->fetch_count && searched > stream->position)
			stream->position = searched;
		fs_adapt_fetch(stream, &batches);
	}
	fs_batch_list_release(&batches);
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
