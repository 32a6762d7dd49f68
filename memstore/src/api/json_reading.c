/*
 * api/json_reading.c
 *		The JSON boundary: queries, cursors and batches.
 */
#include "api/cursor.h"
#include "api/json_answers.h"
#include "base/json_text.h"
#include "input/elements.h"
#include "input/read_options.h"
#include "results/error.h"
#include "results/records.h"

/*
 * Queries
 */

static void
fs_write_context_version(fs_buffer *out, uint64_t version)
{
	fs_buffer_append_text(out, "\"current_context_version\": ");
	fs_write_integer_or_null(out, version);
	fs_buffer_append_text(out, "}");
}

static char *
fs_query_document(const factstr_query_result *answer)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"event_records\": ");
	fs_write_event_records(&out, answer->facts, answer->fact_count);
	fs_buffer_append_text(&out, ", \"last_returned_sequence_number\": ");
	fs_write_integer_or_null(&out, answer->last_returned_sequence_number);
	fs_buffer_append_text(&out, ", ");
	fs_write_context_version(&out, answer->current_context_version);
	return fs_finish_text(&out);
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

static char *
fs_newest_document(const factstr_newest_result *answer)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"event_records\": [");
	for (size_t i = 0; i < answer->fact_count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "" : ", ");
		if (answer->facts[i].sequence_number == 0)
			fs_buffer_append_text(&out, "null");
		else
			fs_write_event_record(&out, &answer->facts[i]);
	}
	fs_buffer_append_text(&out, "], ");
	fs_write_context_version(&out, answer->current_context_version);
	return fs_finish_text(&out);
}

int
factstr_json_newest(factstr_store *store, const char *event_queries, char **result)
{
	factstr_newest_result *answer = NULL;
	fs_elements queries;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_elements_of_json(event_queries, "event_queries", &queries, &error);
	if (code == FACTSTR_OK)
	{
		code = factstr_newest(store, (const char *const *) queries.texts, queries.count, &answer,
							  &error);
		fs_elements_release(&queries);
	}
	if (code == FACTSTR_OK)
		document = fs_newest_document(answer);
	factstr_newest_result_free(answer);
	return fs_answer(code, document, &error, result);
}

int
factstr_json_context_version(factstr_store *store, const char *event_query, char **result)
{
	fs_buffer	out = {0};
	factstr_error error;
	uint64_t	version;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_context_version(store, event_query, &version, &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, "{");
		fs_write_context_version(&out, version);
		document = fs_finish_text(&out);
	}
	return fs_answer(code, document, &error, result);
}

/*
 * Cursors
 */

int
factstr_json_read_open(factstr_store *store, const char *event_query, const char *options,
					   factstr_cursor **cursor, char **result)
{
	factstr_read_options parsed;
	factstr_error error;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	if (cursor != NULL)
		*cursor = NULL;
	code = fs_read_options_of_json(options, &parsed, &error);
	if (code == FACTSTR_OK)
		code = factstr_read_open(store, event_query, &parsed, cursor, &error);
	return fs_answer_nothing(code, &error, result);
}

static char *
fs_records_document(const factstr_fact *facts, size_t count)
{
	fs_buffer	out = {0};

	fs_write_event_records(&out, facts, count);
	return fs_finish_text(&out);
}

/* Without memory for their document, the facts stay the next ones. */
int
factstr_json_read_next(factstr_cursor *cursor, size_t max_count, char **result)
{
	const factstr_fact *facts = NULL;
	factstr_error error;
	size_t		count = 0;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	if (cursor == NULL)
		code = fs_error_misuse_null(&error, "cursor");
	else if (max_count == 0)
		code = fs_error(&error, FACTSTR_MALFORMED, "invalid max_count: it must be at least 1");
	else
		code = fs_cursor_look(cursor, max_count, &facts, &count, &error);
	if (code == FACTSTR_OK)
		document = fs_records_document(facts, count);
	if (document != NULL)
		fs_cursor_advance(cursor, count);
	return fs_answer(code, document, &error, result);
}

/*
 * Batches
 */

int
factstr_json_batches(factstr_store *store, const char *event_query,
					 uint64_t after_sequence_number, size_t max_batches, char **result)
{
	factstr_batch_list *list = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_batches(store, event_query, after_sequence_number, max_batches, &list, &error);
	if (code == FACTSTR_OK)
		document = fs_deliveries_document(list->batches, list->count);
	factstr_batch_list_free(list);
	return fs_answer(code, document, &error, result);
}
