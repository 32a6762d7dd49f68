/*
 * api/pulling.c
 *		Streams without a handler: requests for batches, and acknowledgements.
 */
#include <stdlib.h>

#include "api/answers.h"
#include "api/json_answers.h"
#include "api/store.h"
#include "base/threads.h"
#include "results/error.h"
#include "results/records.h"
#include "streams/pull.h"

/* A call with the stream and its store, which exists until the call has left the stream. */
static int
fs_enter_stream(factstr_stream *stream, fs_entered *entered, factstr_error *error)
{
	int			code;

	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	code = fs_process_check(stream->process, error);
	if (code == FACTSTR_OK)
		code = fs_pull_enter(stream, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_enter(stream->store, entered, error);
	if (code != FACTSTR_OK)
		fs_pull_leave(stream);
	return code;
}

static void
fs_leave_stream(factstr_stream *stream, fs_entered *entered)
{
	fs_leave(entered);
	fs_pull_leave(stream);
}

static int
fs_next(factstr_stream *stream, size_t max_batches, int64_t timeout_ms, fs_batch_list *batches,
		factstr_error *error)
{
	fs_entered	entered;
	int			code;

	if (max_batches == 0)
		return fs_error(error, FACTSTR_MALFORMED, "invalid max_batches: it must be at least 1");
	code = fs_enter_stream(stream, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_pull_next(stream, max_batches, fs_deadline(timeout_ms), batches, error);
	fs_leave_stream(stream, &entered);
	return code;
}

int
factstr_stream_next(factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
					factstr_batch_list **list, factstr_error *error)
{
	factstr_error found;
	fs_batch_answer *answer;
	int			code;

	if (list == NULL)
		return fs_error_misuse_null(error, "list");
	*list = NULL;
	answer = calloc(1, sizeof(fs_batch_answer));
	if (answer == NULL)
		return fs_error_no_memory(error);
	code = fs_next(stream, max_batches, timeout_ms, &answer->batches, &found);
	answer->list.count = answer->batches.count;
	answer->list.batches = answer->batches.batches;
	if (code == FACTSTR_OK)
		*list = &answer->list;
	else
		factstr_batch_list_free(&answer->list);
	return fs_report(code, &found, error);
}

/* Without memory for their document, batches are not returned: they come again. */
static int
fs_next_document(factstr_stream *stream, size_t max_batches, int64_t timeout_ms, char **document,
				 factstr_error *error)
{
	fs_batch_list batches = {0};
	fs_entered	entered;
	int			code;

	if (max_batches == 0)
		return fs_error(error, FACTSTR_MALFORMED, "invalid max_batches: it must be at least 1");
	code = fs_enter_stream(stream, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_pull_next(stream, max_batches, fs_deadline(timeout_ms), &batches, error);
	if (code == FACTSTR_OK)
		*document = fs_deliveries_document(batches.batches, batches.count);
	if (code == FACTSTR_OK && *document == NULL && batches.count > 0)
		fs_pull_take_back(stream, batches.batches[0].first_sequence_number - 1);
	fs_leave_stream(stream, &entered);
	fs_batch_list_release(&batches);
	return code;
}

int
factstr_json_stream_next(factstr_stream *stream, size_t max_batches, int64_t timeout_ms,
						 char **result)
{
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_next_document(stream, max_batches, timeout_ms, &document, &error);
	return fs_answer(code, document, &error, result);
}

static int
fs_ack(factstr_stream *stream, uint64_t sequence_number, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_check_position(sequence_number, "sequence_number", error);

	if (code == FACTSTR_OK)
		code = fs_enter_stream(stream, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_pull_ack(stream, sequence_number, error);
	fs_leave_stream(stream, &entered);
	return code;
}

int
factstr_stream_ack(factstr_stream *stream, uint64_t sequence_number, factstr_error *error)
{
	factstr_error found;

	return fs_report(fs_ack(stream, sequence_number, &found), &found, error);
}

static int
fs_fail(factstr_stream *stream, const char *message, factstr_error *error)
{
	factstr_error words = {0};
	fs_entered	entered;
	int			code;

	if (message == NULL)
		return fs_error_misuse_null(error, "message");
	(void) fs_error(&words, FACTSTR_HANDLER_FAILED, "%s", message);
	code = fs_enter_stream(stream, &entered, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_pull_fail(stream, &words, error);
	fs_leave_stream(stream, &entered);
	return code;
}

int
factstr_stream_fail(factstr_stream *stream, const char *message, factstr_error *error)
{
	factstr_error found;

	return fs_report(fs_fail(stream, message, &found), &found, error);
}

int
factstr_stream_fd(factstr_stream *stream, int *fd, factstr_error *error)
{
	factstr_error found;
	int			code;

	if (fd == NULL)
		return fs_error_misuse_null(error, "fd");
	*fd = -1;
	if (stream == NULL)
		return fs_error_misuse_null(error, "stream");
	code = fs_process_check(stream->process, &found);
	if (code == FACTSTR_OK)
		code = fs_pull_fd(stream, fd, &found);
	return fs_report(code, &found, error);
}
