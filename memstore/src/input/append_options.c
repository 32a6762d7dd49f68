/*
 * input/append_options.c
 *		The options of an append that come as a JSON document.
 *
 * In a document a number can be absent, so there is no need to say which condition it belongs to.
 */
#include <stddef.h>
#include <stdlib.h>

#include "input/append_options.h"
#include "results/error.h"

#define FS_APPEND_OPTIONS_SHAPE \
	"Options are idempotency_key, context_query, expected_context_version and after_sequence_number."

static const fs_option fs_append_option_table[] = {
	{"idempotency_key", fs_take_text, offsetof(fs_append_options, idempotency_key), false},
	{"context_query", fs_take_query, offsetof(fs_append_options, context_query), false},
	{"expected_context_version", fs_take_optional_number,
	offsetof(fs_append_options, expected_context_version), true},
	{"after_sequence_number", fs_take_optional_number,
	offsetof(fs_append_options, after_sequence_number), false},
	{NULL, NULL, 0, false}
};

static int
fs_choose_condition(fs_append_options *parsed, factstr_error *error)
{
	const char *problem = NULL;

	if (parsed->expected_context_version.is_given && parsed->after_sequence_number.is_given)
		problem = "expected_context_version and after_sequence_number are two conditions";
	else if (parsed->expected_context_version.is_given)
		parsed->options.condition = FACTSTR_APPEND_IF;
	else if (parsed->after_sequence_number.is_given)
		parsed->options.condition = FACTSTR_APPEND_UNLESS;
	else if (parsed->context_query != NULL)
		problem = "context_query goes with expected_context_version or after_sequence_number";
	if (problem == NULL)
		return FACTSTR_OK;
	return fs_error(error, FACTSTR_MALFORMED, "invalid options at $: %s", problem);
}

int
fs_append_options_of_json(const char *text, fs_append_options *parsed, factstr_error *error)
{
	int			code;

	*parsed = (fs_append_options) {.options = FACTSTR_APPEND_OPTIONS_INIT};
	code = fs_options_of_json(text, fs_append_option_table, FS_APPEND_OPTIONS_SHAPE, parsed, error);
	if (code == FACTSTR_OK)
		code = fs_choose_condition(parsed, error);
	parsed->options.idempotency_key = parsed->idempotency_key;
	parsed->options.context_query = parsed->context_query;
	parsed->options.expected_context_version = parsed->expected_context_version.number;
	parsed->options.after_sequence_number = parsed->after_sequence_number.number;
	if (code != FACTSTR_OK)
		fs_append_options_release(parsed);
	return code;
}

void
fs_append_options_release(fs_append_options *parsed)
{
	free(parsed->idempotency_key);
	free(parsed->context_query);
	*parsed = (fs_append_options) {0};
}
