/*
 * api/json_copies.c
 *		The JSON boundary: exports, imports and redactions.
 */
#include "api/import.h"
#include "api/json_answers.h"
#include "base/json_text.h"
#include "input/batches.h"
#include "results/error.h"
#include "results/records.h"

/*
 * Exports
 */

static char *
fs_export_document(const factstr_batch_list *list)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < list->count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "" : ", ");
		fs_write_batch(&out, &list->batches[i]);
	}
	fs_buffer_append_text(&out, "]");
	return fs_finish_text(&out);
}

int
factstr_json_export(factstr_store *store, uint64_t after_sequence_number, size_t max_batches,
					char **result)
{
	factstr_batch_list *list = NULL;
	factstr_error error;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_export(store, after_sequence_number, max_batches, &list, &error);
	if (code == FACTSTR_OK)
		document = fs_export_document(list);
	factstr_batch_list_free(list);
	return fs_answer(code, document, &error, result);
}

/*
 * Imports
 */

#define FS_FACTS_NAME "event_records"

int
factstr_json_import(factstr_store *store, const char *batches, char **result)
{
	factstr_append_result stored = {0};
	fs_batch_list parsed = {0};
	factstr_error error;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_batches_of_json(batches, &parsed, &error);
	if (code == FACTSTR_OK)
		code = fs_import(store, parsed.batches, parsed.count, FS_FACTS_NAME, &stored, &error);
	fs_batch_list_release(&parsed);
	return fs_answer_done(code, code == FACTSTR_OK ? fs_append_document(&stored) : NULL, &error,
						  result);
}

static char *
fs_imported_document(uint64_t imported_count)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "{\"imported_count\": ");
	fs_write_integer(&out, imported_count);
	fs_buffer_append_text(&out, "}");
	return fs_finish_text(&out);
}

int
factstr_json_import_redactions(factstr_store *store, const char *batches, char **result)
{
	fs_batch_list parsed = {0};
	factstr_error error;
	uint64_t	imported = 0;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = fs_batches_of_json(batches, &parsed, &error);
	if (code == FACTSTR_OK)
		code = fs_import_redactions(store, parsed.batches, parsed.count, FS_FACTS_NAME, &imported,
									&error);
	fs_batch_list_release(&parsed);
	return fs_answer_done(code, code == FACTSTR_OK ? fs_imported_document(imported) : NULL, &error,
						  result);
}

/*
 * Redactions
 */

int
factstr_json_redact(factstr_store *store, uint64_t sequence_number, const char *payload,
					const char *reason, const char *metadata, char **result)
{
	fs_buffer	out = {0};
	factstr_error error;
	bool		traces_remain;
	char	   *document = NULL;
	int			code;

	if (result == NULL)
		return FACTSTR_MISUSE;
	code = factstr_redact(store, sequence_number, payload, reason, metadata, &traces_remain,
						  &error);
	if (code == FACTSTR_OK)
	{
		fs_buffer_append_text(&out, traces_remain ? "{\"traces_remain\": true}" :
							  "{\"traces_remain\": false}");
		document = fs_finish_text(&out);
	}
	return fs_answer_done(code, document, &error, result);
}

static char *
fs_redactions_document(const factstr_redaction_list *list)
{
	fs_buffer	out = {0};

	fs_buffer_append_text(&out, "[");
	for (size_t i = 0; i < list->count; i++)
	{
		fs_buffer_append_text(&out, i == 0 ? "{\"sequence_number\": " : ", {\"sequence_number\": ");
		fs_write_integer(&out, list->redactions[i].sequence_number);
		fs_buffer_append_text(&out, ", ");
		fs_write_redaction_members(&out, &list->redactions[i]);
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
