/*
 * json_result.c
 *		What the functions of the JSON boundary return.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_string.h"
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

/* What is not there leaves the text as it is. */
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

#define CLI_EXPECTED "\"expected_context_version\""
#define CLI_ACTUAL "\"actual_context_version\""
#define CLI_AFTER "\"after_sequence_number\""

/* null stands for an empty context. */
static const char *
cli_version_words(const char *result, const char *key, char *words, size_t size)
{
	fs_text		version;

	if (!cli_find_member(result, key, &version) || fs_text_is(version, "null"))
		return "empty";
	(void) snprintf(words, size, "at version %.*s", (int) version.length, version.data);
	return words;
}

/* The result has the two numbers, and no words. */
cli_status
cli_fail_with_conflict(const char *result)
{
	fs_text		after;
	char		words[2][40];
	factstr_error error;

	(void) cli_error(&error, FACTSTR_CONFLICT, "conditional append conflict");
	if (cli_find_member(result, CLI_AFTER, &after))
	{
		cli_error_detail(&error, "The context is %s, after %.*s.",
						 cli_version_words(result, CLI_ACTUAL, words[0], sizeof(words[0])),
						 (int) after.length, after.data);
		cli_error_hint(&error, "Query the context again, decide again, and append after the newest "
					   "fact that was read.");
		return cli_fail(&error);
	}
	cli_error_detail(&error, "The context was expected to be %s, and is %s.",
					 cli_version_words(result, CLI_EXPECTED, words[0], sizeof(words[0])),
					 cli_version_words(result, CLI_ACTUAL, words[1], sizeof(words[1])));
	cli_error_hint(&error, "Query the context again, decide again, and append with its current "
				   "version.");
	return cli_fail(&error);
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
