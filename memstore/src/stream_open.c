/*
 * stream_open.c
 *		Opening streams: taking the name, the replay of what is there, and starting the thread.
 */
#include "stream.h"
#include "threads.h"

/* How often to ask again for a name that another process has.  In ms. */
#define FS_CLAIM_INTERVAL 25

static int
fs_refuse_closing(factstr_error *error)
{
	return fs_error(error, FACTSTR_MISUSE, "the store is being closed");
}

/* Takes the name, and waits for it as long as the caller wants. */
static int
fs_claim_name(factstr_stream *stream, const factstr_stream_options *options,
			  factstr_error *error)
{
	const factstr_store *store = stream->store;
	fs_claim	claim = {
		.name = stream->name,
		.query = &stream->query,
		.start = options != NULL ? options->start : FACTSTR_FROM_FIRST,
		.transactional = stream->is_transactional
	};
	int64_t		deadline = fs_deadline(options != NULL ? options->wait : 0);

	while (!fs_stream_is_stopped(stream))
	{
		uint64_t	count = fs_hub_cursor_count(store->hub);
		int			code = store->methods->stream_claim(store->backend, &claim, &stream->lease,
														&stream->cursor, error);
		int64_t		left = fs_time_left(deadline);

		if (code != FACTSTR_STREAM_ACTIVE)
			return code;
		if (fs_streams_name_is_ending(stream))
			left = FS_CLAIM_INTERVAL;
		if (left == 0)
			return code;
		fs_hub_cursor_wait(store->hub, count,
						   left < FS_CLAIM_INTERVAL ? left : FS_CLAIM_INTERVAL);
	}
	return fs_refuse_closing(error);
}

/* Delivers what is in the log now, on the caller's thread. */
static int
fs_replay(factstr_stream *stream, factstr_error *error)
{
	uint64_t	head;
	bool		reached_end = false;
	int			code = stream->store->methods->head(stream->store->backend, &head, error);

	while (code == FACTSTR_OK && !reached_end && stream->position < head)
	{
		code = fs_deliver_some(stream, head, &reached_end, error);
		if (code == FACTSTR_OK && fs_stream_is_stopped(stream))
			code = fs_refuse_closing(error);
	}

	/* The thread would do it as well, but who looks right afterwards should find it done. */
	return code == FACTSTR_OK ? fs_settle_cursor(stream, error) : code;
}

/*
 * The words of a failed replay are kept like those of a failed delivery, but nothing tries again.
 */
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
fs_start_durable(factstr_stream *stream, const factstr_stream_options *options,
				 factstr_error *error)
{
	int			code = fs_claim_name(stream, options, error);

	if (code != FACTSTR_OK)
		return code;
	stream->holds_name = true;
	stream->position = stream->cursor;
	code = fs_replay(stream, error);
	if (code != FACTSTR_OK)
		fs_abandon_name(stream, error);
	return code;
}

static int
fs_start_thread(factstr_stream *stream, factstr_error *error)
{
	pthread_t	thread;

	if (fs_thread_start(&thread, fs_stream_work, stream))
		return FACTSTR_OK;
	(void) fs_error(error, FACTSTR_NO_MEMORY, "cannot start a thread");
	fs_abandon_name(stream, error);
	return FACTSTR_NO_MEMORY;
}

static int
fs_start(factstr_stream *stream, const factstr_stream_options *options, factstr_stream **handle,
		 factstr_error *error)
{
	factstr_store *store = stream->store;
	int			code = fs_watch_begin(store, error);

	if (code != FACTSTR_OK)
		return code;
	if (stream->name != NULL)
		code = fs_start_durable(stream, options, error);
	else
		code = store->methods->head(store->backend, &stream->position, error);
	if (code == FACTSTR_OK)
	{
		/* The handler may look at it as soon as it is called. */
		*handle = stream;
		code = fs_start_thread(stream, error);
	}
	if (code != FACTSTR_OK)
		fs_watch_end(store);
	return code;
}

/* The arguments that all streams have, and those of a durable one. */
static int
fs_check_request(factstr_store *store, const fs_stream_request *request, factstr_error *error)
{
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (request->handler == NULL && request->json_handler == NULL)
		return fs_error_misuse_null(error, "handler");
	if (request->name != NULL)
		return fs_check_text(request->name, "name", error);
	return FACTSTR_OK;
}

static int
fs_open_checked(factstr_store *store, const fs_stream_request *request, factstr_stream **handle,
				factstr_error *error)
{
	factstr_stream *stream = fs_stream_new(store, request, error);
	int			code;

	if (stream == NULL)
		return error->code;
	fs_streams_join_finished(store);
	if (!fs_streams_add(stream))
		code = fs_refuse_closing(error);
	else
	{
		code = fs_start(stream, request->options, handle, error);
		if (code != FACTSTR_OK)
			fs_streams_remove(stream);
	}
	if (code != FACTSTR_OK)
	{
		*handle = NULL;
		fs_stream_let_go(stream);
		fs_stream_let_go(stream);
	}
	return code;
}

int
fs_stream_open(factstr_store *store, const fs_stream_request *request, factstr_stream **stream,
			   factstr_error *error)
{
	factstr_error found;
	int			code;

	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	*stream = NULL;
	code = fs_check_request(store, request, &found);
	if (code == FACTSTR_OK)
		code = fs_open_checked(store, request, stream, &found);
	return fs_report(code, &found, error);
}
