/*
 * mutants_import_export.c
 *		Faults of imports and exports.
 */
#include <stdlib.h>

#include "mutants.h"

static int
export_without_keys(fs_backend *backend, uint64_t after, size_t max_batches,
					fs_batch_list *batches, factstr_error *error)
{
	int			code = GOOD->export_batches(backend, after, max_batches, batches, error);

	for (size_t i = 0; i < batches->count; i++)
		batches->batches[i].idempotency_key = NULL;
	return code;
}

static int
import_past_gaps(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
				 size_t count, factstr_append_result *result, factstr_error *error)
{
	int			code = GOOD->import_batches(backend, batches, events, count, result, error);

	return code == FACTSTR_MALFORMED ? FACTSTR_OK : code;
}

static int
import_in_halves(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
				 size_t count, factstr_append_result *result, factstr_error *error)
{
	size_t		half = count / 2;
	int			code = half == 0 ? FACTSTR_OK :
		GOOD->import_batches(backend, batches, events, half, result, error);

	return code != FACTSTR_OK ? code :
		GOOD->import_batches(backend, batches + half, events + half,
							 count - half - (half > 0 ? 1 : 0), result, error);
}

/* A batch without numbers is stored again, and its key with it lost. */
static int
import_without_keys(fs_backend *backend, const factstr_batch *batches,
					fs_append_event *const *events, size_t count, factstr_append_result *result,
					factstr_error *error)
{
	factstr_batch *changed = calloc(count, sizeof(factstr_batch));
	int			code;

	for (size_t i = 0; i < count; i++)
	{
		changed[i] = batches[i];
		if (batches[i].first_sequence_number == 0)
			changed[i].idempotency_key = NULL;
	}
	code = GOOD->import_batches(backend, changed, events, count, result, error);
	free(changed);
	return code;
}

/* Skipped batches are reported as if they were stored. */
static int
import_tells_all(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
				 size_t count, factstr_append_result *result, factstr_error *error)
{
	int			code = GOOD->import_batches(backend, batches, events, count, result, error);

	if (result->committed_count == 0)
		result->committed_count = count;
	return code;
}

/* The times of history are lost. */
static int
import_now(fs_backend *backend, const factstr_batch *batches, fs_append_event *const *events,
		   size_t count, factstr_append_result *result, factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (batches[0].first_sequence_number != 0)
		return GOOD->import_batches(backend, batches, events, count, result, error);
	for (size_t i = 0; i < count && code == FACTSTR_OK; i++)
	{
		const fs_append append = {
			.event_count = batches[i].fact_count,
			.events = events[i],
			.idempotency_key = batches[i].idempotency_key
		};

		code = GOOD->append(backend, &append, result, error);
	}
	return code;
}

const mutant mutants_of_import_export[] = {
	MUTANT("an export has no idempotency keys", "import and export", export_batches,
		   export_without_keys),
	MUTANT("an import with a gap succeeds", "import and export", import_batches, import_past_gaps),
	MUTANT("an import loses its last batch", "import and export", import_batches, import_in_halves),
	MUTANT("an import loses the keys of batches without numbers", "import and export", import_batches,
		   import_without_keys),
	MUTANT("an import reports skipped batches", "import and export", import_batches,
		   import_tells_all),
	MUTANT("an import gives batches without numbers the present time", "import and export",
		   import_batches, import_now),
	NO_MUTANT
};
