/*
 * api/json_boundary.c
 *		The JSON boundary: whole requests and results as JSON documents.
 */
#include <stdlib.h>

#include "api/append.h"
#include "base/buffer.h"
#include "base/json_text.h"
#include "input/events.h"
#include "results/error.h"
#include "results/records.h"

static char *
fs_conflict_document(const fs_append_terms *terms, const factstr_error *error)
{
	fs_buffer	out = {0};

	if (terms->condition == FS_UNLESS_NEWER)
	{
		fs_buffer_append_text(&out, "{\"after_sequence_number\": ");
		fs_write_integer(&out, terms->context_number);
	}
	else
	{
		fs_buffer_append_text(&out, "{\"expected_context_version\": ");
		fs_write_integer_or_null(&out, terms->context_number);
	}
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
		*result = fs_conflict_document(terms, &error);
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
					   uint64_t expected_context_version, const char *idempotency_key,
					   char **result)
{
	fs_append_terms terms = {
		.condition = FS_IF_VERSION,
		.context_query = context_query,
		.context_number = expected_context_version,
		.idempotency_key = idempotency_key
	};

	return fs_append_and_answer(store, events, &terms, result);
}

int
factstr_json_append_unless(factstr_store *store, const char *events, const char *context_query,
						   uint64_t after_sequence_number, const char *idempotency_key,
						   char **result)
{
	fs_append_terms terms = {
		.condition = FS_UNLESS_NEWER,
		.context_query = context_query,
		.context_number = after_sequence_number,
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
	fs_write_seconds(out, status->lag_us > 0 ? status->lag_us : 0);
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
factstr_json_redact(factstr_store *store, uint64_t sequence_number, const char *payload,
					const char *metadata, const char *reason, char **result)
{
	factstr_error error;
	bool		traces_remain;
	fs_buffer	out = {0};
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_redact(store, sequence_number, payload, metadata, reason, &traces_remain,
						  &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, traces_remain ? "{\"traces_remain\": true}" :
							  "{\"traces_remain\": false}");
		document = fs_finish_text(&out);
	}
	/* What is done is not told as a failure. */
	*result = code == FACTSTR_OK ? document : fs_error_document(code, &error);
	return code;
}

static char *
fs_redactions_document(const factstr_redaction_list *list)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_redaction *redaction = &list->redactions[i];

		fs_buffer_append_text(&out, i == 0 ? "{\"sequence_number\": " : ", {\"sequence_number\": ");
		fs_write_integer(&out, redaction->sequence_number);
		fs_buffer_append_text(&out, ", \"redacted_at\": ");
		fs_write_time(&out, redaction->redacted_at);
		fs_buffer_append_text(&out, ", \"redacted_by\": ");
		fs_write_string(&out, redaction->redacted_by);
		fs_buffer_append_text(&out, ", \"reason\": ");
		fs_write_string(&out, redaction->reason);
		fs_buffer_append_text(&out, "}");
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

int
factstr_json_redactions(factstr_store *store, uint64_t after_sequence_number, size_t max_count,
						char **result)
{
	factstr_redaction_list *list = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_redactions(store, after_sequence_number, max_count, &list, &error);
	if (code == FACTSTR_OK)
		document = fs_redactions_document(list);
	factstr_redaction_list_free(list);
	return fs_answer(code, document, &error, result);
}

void
factstr_json_free(char *result)
{
	free(result);
}
