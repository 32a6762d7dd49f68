/*
 * stream_api.c
 *		The functions that open streams, and the one that waits for them.
 */
#include <inttypes.h>

#include "stream.h"
#include "threads.h"

/* Waiting looks again after so many ms, for cursors that another process moves. */
#define FS_LOOK_INTERVAL 50

/* A name that is NULL would mean a stream that is not durable. */
static int
fs_open_durable(factstr_store *store, const fs_stream_request *request, factstr_stream **stream,
				factstr_error *error)
{
	if (request->name != NULL)
		return fs_stream_open(store, request, stream, error);
	if (stream != NULL)
		*stream = NULL;
	return fs_error_misuse_null(error, "name");
}

int
factstr_stream_all(factstr_store *store, factstr_handler handler, void *context,
				   factstr_stream **stream, factstr_error *error)
{
	return factstr_stream_to(store, NULL, handler, context, stream, error);
}

int
factstr_stream_to(factstr_store *store, const char *event_query, factstr_handler handler,
				  void *context, factstr_stream **stream, factstr_error *error)
{
	fs_stream_request request = {
		.event_query = event_query,
		.handler = handler,
		.context = context
	};

	return fs_stream_open(store, &request, stream, error);
}

int
factstr_stream_all_durable(factstr_store *store, const char *name,
						   const factstr_stream_options *options, factstr_handler handler,
						   void *context, factstr_stream **stream, factstr_error *error)
{
	return factstr_stream_to_durable(store, name, NULL, options, handler, context, stream, error);
}

int
factstr_stream_to_durable(factstr_store *store, const char *name, const char *event_query,
						  const factstr_stream_options *options, factstr_handler handler,
						  void *context, factstr_stream **stream, factstr_error *error)
{
	fs_stream_request request = {
		.name = name,
		.event_query = event_query,
		.options = options,
		.handler = handler,
		.context = context
	};

	return fs_open_durable(store, &request, stream, error);
}

int
factstr_json_stream_all(factstr_store *store, factstr_json_handler handler, void *context,
						factstr_stream **stream, factstr_error *error)
{
	return factstr_json_stream_to(store, NULL, handler, context, stream, error);
}

int
factstr_json_stream_to(factstr_store *store, const char *event_query,
					   factstr_json_handler handler, void *context, factstr_stream **stream,
					   factstr_error *error)
{
	fs_stream_request request = {
		.event_query = event_query,
		.json_handler = handler,
		.context = context
	};

	return fs_stream_open(store, &request, stream, error);
}

int
factstr_json_stream_all_durable(factstr_store *store, const char *name,
								factstr_json_handler handler, void *context,
								factstr_stream **stream, factstr_error *error)
{
	return factstr_json_stream_to_durable(store, name, NULL, handler, context, stream, error);
}

int
factstr_json_stream_to_durable(factstr_store *store, const char *name, const char *event_query,
							   factstr_json_handler handler, void *context,
							   factstr_stream **stream, factstr_error *error)
{
	fs_stream_request request = {
		.name = name,
		.event_query = event_query,
		.json_handler = handler,
		.context = context
	};

	return fs_open_durable(store, &request, stream, error);
}

static int
fs_time_out(const char *stream, uint64_t sequence_number, uint64_t cursor, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_WAIT_TIMED_OUT,
					"durable stream \"%s\" has not got to fact %" PRIu64 " in time", stream,
					sequence_number);
	fs_error_detail(error, "Its cursor is at %" PRIu64 ".", cursor);
	fs_error_hint(error, "The list of streams shows whether it is consumed, and the last error of "
				  "its handler.");
	return FACTSTR_WAIT_TIMED_OUT;
}

static int
fs_wait_watching(factstr_store *store, uint64_t sequence_number, const char *stream,
				 int64_t timeout, factstr_error *error)
{
	int64_t		deadline = fs_deadline(timeout);

	for (;;)
	{
		uint64_t	count = fs_hub_cursor_count(store->hub);
		uint64_t	cursor;
		int64_t		left;
		int			code = store->methods->stream_cursor(store->backend, stream, &cursor, error);

		if (code != FACTSTR_OK || cursor >= sequence_number)
			return code;
		if (fs_streams_is_closing(store))
			return fs_error(error, FACTSTR_MISUSE, "the store is being closed");
		left = fs_time_left(deadline);
		if (left == 0)
			return fs_time_out(stream, sequence_number, cursor, error);
		fs_hub_cursor_wait(store->hub, count,
						   left < FS_LOOK_INTERVAL ? left : FS_LOOK_INTERVAL);
	}
}

static int
fs_check_wait(factstr_store *store, uint64_t sequence_number, const char *stream,
			  factstr_error *error)
{
	int			code = fs_check_stream_call(store, stream, error);

	if (code == FACTSTR_OK)
		code = fs_check_position(sequence_number, "sequence_number", error);
	if (code == FACTSTR_OK && fs_within_handler_of_name(store, stream))
		code = fs_error(error, FACTSTR_MISUSE, "a handler must not wait for its own stream");
	return code;
}

int
factstr_wait(factstr_store *store, uint64_t sequence_number, const char *stream, int64_t timeout,
			 factstr_error *error)
{
	factstr_error found;
	int			code = fs_check_wait(store, sequence_number, stream, &found);

	if (code == FACTSTR_OK)
		code = fs_watch_begin(store, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_wait_watching(store, sequence_number, stream, timeout, &found);
		fs_watch_end(store);
	}
	return fs_report(code, &found, error);
}
