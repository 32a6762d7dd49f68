/*
 * stores/memory/import.c
 *		Batches of another log with their redactions.
 */
#include "results/error.h"
#include "stores/memory/backend.h"

/* With the gate closed: the redactions are added after the facts, which can then not fail any more. */
static int
fs_import_redacted(fs_backend *backend, const factstr_batch *batches,
				   fs_append_event *const *events, size_t count, factstr_append_result *result,
				   factstr_error *error)
{
	fs_memory_redactions added = {0};
	bool		prepared = true;
	int			code;

	for (size_t i = 0; i < count && prepared; i++)
		prepared = fs_memory_redactions_add(&added, batches[i].redactions,
											batches[i].redaction_count);
	code = prepared && fs_memory_redactions_reserve(&backend->redactions, added.count) ?
		fs_memory_import_batches(backend, batches, events, count, result, error) :
		fs_error_no_memory(error);
	if (code == FACTSTR_OK)
		fs_memory_redactions_move(&backend->redactions, &added);
	fs_memory_redactions_release(&added);
	return code;
}

static bool
fs_has_redactions(const factstr_batch *batches, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (batches[i].redaction_count > 0)
			return true;
	}
	return false;
}

int
fs_memory_import(fs_backend *backend, const factstr_batch *batches,
				 fs_append_event *const *events, size_t count, factstr_append_result *result,
				 factstr_error *error)
{
	int			code;

	if (!fs_has_redactions(batches, count))
	{
		fs_gate_enter(&backend->gate);
		code = fs_memory_import_batches(backend, batches, events, count, result, error);
		fs_gate_leave(&backend->gate);
		return code;
	}
	code = fs_gate_close(&backend->gate, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_import_redacted(backend, batches, events, count, result, error);
	fs_gate_open(&backend->gate);
	return code;
}
