/*
 * json_result.c
 *		What the functions of the JSON boundary return.
 */
#include <jansson.h>
#include <stdio.h>

#include "error.h"
#include "json_result.h"
#include "output.h"

static void
cli_copy_member(const json_t *document, const char *key, char *text, size_t size)
{
	const char *value = json_string_value(json_object_get(document, key));

	(void) snprintf(text, size, "%s", value != NULL ? value : "");
}

void
cli_error_of_result(int code, const char *result, factstr_error *error)
{
	json_t	   *document = result != NULL ? json_loads(result, 0, NULL) : NULL;

	(void) fs_error(error, (factstr_code) code, "%s", factstr_code_text(code));
	if (json_object_get(document, "message") != NULL)
		cli_copy_member(document, "message", error->message, sizeof(error->message));
	cli_copy_member(document, "detail", error->detail, sizeof(error->detail));
	cli_copy_member(document, "hint", error->hint, sizeof(error->hint));
	json_decref(document);
}

static uint64_t
cli_version_member(const json_t *document, const char *key)
{
	return (uint64_t) json_integer_value(json_object_get(document, key));
}

cli_status
cli_fail_with_conflict(const char *result)
{
	json_t	   *document = json_loads(result, 0, NULL);
	factstr_error error;

	(void) fs_error_conflict(&error, cli_version_member(document, "expected_context_version"),
							 cli_version_member(document, "actual_context_version"));
	json_decref(document);
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
