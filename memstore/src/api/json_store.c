/*
 * api/json_store.c
 *		The JSON boundary: opens a store, and appends.
 */
#include "api/append.h"
#include "api/json_answers.h"
#include "base/json_text.h"
#include "input/append_options.h"
#include "input/events.h"
#include "results/error.h"
#include "results/records.h"

int
factstr_json_open(const char *url, factstr_store **store, char **result)
{
	factstr_error error;

	if (result == NULL)
		return FACTSTR_MISUSE;
	return fs_answer_nothing(factstr_open(url, store, &error), &error, result);
}

/* The members of an error, and the numbers that the condition compares. */
static char *
fs_conflict_document(const factstr_append_options *options, const factstr_error *error)
{
	fs_buffer	out = {0};

	fs_write_error_members(&out, FACTSTR_CONFLICT, error);
	if (options->condition == FACTSTR_APPEND_UNLESS)
	{
		fs_buffer_append_text(&out, ", \"after_sequence_number\": ");
		fs_write_integer(&out, error->after_sequence_number);
	}
	else
	{
		fs_buffer_append_text(&out, ", \"expected_context_version\": ");
		fs_write_integer_or_null(&out, error->expected_context_version);
	}
	fs_buffer_append_text(&out, ", \"actual_context_version\": ");
	fs_write_integer_or_null(&out, error->actual_context_version);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

static int
fs_append_json(factstr_store *store, const char *events, const factstr_append_options *options,
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
	code = fs_append_events(store, &checked, options, appended, error);
	fs_events_release(&checked);
	return code;
}

int
factstr_json_append(factstr_store *store, const char *events, const char *options, char **result)
{
	factstr_append_result appended = {0};
	fs_append_options parsed;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_append_options_of_json(options, &parsed, &error);
	if (code != FACTSTR_OK)
		return fs_answer_done(code, NULL, &error, result);
	code = fs_append_json(store, events, &parsed.options, &appended, &error);
	if (code == FACTSTR_CONFLICT)
		*result = fs_conflict_document(&parsed.options, &error);
	else
	{
		if (code == FACTSTR_OK)
			document = fs_append_document(&appended);
		(void) fs_answer_done(code, document, &error, result);
	}
	fs_append_options_release(&parsed);
	return code;
}
