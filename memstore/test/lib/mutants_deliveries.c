/*
 * mutants_deliveries.c
 *		Faults of batches, and with them of all deliveries.
 */
#include "stores/hub.h"

#include "mutants.h"

static int
lose_last_fact(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);

	for (size_t i = 0; i < batches->count; i++)
		batches->batches[i].fact_count -= batches->batches[i].fact_count > 1 ? 1 : 0;
	return code;
}

/* The facts of the second batch go to the first. */
static int
merge_batches(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			  fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fs_batch_list found = {0};
	int			code = GOOD->batches(backend, query, after, max_batches + 1, &found, searched,
									 error);

	for (size_t i = 0; i < found.count; i++)
	{
		const factstr_batch *batch = &found.batches[i];

		if (i % 2 == 1)
			batches->batches[batches->count - 1].last_sequence_number = batch->last_sequence_number;
		else
			(void) fs_batch_list_begin(batches, batch->first_sequence_number,
									   batch->last_sequence_number, NULL);
		for (size_t j = 0; j < batch->fact_count; j++)
			(void) fs_batch_list_add(batches, &batch->facts[j]);
	}
	fs_batch_list_release(&found);
	return code;
}

static int
deliver_unfiltered(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fs_query	all = mutant_every_fact();
	int			code = GOOD->batches(backend, &all, after, max_batches, batches, searched, error);

	(void) query;
	fs_query_release(&all);
	return code;
}

static int
truncate_times(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);

	for (size_t i = 0; i < batches->count; i++)
	{
		for (size_t j = 0; j < batches->batches[i].fact_count; j++)
		{
			factstr_fact *fact = (factstr_fact *) &batches->batches[i].facts[j];

			fact->occurred_at -= fact->occurred_at % 1000000;
		}
	}
	return code;
}

static int
skip_a_batch(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			 fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);
	size_t		kept = 0;

	for (size_t i = 0; i < batches->count; i++)
	{
		if (batches->batches[i].first_sequence_number % 7 != 0)
			batches->batches[kept++] = batches->batches[i];
	}
	batches->count = kept;
	return code;
}

static int
leave_newest_batch(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
				   fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	int			code = GOOD->batches(backend, query, after, max_batches, batches, searched, error);

	if (batches->count > 0 &&
		batches->batches[batches->count - 1].last_sequence_number == mutant_head_of(backend))
		*searched = batches->batches[--batches->count].first_sequence_number - 1;
	return code;
}

static int
begin_with_first_fact(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	(void) backend;
	(void) error;
	*head = 0;
	return FACTSTR_OK;
}

/* Wakes nobody: its hub is one where nobody waits. */
static int
open_deaf(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	static fs_hub *nobody;

	(void) hub;
	if (nobody == NULL)
		nobody = fs_hub_new();
	return GOOD->open(location, nobody, backend, error);
}

const mutant mutants_of_deliveries[] = {
	MUTANT("batches lose their last fact", "rule 18", batches, lose_last_fact),
	MUTANT("two batches are merged", "rule 18", batches, merge_batches),
	MUTANT("batches without a match are delivered", "rule 18", batches, deliver_unfiltered),
	MUTANT("times are truncated in deliveries", "rule 3", batches, truncate_times),
	MUTANT("a batch is skipped now and then", "rule 26", batches, skip_a_batch),
	MUTANT("a stream from now sees earlier facts", "rule 19", head, begin_with_first_fact),
	MUTANT("streams are not woken", "rule 18", open, open_deaf),
	MUTANT("closing does not wait for the newest batch",
		   "closing a store delivers earlier appends", batches, leave_newest_batch),
	NO_MUTANT
};
