/*
 * api/import.c
 *		Imports the batches of another log.
 *
 * Batches of another log passed the same checks once, but files and people may have changed them, so everything
 * is checked again, except that the first batch continues this log: only the store can check that, while it holds
 * its lock.  The store also numbers batches without numbers, and skips keys that it has; repeated keys within an
 * import are found here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/import.h"
#include "api/redaction.h"
#include "api/store.h"
#include "api/structs.h"
#include "input/events.h"
#include "results/error.h"
#include "streams/stream.h"

#define FS_NUMBERS_SHAPE \
	"The numbers of facts are consecutive, in a batch and from each batch to the next, or all 0."

/* The facts of all batches, parsed; events[i] are those of batches[i]. */
typedef struct fs_parsed_batches
{
	size_t		fact_count;		/* parsed so far */
	fs_append_event *facts;
	size_t		count;
	factstr_batch *batches;
	fs_append_event **events;
	const char *facts_name;		/* the caller's name for the facts of a batch, for errors */
} fs_parsed_batches;

static void
fs_parsed_batches_release(fs_parsed_batches *parsed)
{
	for (size_t i = 0; i < parsed->fact_count; i++)
		fs_append_event_release(&parsed->facts[i]);
	free(parsed->facts);
	free(parsed->batches);
	free(parsed->events);
}

static int
fs_refuse_numbers(const char *path, const char *problem, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid batches at %s: %s", path, problem);
	fs_error_detail(error, "%s", FS_NUMBERS_SHAPE);
	return FACTSTR_MALFORMED;
}

static int
fs_check_facts_numbers(const factstr_batch *batch, size_t index, const char *facts_name,
					   factstr_error *error)
{
	bool		numbered = batch->first_sequence_number != 0;
	char		path[96];

	for (size_t i = 0; i < batch->fact_count; i++)
	{
		if (batch->facts[i].sequence_number == (numbered ? batch->first_sequence_number + i : 0))
			continue;
		(void) snprintf(path, sizeof(path), "$[%zu].%s[%zu].sequence_number", index, facts_name, i);
		return fs_refuse_numbers(path, "it does not follow the fact before", error);
	}
	return FACTSTR_OK;
}

/* previous is NULL for the first batch. */
static int
fs_check_batch_numbers(const factstr_batch *batch, const factstr_batch *previous, const char *path,
					   factstr_error *error)
{
	bool		numbered = batch->first_sequence_number != 0;

	if (previous != NULL &&
		(numbered != (previous->first_sequence_number != 0) ||
		 (numbered && batch->first_sequence_number != previous->last_sequence_number + 1)))
		return fs_refuse_numbers(path, "it does not follow the batch before", error);
	if (numbered ? batch->last_sequence_number > INT64_MAX ||
		batch->last_sequence_number < batch->first_sequence_number ||
		batch->last_sequence_number - batch->first_sequence_number != batch->fact_count - 1 :
		batch->last_sequence_number != 0)
		return fs_refuse_numbers(path, "its first and last number do not agree with its facts",
								 error);
	return FACTSTR_OK;
}

static int
fs_check_batch(const factstr_batch *batch, size_t index, const factstr_batch *previous,
			   const char *facts_name, factstr_error *error)
{
	char		path[64];
	int			code;

	(void) snprintf(path, sizeof(path), "$[%zu]", index);
	if (batch->fact_count == 0)
		return fs_refuse_numbers(path, "a batch has at least one fact", error);
	if (batch->facts == NULL)
		return fs_error_misuse_null(error, "facts");
	code = fs_check_batch_numbers(batch, previous, path, error);
	if (code != FACTSTR_OK)
		return code;
	if (batch->idempotency_key != NULL &&
		fs_check_text(batch->idempotency_key, "idempotency_key", error) != FACTSTR_OK)
		return FACTSTR_MALFORMED;
	code = fs_check_facts_numbers(batch, index, facts_name, error);
	return code == FACTSTR_OK ? fs_check_redactions(batch, path, error) : code;
}

/* Checks all numbers and keys, and counts the facts. */
static int
fs_check_batches(const factstr_batch *batches, size_t count, const char *facts_name,
				 size_t *fact_count, factstr_error *error)
{
	*fact_count = 0;
	for (size_t i = 0; i < count; i++)
	{
		int			code = fs_check_batch(&batches[i], i, i == 0 ? NULL : &batches[i - 1], facts_name,
										  error);

		if (code != FACTSTR_OK)
			return code;
		*fact_count += batches[i].fact_count;
	}
	return FACTSTR_OK;
}

static int
fs_parse_batch(const factstr_batch *batch, size_t index, fs_parsed_batches *parsed,
			   factstr_error *error)
{
	fs_input_error input_error;
	uint64_t	size = 0;

	parsed->batches[index] = *batch;
	parsed->events[index] = &parsed->facts[parsed->fact_count];
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		factstr_event event = {
			.event_type = batch->facts[i].event_type,
			.payload = batch->facts[i].payload,
			.metadata = batch->facts[i].metadata
		};

		if (!fs_event_of_struct(&event, &parsed->facts[parsed->fact_count], &input_error))
			return fs_event_error(error, "batches", &input_error, "$[%zu].%s[%zu]", index,
								  parsed->facts_name, i);
		parsed->fact_count++;
		if (!fs_event_add_to_batch(&size, &parsed->facts[parsed->fact_count - 1], &input_error))
			return fs_event_error(error, "batches", &input_error, "$[%zu].%s[%zu]", index,
								  parsed->facts_name, i);
	}
	return FACTSTR_OK;
}

/* The caller releases *parsed, even after an error. */
static int
fs_parse_batches(const factstr_batch *batches, size_t count, const char *facts_name,
				 size_t fact_count, fs_parsed_batches *parsed, factstr_error *error)
{
	int			code = FACTSTR_OK;

	*parsed = (fs_parsed_batches) {
		.facts = calloc(fact_count, sizeof(fs_append_event)),
		.count = count,
		.batches = calloc(count, sizeof(factstr_batch)),
		.events = calloc(count, sizeof(fs_append_event *)),
		.facts_name = facts_name
	};
	if (parsed->facts == NULL || parsed->batches == NULL || parsed->events == NULL)
		code = fs_error_no_memory(error);
	for (size_t i = 0; code == FACTSTR_OK && i < count; i++)
		code = fs_parse_batch(&batches[i], i, parsed, error);
	return code;
}

/*
 * Keys that come twice
 */

/* A batch with a key, and where it is. */
typedef struct fs_keyed_batch
{
	const char *key;
	size_t		index;
} fs_keyed_batch;

static int
fs_compare_keyed(const void *a, const void *b)
{
	const fs_keyed_batch *one = a;
	const fs_keyed_batch *other = b;
	int			order = strcmp(one->key, other->key);

	return order != 0 ? order : one->index < other->index ? -1 : 1;
}

/*
 * Drops the later of two batches with one key, which must have no numbers and equal events: it then has no facts.
 */
static int
fs_drop_repetition(fs_parsed_batches *parsed, size_t first, size_t again, factstr_error *error)
{
	bool		equal = parsed->batches[first].first_sequence_number == 0 &&
		parsed->batches[first].fact_count == parsed->batches[again].fact_count;

	for (size_t i = 0; equal && i < parsed->batches[first].fact_count; i++)
	{
		int			code = fs_fact_is_event(&parsed->batches[first].facts[i],
											&parsed->events[again][i], &equal, error);

		if (code != FACTSTR_OK)
			return code;
	}
	if (!equal)
		return fs_error_idempotency_key_reused(error);
	parsed->batches[again].fact_count = 0;
	return FACTSTR_OK;
}

static size_t
fs_list_keyed(const fs_parsed_batches *parsed, fs_keyed_batch *keyed)
{
	size_t		count = 0;

	for (size_t i = 0; i < parsed->count; i++)
	{
		if (parsed->batches[i].idempotency_key != NULL)
			keyed[count++] = (fs_keyed_batch) {parsed->batches[i].idempotency_key, i};
	}
	return count;
}

/* Closes the gaps that dropped batches have left. */
static void
fs_close_ranks(fs_parsed_batches *parsed)
{
	size_t		kept = 0;

	for (size_t i = 0; i < parsed->count; i++)
	{
		if (parsed->batches[i].fact_count == 0)
			continue;
		parsed->batches[kept] = parsed->batches[i];
		parsed->events[kept++] = parsed->events[i];
	}
	parsed->count = kept;
}

/* If batches without numbers have the same key and equal events, the first one is kept. */
static int
fs_drop_repetitions(fs_parsed_batches *parsed, factstr_error *error)
{
	fs_keyed_batch *keyed = calloc(parsed->count, sizeof(fs_keyed_batch));
	size_t		count;
	size_t		first = 0;
	int			code = FACTSTR_OK;

	if (keyed == NULL)
		return fs_error_no_memory(error);
	count = fs_list_keyed(parsed, keyed);
	qsort(keyed, count, sizeof(fs_keyed_batch), fs_compare_keyed);
	for (size_t i = 1; i < count && code == FACTSTR_OK; i++)
	{
		if (strcmp(keyed[first].key, keyed[i].key) == 0)
			code = fs_drop_repetition(parsed, keyed[first].index, keyed[i].index, error);
		else
			first = i;
	}
	free(keyed);
	if (code == FACTSTR_OK)
		fs_close_ranks(parsed);
	return code;
}

static int
fs_import_parsed(factstr_store *store, const fs_parsed_batches *parsed,
				 factstr_append_result *result, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->import_batches(store->backend, parsed->batches, parsed->events,
										  parsed->count, result, error);
	if (code == FACTSTR_OK && result->committed_count > 0)
		fs_note_commit(store, result->last_sequence_number);
	fs_leave(&entered);
	return code;
}

static int
fs_import_checked(factstr_store *store, const factstr_batch *batches, size_t count,
				  const char *facts_name, size_t fact_count, factstr_append_result *result,
				  factstr_error *error)
{
	fs_parsed_batches parsed;
	int			code = fs_parse_batches(batches, count, facts_name, fact_count, &parsed, error);

	if (code == FACTSTR_OK)
		code = fs_drop_repetitions(&parsed, error);
	if (code == FACTSTR_OK)
		code = fs_import_parsed(store, &parsed, result, error);
	fs_parsed_batches_release(&parsed);
	return code;
}

int
fs_import(factstr_store *store, const factstr_batch *batches, size_t count, const char *facts_name,
		  factstr_append_result *result, factstr_error *error)
{
	size_t		fact_count;
	int			code;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (count == 0)
		return FACTSTR_OK;
	if (batches == NULL)
		return fs_error_misuse_null(error, "batches");
	code = fs_check_no_transaction(store, "import", error);
	if (code == FACTSTR_OK)
		code = fs_check_reserved_of_batches(batches, count, error);
	if (code == FACTSTR_OK)
		code = fs_check_batches(batches, count, facts_name, &fact_count, error);
	return code != FACTSTR_OK ? code :
		fs_import_checked(store, batches, count, facts_name, fact_count, result, error);
}

int
factstr_import(factstr_store *store, const factstr_batch *batches, size_t count,
			   factstr_append_result *result, factstr_error *error)
{
	factstr_append_result stored = {0};
	factstr_error found;
	int			code = fs_import(store, batches, count, "facts", &stored, &found);

	if (result != NULL)
		*result = code == FACTSTR_OK ? stored : (factstr_append_result) {0};
	return fs_report(code, &found, error);
}

/*
 * Redactions of batches that are there
 */

static int
fs_import_redactions_parsed(factstr_store *store, const fs_parsed_batches *parsed,
							uint64_t *imported_count, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	for (size_t i = 0; i < parsed->count && code == FACTSTR_OK; i++)
	{
		uint64_t	imported = 0;

		if (parsed->batches[i].redaction_count > 0)
			code = store->methods->import_redactions(store->backend, &parsed->batches[i],
													 parsed->events[i], &imported, error);
		*imported_count += imported;
	}
	fs_leave(&entered);
	return code;
}

/* They need not follow one on the other. */
static int
fs_check_redacted_batches(const factstr_batch *batches, size_t count, const char *facts_name,
						  size_t *fact_count, factstr_error *error)
{
	*fact_count = 0;
	for (size_t i = 0; i < count; i++)
	{
		int			code = fs_check_batch(&batches[i], i, NULL, facts_name, error);

		if (code != FACTSTR_OK)
			return code;
		*fact_count += batches[i].fact_count;
	}
	return FACTSTR_OK;
}

int
fs_import_redactions(factstr_store *store, const factstr_batch *batches, size_t count,
					 const char *facts_name, uint64_t *imported_count, factstr_error *error)
{
	fs_parsed_batches parsed;
	size_t		fact_count;
	int			code;

	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	if (count == 0)
		return FACTSTR_OK;
	if (batches == NULL)
		return fs_error_misuse_null(error, "batches");
	if (fs_within_transaction(store))
		return fs_error(error, FACTSTR_MISUSE,
						"a handler must not import while it has a transaction");
	code = fs_check_reserved_of_batches(batches, count, error);
	if (code == FACTSTR_OK)
		code = fs_check_redacted_batches(batches, count, facts_name, &fact_count, error);
	if (code != FACTSTR_OK)
		return code;
	code = fs_parse_batches(batches, count, facts_name, fact_count, &parsed, error);
	if (code == FACTSTR_OK)
		code = fs_import_redactions_parsed(store, &parsed, imported_count, error);
	fs_parsed_batches_release(&parsed);
	return code;
}

int
factstr_import_redactions(factstr_store *store, const factstr_batch *batches, size_t count,
						  uint64_t *imported_count, factstr_error *error)
{
	factstr_error found;
	uint64_t	imported = 0;
	int			code = fs_import_redactions(store, batches, count, "facts", &imported, &found);

	if (imported_count != NULL)
		*imported_count = code == FACTSTR_OK ? imported : 0;
	return fs_report(code, &found, error);
}
