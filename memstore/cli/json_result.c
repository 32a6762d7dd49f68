/*
 * json_result.c
 *		The results of the functions of the JSON boundary.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_string.h"
#include "base/json_text.h"
#include "base/json_walk.h"
#include "errors.h"
#include "json_result.h"
#include "messages.h"
#include "output.h"

/* The value of a key, which is given with its quotes.  False if there is none. */
static bool
cli_find_member(const char *document, const char *key, fs_text *value)
{
	fs_json_walk walk;
	fs_text		found;

	if (document == NULL || !fs_json_walk_begin(&walk, document, '{'))
		return false;
	while (fs_json_walk_member(&walk, &found, value))
	{
		if (fs_text_is(found, key))
			return true;
	}
	return false;
}

/* A missing member leaves the text as it is. */
static void
cli_copy_member(const char *document, const char *key, char *text, size_t size)
{
	fs_text		value;
	char	   *decoded = cli_find_member(document, key, &value) ? fs_decode_string(value) : NULL;

	if (decoded != NULL)
		(void) snprintf(text, size, "%s", decoded);
	free(decoded);
}

void
cli_error_of_result(int code, const char *result, factstr_error *error)
{
	(void) cli_error(error, code, "%s", factstr_code_text(code));
	cli_copy_member(result, "\"message\"", error->message, sizeof(error->message));
	cli_copy_member(result, "\"detail\"", error->detail, sizeof(error->detail));
	cli_copy_member(result, "\"hint\"", error->hint, sizeof(error->hint));
}

/* Adds a member as it is spelt in the document; false if it has none of this key, which is given with its quotes. */
static bool
cli_write_member(fs_buffer *out, const char *document, const char *key)
{
	fs_text		value;

	if (!cli_find_member(document, key, &value))
		return false;
	fs_buffer_append_text(out, out->length == 0 ? "{" : ", ");
	fs_buffer_append_text(out, key);
	fs_buffer_append_text(out, ": ");
	fs_buffer_append(out, value.data, value.length);
	return true;
}

/* The two numbers that differ go to stdout, for programs. */
cli_status
cli_fail_with_conflict(const char *result)
{
	fs_buffer	out = {0};
	factstr_error error;
	char	   *numbers;

	if (!cli_write_member(&out, result, "\"after_sequence_number\""))
		(void) cli_write_member(&out, result, "\"expected_context_version\"");
	(void) cli_write_member(&out, result, "\"actual_context_version\"");
	fs_buffer_append_text(&out, "}");
	numbers = fs_finish_text(&out);
	if (numbers != NULL)
		(void) cli_print_text(numbers);
	free(numbers);
	cli_error_of_result(FACTSTR_CONFLICT, result, &error);
	return cli_fail(&error);
}

int
cli_append_json(factstr_store *store, const char *events, const char *key, char **result)
{
	fs_buffer	out = {0};
	char	   *options;
	int			code;

	*result = NULL;
	if (key == NULL)
		return factstr_json_append(store, events, NULL, result);
	fs_buffer_append_text(&out, "{\"idempotency_key\": ");
	fs_write_string(&out, key);
	fs_buffer_append_text(&out, "}");
	options = fs_finish_text(&out);
	if (options == NULL)
		return FACTSTR_NO_MEMORY;
	code = factstr_json_append(store, events, options, result);
	free(options);
	return code;
}

cli_status
cli_print_result(int code, const char *result)
{
	factstr_error error;

	if (code != FACTSTR_OK)
	{
		cli_error_of_result(code, result, &error);
		return cli_fail(&error);
	}
	(void) cli_print_text(result);
	return CLI_DONE;
}
