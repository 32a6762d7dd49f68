/*
 * errors.c
 *		See errors.h.
 */
#include "errors.h"

#include <inttypes.h>
#include <stdio.h>

static void
write_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text != '\0'; text++)
		if ((unsigned char) *text < 0x20)
			fputc(' ', file);
		else
			fprintf(file, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', file);
}

static void
write_member(FILE *file, const char *key, const char *text)
{
	fprintf(file, ", \"%s\": ", key);
	write_string(file, text);
}

/* Zero means none. */
static void
write_number(FILE *file, const char *key, uint64_t number)
{
	if (number == 0)
		fprintf(file, ", \"%s\": null", key);
	else
		fprintf(file, ", \"%s\": %" PRIu64, key, number);
}

static void
write_conflict(FILE *file, const factstr_error *error, factstr_append_condition condition)
{
	if (condition == FACTSTR_APPEND_UNLESS)
		fprintf(file, ", \"after_sequence_number\": %" PRIu64, error->after_sequence_number);
	else
		write_number(file, "expected_context_version", error->expected_context_version);
	write_number(file, "actual_context_version", error->actual_context_version);
}

char *
fn_error_document(int code, const factstr_error *error, factstr_append_condition condition)
{
	char	   *document = NULL;
	size_t		length;
	FILE	   *file = open_memstream(&document, &length);

	if (file == NULL)
		return NULL;
	fprintf(file, "{\"code\": \"%s\"", factstr_code_name(code));
	write_member(file, "message", error->message);
	if (error->detail[0] != '\0')
		write_member(file, "detail", error->detail);
	if (error->hint[0] != '\0')
		write_member(file, "hint", error->hint);
	if (code == FACTSTR_CONFLICT)
		write_conflict(file, error, condition);
	fputc('}', file);
	return fclose(file) == 0 ? document : NULL;
}

char *
fn_failure_document(int code, const char *message, const char *sqlstate)
{
	char	   *document = NULL;
	size_t		length;
	FILE	   *file = open_memstream(&document, &length);

	if (file == NULL)
		return NULL;
	fprintf(file, "{\"code\": \"%s\"", factstr_code_name(code));
	write_member(file, "message", message);
	if (sqlstate != NULL)
		write_member(file, "sqlstate", sqlstate);
	fputc('}', file);
	return fclose(file) == 0 ? document : NULL;
}
