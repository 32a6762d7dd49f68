/*
 * json_boundary.c
 *		The JSON boundary: whole requests and results as JSON documents.
 */
#include <stdlib.h>

#include "append.h"
#include "json_text.h"

/* Appends what is not empty as one more member of an error document. */
static void
fs_write_words(fs_buffer *out, const char *key, const char *words)
{
	if (words[0] == '\0')
		return;
	fs_buffer_append_text(out, ", ");
	fs_write_string(out, key);
	fs_buffer_append_text(out, ": ");
	fs_write_string(out, words);
}

static char *
fs_error_document(int code, const factstr_error *error)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"code\": ");
	fs_write_string(&out, factstr_code_name(code));
	fs_buffer_append_text(&out, ", \"message\": ");
	fs_write_string(&out, error->message);
	fs_write_words(&out, "detail", error->detail);
	fs_write_words(&out, "hint", error->hint);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

/* An expected version that was given is written as given, even 0; NULL stands for empty. */
static char *
fs_conflict_document(const uint64_t *expected_context_version, const factstr_error *error)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"expected_context_version\": ");
	if (expected_context_version == NULL)
		fs_buffer_append_text(&out, "null");
	else
		fs_write_integer(&out, *expected_context_version);
	fs_buffer_append_text(&out, ", \"actual_context_version\": ");
	fs_write_integer_or_null(&out, error->actual_context_version);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

static char *
fs_append_document(const factstr_append_result *appended)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"first_sequence_number\": ");
	fs_write_integer(&out, appended->first_sequence_number);
	fs_buffer_append_text(&out, ", \"last_sequence_number\": ");
	fs_write_integer(&out, appended->last_sequence_number);
	fs_buffer_append_text(&out, ", \"committed_count\": ");
	fs_write_integer(&out, appended->committed_count);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

static int
fs_append_json(factstr_store *store, const char *events, const fs_append_terms *terms,
			   factstr_append_result *appended, factstr_error *error)
{
	fs_events	checked;
	int			code;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (events == NULL)
		return fs_error_misuse_null(error, "events");
	code = fs_events_of_json(events, &checked, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_append_events(store, &checked, terms, appended, error);
	fs_events_release(&checked);
	return code;
}

static int
fs_append_and_answer(factstr_store *store, const char *events, const fs_append_terms *terms,
					 char **result)
{
	factstr_append_result appended = {0};
	factstr_error error;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_append_json(store, events, terms, &appended, &error);
	if (code == FACTSTR_OK)
		*result = fs_append_document(&appended);
	else if (code == FACTSTR_CONFLICT)
		*result = fs_conflict_document(terms->expected_context_version, &error);
	else
		*result = fs_error_document(code, &error);
	return code;
}

int
factstr_json_append(factstr_store *store, const char *events, const char *idempotency_key,
					char **result)
{
	fs_append_terms terms = {.idempotency_key = idempotency_key};

	return fs_append_and_answer(store, events, &terms, result);
}

int
factstr_json_append_if(factstr_store *store, const char *events, const char *context_query,
					   const uint64_t *expected_context_version, const char *idempotency_key,
					   char **result)
{
	fs_append_terms terms = {
		.is_conditional = true,
		.context_query = context_query,
		.expected_context_version = expected_context_version,
		.idempotency_key = idempotency_key
	};

	return fs_append_and_answer(store, events, &terms, result);
}

static char *
fs_query_document(const factstr_query_result *answer)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"event_records\": ");
	fs_write_event_records(&out, answer->facts, answer->fact_count);
	fs_buffer_append_text(&out, ", \"last_returned_sequence_number\": ");
	fs_write_integer_or_null(&out, answer->last_returned_sequence_number);
	fs_buffer_append_text(&out, ", \"current_context_version\": ");
	fs_write_integer_or_null(&out, answer->current_context_version);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

/* A reading that has no memory for its document has failed, and can be repeated. */
static int
fs_answer(int code, char *document, const factstr_error *error, char **result)
{
	*result = code == FACTSTR_OK ? document : fs_error_document(code, error);
	return code == FACTSTR_OK && document == NULL ? FACTSTR_NO_MEMORY : code;
}

int
factstr_json_query(factstr_store *store, const char *event_query, char **result)
{
	factstr_query_result *answer = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_query(store, event_query, &answer, &error);
	if (code == FACTSTR_OK)
		document = fs_query_document(answer);
	factstr_query_result_free(answer);
	return fs_answer(code, document, &error, result);
}

/* Microseconds as seconds, exactly. */
static void
fs_write_seconds(fs_buffer *out, int64_t microseconds)
{
	char		fraction[8] = ".000000";
	int64_t		rest = microseconds % 1000000;

	fs_write_integer(out, (uint64_t) (microseconds / 1000000));
	if (rest == 0)
		return;
	for (int i = 6; i > 0; i--)
	{
		fraction[i] = (char) ('0' + rest % 10);
		rest /= 10;
	}
	fs_buffer_append_text(out, fraction);
}

static void
fs_write_stream_positions(fs_buffer *out, const factstr_stream_status *status)
{
	fs_buffer_append_text(out, ", \"cursor_sequence_number\": ");
	fs_write_integer(out, status->cursor_sequence_number);
	fs_buffer_append_text(out, ", \"head_sequence_number\": ");
	fs_write_integer(out, status->head_sequence_number);
	fs_buffer_append_text(out, ", \"lag_facts\": ");
	fs_write_integer(out, status->lag_facts);
	fs_buffer_append_text(out, ", \"lag_time\": ");
	fs_write_seconds(out, status->lag_time > 0 ? status->lag_time : 0);
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

void
factstr_json_free(char *result)
{
	free(result);
}
