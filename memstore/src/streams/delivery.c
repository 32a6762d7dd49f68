/*
 * streams/delivery.c
 *		Delivers the batches of a stream, one after the other.
 */
#include <stdlib.h>

#include "base/current_call.h"
#include "base/json_text.h"
#include "base/threads.h"
#include "results/error.h"
#include "results/lists.h"
#include "results/records.h"
#include "streams/list.h"
#include "streams/stream.h"

/* A list of batches is as long as possible, and shorter if batches are large. */
#define FS_LARGEST_FETCH 256
#define FS_MANY_FACTS 2000

/* The largest number of batches that are fetched at once for a group. */
#define FS_LARGEST_GROUP 4096

void
fs_note_success(factstr_stream *stream)
{
	if (stream->last_pause == 0)
		return;
	stream->last_pause = 0;
	fs_stream_clear_failure(stream);
}

/* In the transaction of its group, if that has one. */
static int
fs_run_handler(factstr_stream *stream, const factstr_batch *batch, const char *delivery,
			   factstr_error *error)
{
	factstr_error words = {0};
	int			result;

	if (!fs_call_handler(stream, batch, delivery, &result, &words))
		return FACTSTR_OK;
	if (result == 0)
		return fs_group_add(stream, batch->last_sequence_number, error);
	(void) fs_error_of_handler(error, result, &words);
	return fs_group_fail(stream, batch->last_sequence_number, error);
}

static int
fs_run_delivery(factstr_stream *stream, factstr_batch *batch, const char *delivery,
				factstr_error *error)
{
	int			code;

	stream->has_failed_delivery = false;
	code = fs_group_begin(stream, &batch->transaction, error);
	if (code == FACTSTR_OK)
		return fs_run_handler(stream, batch, delivery, error);
	stream->has_failed_delivery = true;
	return code;
}

/* Does nothing if the stream has been stopped. */
static int
fs_deliver(factstr_stream *stream, const factstr_batch *batch, factstr_error *error)
{
	factstr_batch delivered = *batch;
	fs_buffer	out = {0};
	char	   *document = NULL;
	int			code = stream->is_replaying ? fs_streams_check(stream->store, error) : FACTSTR_OK;

	if (code != FACTSTR_OK || fs_stream_is_stopped(stream))
		return code;
	if (stream->json_handler != NULL)
	{
		fs_write_delivery(&out, batch);
		document = fs_finish_text(&out);
		if (document == NULL)
			return fs_error_no_memory(error);
	}
	code = fs_run_delivery(stream, &delivered, document, error);
	free(document);
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
	else if (batches->count == stream->fetch_count &&
			 (stream->fetch_count < FS_LARGEST_FETCH ||
			  (stream->fetch_count < stream->group_limit && stream->fetch_count < FS_LARGEST_GROUP)))
		stream->fetch_count *= 2;
}

/* Delivers the batches of a list, up to a fact, or until the stream is stopped or goes back. */
static int
fs_deliver_each(factstr_stream *stream, const fs_batch_list *batches, uint64_t up_to,
				factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < batches->count && code == FACTSTR_OK; i++)
	{
		const factstr_batch *batch = &batches->batches[i];

		if (batch->first_sequence_number > up_to)
			break;
		code = fs_deliver(stream, batch, error);
		if (stream->position < batch->last_sequence_number)
			break;
	}
	return code;
}

/* The same, and ends the group.  *delivered_all says whether it reached the end of the list. */
static int
fs_deliver_list(factstr_stream *stream, const fs_batch_list *batches, uint64_t up_to,
				bool *delivered_all, factstr_error *error)
{
	factstr_error ignored;
	int			code = fs_deliver_each(stream, batches, up_to, error);

	if (code == FACTSTR_OK)
		code = fs_group_end(stream, error);
	else
		(void) fs_group_end(stream, &ignored);
	*delivered_all = code == FACTSTR_OK &&
		(batches->count == 0 ||
		 stream->position >= batches->batches[batches->count - 1].last_sequence_number);
	return code;
}

/* Is there nothing more to deliver for now?  A stream that went back starts again with the next list. */
static bool
fs_is_at_end(factstr_stream *stream, const fs_batch_list *batches, bool delivered_all)
{
	if (delivered_all)
		return batches->count < stream->fetch_count;
	return stream->position >= stream->careful_until || fs_stream_is_stopped(stream);
}

/*
 * Searches for batches.  A search of the stream's own thread ends with FACTSTR_CLOSED when the stream is stopped;
 * one in the call that opens it ends together with that call.
 */
static int
fs_find_batches(factstr_stream *stream, fs_batch_list *batches, uint64_t *searched,
				factstr_error *error)
{
	const factstr_store *store = stream->store;
	fs_current_call search;
	int			code;

	if (!stream->is_replaying)
		fs_current_call_begin(&search, &stream->is_stopped, NULL);
	code = store->methods->batches(store->backend, &stream->query, stream->position,
								   stream->fetch_count, batches, searched, error);
	if (!stream->is_replaying)
		fs_current_call_end(&search);
	return code;
}

int
fs_deliver_some(factstr_stream *stream, uint64_t up_to, bool *reached_end, factstr_error *error)
{
	fs_batch_list batches = {0};
	uint64_t	searched = 0;
	bool		delivered_all = false;
	int			code = fs_find_batches(stream, &batches, &searched, error);

	if (code == FACTSTR_OK)
		code = fs_deliver_list(stream, &batches, up_to, &delivered_all, error);
	if (code == FACTSTR_OK)
	{
		*reached_end = fs_is_at_end(stream, &batches, delivered_all);
		if (delivered_all && batches.count < stream->fetch_count && searched > stream->position)
			stream->position = searched;
		fs_adapt_fetch(stream, &batches);
	}
	fs_batch_list_release(&batches);
	return code;
}
