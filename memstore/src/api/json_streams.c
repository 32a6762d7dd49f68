/*
 * api/json_streams.c
 *		The JSON boundary: streams, and durable streams from outside.  pulling.c has the batches of pulled
 *		streams.
 */
#include "api/json_answers.h"
#include "api/streams.h"
#include "base/json_text.h"
#include "input/stream_options.h"
#include "results/error.h"
#include "results/records.h"

/*
 * Handles
 */

static int
fs_open_json_stream(factstr_store *store, fs_stream_request *request, const char *options,
					factstr_destroy destroy, factstr_stream **stream, factstr_error *error)
{
	fs_stream_options parsed;
	int			code = fs_stream_options_of_json(options, &parsed, error);

	if (code != FACTSTR_OK)
		return code;
	request->options = parsed.options;
	request->options.destroy = destroy;
	code = fs_open_stream(store, request, stream, error);
	fs_stream_options_release(&parsed);
	return code;
}

int
factstr_json_stream_open(factstr_store *store, const char *name, const char *event_query,
						 factstr_json_handler handler, factstr_json_ended ended,
						 factstr_destroy destroy, void *context, const char *options,
						 factstr_stream **stream, char **result)
{
	fs_stream_request request = {
		.name = name,
		.event_query = event_query,
		.json_handler = handler,
		.json_ended = ended,
		.context = context
	};
	factstr_error error;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	if (stream == NULL)
		code = fs_error_misuse_null(&error, "stream");
	else
	{
		*stream = NULL;
		code = fs_open_json_stream(store, &request, options, destroy, stream, &error);
	}
	return fs_answer_nothing(code, &error, result);
}

int
factstr_json_stream_ack(factstr_stream *stream, uint64_t sequence_number, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_stream_ack(stream, sequence_number, &error), &error, result);
}

int
factstr_json_stream_fail(factstr_stream *stream, const char *message, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_stream_fail(stream, message, &error), &error, result);
}

int
factstr_json_stream_fd(factstr_stream *stream, char **result)
{
	fs_buffer	out = {0};
	factstr_error error;
	char	   *document = NULL;
	int			fd;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_stream_fd(stream, &fd, &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, "{\"fd\": ");
		fs_write_integer(&out, (uint64_t) fd);
		fs_buffer_append_text(&out, "}");
		document = fs_finish_text(&out);
	}
	return fs_answer(code, document, &error, result);
}

int
factstr_json_stream_state(factstr_stream *stream, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_stream_state(stream, &error), &error, result);
}

/*
 * Durable streams from outside
 */

static void
fs_write_stream_positions(fs_buffer *out, const factstr_stream_status *status)
{
	fs_buffer_append_text(out, ", \"cursor_sequence_number\": ");
	fs_write_integer(out, status->cursor_sequence_number);
	fs_buffer_append_text(out, ", \"head_sequence_number\": ");
	fs_write_integer(out, status->head_sequence_number);
	fs_buffer_append_text(out, ", \"lag_facts\": ");
	fs_write_integer(out, status->lag_facts);
	fs_buffer_append_text(out, ", \"lag_us\": ");
	fs_write_integer(out, status->lag_us > 0 ? (uint64_t) status->lag_us : 0);
	fs_buffer_append_text(out, ", \"last_success_at\": ");
	fs_write_time_or_null(out, status->last_success_at);
}

static void
fs_write_stream_failures(fs_buffer *out, const factstr_stream_status *status)
{
	fs_buffer_append_text(out, ", \"failure_count\": ");
	fs_write_integer(out, status->failure_count);
	fs_buffer_append_text(out, ", \"last_error\": ");
	if (status->last_error == NULL)
		fs_buffer_append_text(out, "null");
	else
		fs_write_string(out, status->last_error);
	fs_buffer_append_text(out, ", \"last_failed_at\": ");
	fs_write_time_or_null(out, status->last_failed_at);
	fs_buffer_append_text(out, ", \"retry_at\": ");
	fs_write_time_or_null(out, status->retry_at);
}

static char *
fs_streams_document(const factstr_stream_status_list *list)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_stream_status *status = &list->streams[i];

		fs_buffer_append_text(&out, i == 0 ? "{\"name\": " : ", {\"name\": ");
		fs_write_string(&out, status->name);
		fs_buffer_append_text(&out, ", \"event_query\": ");
		fs_buffer_append_text(&out, status->event_query);
		fs_write_stream_positions(&out, status);
		fs_write_stream_failures(&out, status);
		fs_buffer_append_text(&out, ", \"active\": ");
		fs_buffer_append_text(&out, status->active ? "true}" : "false}");
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

int
factstr_json_streams(factstr_store *store, char **result)
{
	factstr_stream_status_list *list = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_streams(store, &list, &error);
	if (code == FACTSTR_OK)
		document = fs_streams_document(list);
	factstr_stream_status_list_free(list);
	return fs_answer(code, document, &error, result);
}

int
factstr_json_stream_seek(factstr_store *store, const char *name, uint64_t sequence_number,
						 char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_stream_seek(store, name, sequence_number, &error), &error,
							 result);
}

int
factstr_json_stream_drop(factstr_store *store, const char *name, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_stream_drop(store, name, &error), &error, result);
}

int
factstr_json_wait(factstr_store *store, const char *name, uint64_t sequence_number,
				  int64_t timeout_ms, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_wait(store, name, sequence_number, timeout_ms, &error), &error,
							 result);
}
