/*
 * api/json_streams.c
 *		Streams across the JSON boundary.
 */
#include <string.h>

#include "api/streams.h"
#include "input/stream_options.h"
#include "results/error.h"
#include "results/records.h"

static int
fs_open_json_stream(factstr_store *store, const char *options, fs_stream_request *request,
					factstr_stream **stream, factstr_error *error)
{
	factstr_destroy destroy = request->options.destroy;
	fs_stream_options parsed;
	int			code = fs_stream_options_of_json(options, &parsed, error);

	if (code != FACTSTR_OK)
		return code;
	request->name = parsed.name;
	request->event_query = parsed.event_query;
	request->options = parsed.options;
	request->options.destroy = destroy;
	code = fs_open_stream(store, request, stream, error);
	fs_stream_options_release(&parsed);
	return code;
}

int
factstr_json_stream_open(factstr_store *store, const char *options, factstr_json_handler handler,
						 factstr_json_ended ended, void *context, factstr_destroy destroy,
						 factstr_stream **stream, char **result)
{
	fs_stream_request request = {
		.json_handler = handler,
		.json_ended = ended,
		.context = context,
		.options.destroy = destroy
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
		code = fs_open_json_stream(store, options, &request, stream, &error);
	}
	*result = code == FACTSTR_OK ? strdup("{}") : fs_error_document(code, &error);
	return code;
}
