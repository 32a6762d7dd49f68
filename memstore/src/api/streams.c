/*
 * api/streams.c
 *		Opens streams, their handles, and waits for a durable one.
 */
#include <inttypes.h>

#include "api/partitions.h"
#include "api/store.h"
#include "api/streams.h"
#include "api/structs.h"
#include "base/threads.h"
#include "results/error.h"
#include "stores/hub.h"
#include "streams/list.h"
#include "streams/pull.h"
#include "streams/stream.h"

/* The interval, in ms, at which a wait checks for cursors that another process moves. */
#define FS_LOOK_INTERVAL 50

/* The options that only a durable stream has, and those that only a live one has. */
static int
fs_check_kind(const fs_stream_request *request, factstr_error *error)
{
	const factstr_stream_options *options = &request->options;

	if (request->name == NULL && options->transactional)
		return fs_error(error, FACTSTR_MISUSE, "only a durable stream can be transactional");
	if (request->name == NULL && (options->ack_batches != 0 || options->ack_ms != 0))
		return fs_error(error, FACTSTR_MISUSE, "only a durable stream acknowledges batches");
	if (request->handler == NULL && request->json_handler == NULL &&
		(options->transactional || options->ack_batches != 0 || options->ack_ms != 0 ||
		 options->ended != NULL || request->json_ended != NULL))
		return fs_error(error, FACTSTR_MISUSE, "a stream without a handler must not have handler options");
	if (request->name == NULL || options->start != FACTSTR_FROM_AFTER)
		return fs_check_position(options->after_sequence_number, "after_sequence_number", error);
	(void) fs_error(error, FACTSTR_MISUSE, "a durable stream cannot begin after a given fact");
	fs_error_hint(error, "Open it, and move its cursor with factstr_stream_seek.");
	return FACTSTR_MISUSE;
}

static int
fs_check_request(factstr_store *store, const fs_stream_request *request, factstr_error *error)
{
	int			code;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	code = fs_check_kind(request, error);
	if (code == FACTSTR_OK)
		code = fs_check_partitions(request, error);
	if (code != FACTSTR_OK || request->name == NULL)
		return code;
	code = fs_check_text(request->name, "name", error);
	return code != FACTSTR_OK ? code :
		fs_check_no_transaction(store, "open a durable stream", error);
}

int
fs_open_stream(factstr_store *store, const fs_stream_request *request, factstr_stream **stream,
			   factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_check_request(store, request, error);

	if (code == FACTSTR_OK)
		code = fs_enter(store, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = request->options.partitions > 0 ? fs_open_partition(store, request, stream, error) :
		fs_stream_open(store, request, stream, error);
	fs_leave(&entered);
	return code;
}

int
factstr_stream_open(factstr_store *store, const char *name, const char *event_query,
					factstr_handler handler, void *context,
					const factstr_stream_options *options, factstr_stream **stream,
					factstr_error *error)
{
	fs_stream_request request = {
		.name = name,
		.event_query = event_query,
		.handler = handler,
		.context = context
	};
	factstr_error found;
	int			code;

	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	*stream = NULL;
	code = fs_take_stream_options(options, &request.options, &found);
	if (code == FACTSTR_OK)
		code = fs_open_stream(store, &request, stream, &found);
	return fs_report(code, &found, error);
}

void
factstr_stream_unsubscribe(factstr_stream *stream)
{
	if (stream == NULL || fs_process_check(stream->process, NULL) != FACTSTR_OK)
		return;
	fs_stream_stop(stream);
	if (stream->is_pulled)
		(void) fs_pull_end_within(stream, fs_deadline(0));
}

int
factstr_stream_close(factstr_stream *stream, int64_t timeout_ms)
{
	bool		has_ended;

	if (stream == NULL)
		return FACTSTR_OK;
	if (fs_process_check(stream->process, NULL) != FACTSTR_OK)
		return FACTSTR_MISUSE;
	(void) fs_stream_mark_freed(stream);
	fs_stream_stop(stream);
	has_ended = stream->is_pulled ? fs_pull_end_within(stream, fs_deadline(timeout_ms)) :
		fs_await_end(stream, fs_deadline(timeout_ms));
	fs_destroy_context(stream);
	fs_stream_let_go(stream);
	return has_ended ? FACTSTR_OK : FACTSTR_WAIT_TIMED_OUT;
}

int
factstr_stream_state(factstr_stream *stream, factstr_error *error)
{
	factstr_error failure;

	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	if (fs_process_check(stream->process, &failure) != FACTSTR_OK)
		return fs_report(FACTSTR_MISUSE, &failure, error);
	if (!fs_stream_look(stream, &failure))
		return fs_error(error, FACTSTR_MISUSE, "the stream was unsubscribed");
	return fs_report(failure.code, &failure, error);
}

static int
fs_time_out(const char *name, uint64_t sequence_number, uint64_t cursor, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_WAIT_TIMED_OUT,
					"durable stream \"%s\" did not reach fact %" PRIu64 " before the timeout", name,
					sequence_number);
	fs_error_detail(error, "Its cursor is at %" PRIu64 ".", cursor);
	fs_error_hint(error, "The list of streams shows whether it is consumed, and the last error of "
				  "its handler.");
	return FACTSTR_WAIT_TIMED_OUT;
}

static int
fs_wait_watching(factstr_store *store, const char *name, uint64_t sequence_number,
				 int64_t timeout_ms, factstr_error *error)
{
	int64_t		deadline = fs_deadline(timeout_ms);

	for (;;)
	{
		uint64_t	count = fs_hub_cursor_count(store->hub);
		uint64_t	cursor;
		int64_t		left;
		int			code = store->methods->stream_cursor(store->backend, name, &cursor, error);

		if (code != FACTSTR_OK || cursor >= sequence_number)
			return code;
		code = fs_streams_check(store, error);
		if (code != FACTSTR_OK)
			return code;
		left = fs_time_left(deadline);
		if (left == 0)
			return fs_time_out(name, sequence_number, cursor, error);
		fs_hub_cursor_wait(store->hub, count,
						   left < FS_LOOK_INTERVAL ? left : FS_LOOK_INTERVAL);
	}
}

static int
fs_check_wait(factstr_store *store, const char *name, uint64_t sequence_number,
			  factstr_error *error)
{
	int			code = fs_check_stream_call(store, name, error);

	if (code == FACTSTR_OK)
		code = fs_check_position(sequence_number, "sequence_number", error);
	if (code == FACTSTR_OK && fs_within_handler_of_name(store, name))
		code = fs_error(error, FACTSTR_MISUSE, "a handler must not wait for its own stream");
	if (code == FACTSTR_OK)
		code = fs_check_no_transaction(store, "wait for a stream", error);
	return code;
}

static int
fs_wait_entered(factstr_store *store, const char *name, uint64_t sequence_number,
				int64_t timeout_ms, factstr_error *error)
{
	int			code = fs_watch_begin(store, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_wait_watching(store, name, sequence_number, timeout_ms, error);
	fs_watch_end(store);
	return code;
}

int
factstr_wait(factstr_store *store, const char *name, uint64_t sequence_number,
			 int64_t timeout_ms, factstr_error *error)
{
	factstr_error found;
	fs_entered	entered;
	int			code = fs_check_wait(store, name, sequence_number, &found);

	if (code == FACTSTR_OK)
		code = fs_enter(store, &entered, &found);
	if (code == FACTSTR_OK)
	{
		code = fs_wait_entered(store, name, sequence_number, timeout_ms, &found);
		fs_leave(&entered);
	}
	return fs_report(code, &found, error);
}
