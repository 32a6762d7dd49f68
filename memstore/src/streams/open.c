/*
 * streams/open.c
 *		Opens streams: takes the name, replays the existing facts, and starts the thread.
 */
#include "base/threads.h"
#include "results/error.h"
#include "stores/hub.h"
#include "streams/list.h"
#include "streams/stream.h"

/* The interval between attempts to get a name that another process holds.  In ms. */
#define FS_CLAIM_INTERVAL 25

/* Takes the name, and waits for it as long as the caller wants. */
static int
fs_claim_name(factstr_stream *stream, const fs_stream_request *request, factstr_error *error)
{
	const factstr_store *store = stream->store;
	fs_claim	claim = {
		.name = stream->name,
		.query = &stream->query,
		.partitions = request->partitions,
		.start = request->options.start,
		.transactional = stream->is_transactional
	};
	int64_t		deadline = fs_deadline(request->options.timeout_ms);

	for (;;)
	{
		uint64_t	count = fs_hub_cursor_count(store->hub);

		/* Checked before the claim, because the other stream may end during the claim. */
		bool		is_ending = fs_streams_name_is_ending(stream);
		int			code = store->methods->stream_claim(store->backend, &claim, &stream->lease,
														&stream->cursor, error);
		int64_t		left = fs_time_left(deadline);

		if (code != FACTSTR_STREAM_ACTIVE)
			return code;
		if (is_ending)
			left = FS_CLAIM_INTERVAL;
		if (left == 0)
			return code;
		code = fs_streams_check(stream->store, error);
		if (code != FACTSTR_OK)
			return code;
		fs_hub_cursor_wait(store->hub, count,
						   left < FS_CLAIM_INTERVAL ? left : FS_CLAIM_INTERVAL);
	}
}

/* Delivers the facts that are in the log now, on the caller's thread. */
static int
fs_replay(factstr_stream *stream, factstr_error *error)
{
	uint64_t	head;
	bool		reached_end = false;
	int			code = stream->store->methods->head(stream->store->backend, &head, error);

	stream->is_replaying = true;
	while (code == FACTSTR_OK && !reached_end && stream->position < head)
		code = fs_deliver_some(stream, head, &reached_end, error);
	stream->is_replaying = false;

	/* The thread would do it as well, but a caller that checks right afterwards should find it done. */
	return code == FACTSTR_OK ? fs_settle_cursor(stream, error) : code;
}

/* The message of a failed replay is kept like that of a failed delivery, but nothing tries again. */
static void
fs_abandon_name(factstr_stream *stream, const factstr_error *failure)
{
	const fs_methods *methods = stream->store->methods;
	factstr_error error;

	if (stream->lease == NULL)
		return;
	if (stream->has_failed_delivery)
		(void) methods->stream_fail(stream->lease, failure->message, 0, &error);
	methods->stream_release(stream->lease);
	fs_hub_wake_cursors(stream->store->hub);
}

static int
fs_start_durable(factstr_stream *stream, const fs_stream_request *request,
				 factstr_stream **handle, factstr_error *error)
{
	int			code = fs_claim_name(stream, request, error);

	if (code != FACTSTR_OK)
		return code;
	stream->holds_name = true;
	stream->position = stream->cursor;
	*handle = stream;
	if (request->options.in_background || stream->is_pulled)
		return FACTSTR_OK;
	code = fs_replay(stream, error);
	if (code != FACTSTR_OK)
		fs_abandon_name(stream, error);
	return code;
}

/* Finds the start of a live stream. */
static int
fs_find_start(factstr_stream *stream, const factstr_stream_options *options,
			  factstr_error *error)
{
	const factstr_store *store = stream->store;

	switch (options->start)
	{
		case FACTSTR_FROM_FIRST:
			stream->position = 0;
			return FACTSTR_OK;
		case FACTSTR_FROM_AFTER:
			stream->position = options->after_sequence_number;
			return FACTSTR_OK;
		case FACTSTR_FROM_DEFAULT:
		case FACTSTR_FROM_NOW:
			break;
	}
	return store->methods->head(store->backend, &stream->position, error);
}

static int
fs_start_threads(factstr_stream *stream, factstr_error *error)
{
	pthread_t	thread;
	int			code = fs_dispatcher_start(fs_streams_dispatcher(stream->store), error);

	stream->last_given = stream->position;
	if (stream->lease == NULL)
		stream->cursor = stream->position;
	if (code == FACTSTR_OK && !stream->is_pulled && !fs_thread_start(&thread, fs_stream_work, stream))
		code = fs_error(error, FACTSTR_NO_MEMORY, "cannot start a thread");
	if (code != FACTSTR_OK)
		fs_abandon_name(stream, error);
	return code;
}

static int
fs_start(factstr_stream *stream, const fs_stream_request *request, factstr_stream **handle,
		 factstr_error *error)
{
	factstr_store *store = stream->store;
	int			code = fs_watch_begin(store, error);

	if (code != FACTSTR_OK)
		return code;
	if (stream->name != NULL)
		code = fs_start_durable(stream, request, handle, error);
	else
		code = fs_find_start(stream, &request->options, error);

	/*
	 * The handle may be in the context, and both may be gone as soon as the thread runs.  A stream that was
	 * unsubscribed during the replay ends like any other.
	 */
	*handle = fs_stream_is_freed(stream) ? NULL : stream;
	if (code == FACTSTR_OK)
		code = fs_start_threads(stream, error);
	if (code != FACTSTR_OK)
		fs_watch_end(store);
	return code;
}

/* The references of the list and of the handle, unless that was freed during the replay. */
static void
fs_abandon(factstr_stream *stream, factstr_stream **handle)
{
	fs_stream_note_end(stream);
	fs_stream_let_go(stream);
	if (fs_stream_mark_freed(stream))
		fs_stream_let_go(stream);
	*handle = NULL;
}

int
fs_stream_open(factstr_store *store, const fs_stream_request *request, factstr_stream **handle,
			   factstr_error *error)
{
	factstr_stream *stream = fs_stream_new(store, request, error);
	int			code;

	if (stream == NULL)
		return error->code;
	fs_streams_join_finished(store);
	if (!fs_streams_add(stream))
		code = fs_calls_refuse(error);
	else
	{
		code = fs_start(stream, request, handle, error);
		if (code != FACTSTR_OK)
			fs_streams_remove(stream);
	}
	if (code != FACTSTR_OK)
		fs_abandon(stream, handle);
	fs_stream_let_go(stream);
	return code;
}
