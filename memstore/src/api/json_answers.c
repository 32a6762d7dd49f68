/*
 * api/json_answers.c
 *		The results of the functions of the JSON boundary.
 */
#include <stdlib.h>
#include <string.h>

#include "api/json_answers.h"
#include "base/json_text.h"
#include "results/records.h"

int
fs_answer_done(int code, char *document, const factstr_error *error, char **result)
{
	*result = code == FACTSTR_OK ? document : fs_error_document(code, error);
	return code;
}

int
fs_answer(int code, char *document, const factstr_error *error, char **result)
{
	(void) fs_answer_done(code, document, error, result);
	return code == FACTSTR_OK && document == NULL ? FACTSTR_NO_MEMORY : code;
}

int
fs_answer_nothing(int code, const factstr_error *error, char **result)
{
	return fs_answer_done(code, code == FACTSTR_OK ? strdup("{}") : NULL, error, result);
}

char *
fs_append_document(const factstr_append_result *appended)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"first_sequence_number\": ");
	fs_write_integer_or_null(&out, appended->first_sequence_number);
	fs_buffer_append_text(&out, ", \"last_sequence_number\": ");
	fs_write_integer_or_null(&out, appended->last_sequence_number);
	fs_buffer_append_text(&out, ", \"committed_count\": ");
	fs_write_integer(&out, appended->committed_count);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

void
factstr_json_free(char *result)
{
	free(result);
}
