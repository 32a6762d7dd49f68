/*
 * import.c
 *		Taking over the batches of another log.
 *
 * What another log holds has passed the same checks once, but it comes through files and hands, so
 * everything is checked again, except that the first batch continues this log: only the store can
 * tell, while it holds its lock.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "events.h"
#include "stream.h"

#define FS_NUMBERS_SHAPE \
	"The numbers of facts are consecutive, in a batch and from each batch to the next."

/* The facts of all batches, parsed; batches[i] begins where the facts of those before it end. */
typedef struct fs_parsed_batches
{
	size_t		fact_count;		/* parsed so far */
	fs_append_event *facts;
	fs_append_event **batches;
} fs_parsed_batches;

static void
fs_parsed_batches_release(fs_parsed_batches *parsed)
{
	for (size_t i = 0; i < parsed->fact_count; i++)
		fs_append_event_release(&parsed->facts[i]);
	free(parsed->facts);
	free(parsed->batches);
}

static int
fs_refuse_numbers(const char *path, const char *problem, factstr_error *error)
{
	(void) fs_error(error, FACTSTR_MALFORMED, "invalid batches at %s: %s", path, problem);
	fs_error_detail(error, "%s", FS_NUMBERS_SHAPE);
	return FACTSTR_MALFORMED;
}

static int
fs_check_facts_numbers(const factstr_batch *batch, size_t index, factstr_error *error)
{
	char		path[96];

	for (size_t i = 0; i < batch->fact_count; i++)
	{
		if (batch->facts[i].sequence_number == batch->first_sequence_number + i)
			continue;
		(void) snprintf(path, sizeof(path), "$[%zu].facts[%zu].sequence_number", index, i);
		return fs_refuse_numbers(path, "it does not follow the fact before", error);
	}
	return FACTSTR_OK;
}

/* next is the number that the batch must begin with, 0 if it is the first. */
static int
fs_check_batch(const factstr_batch *batch, size_t index, uint64_t next, factstr_error *error)
{
	char		path[64];

	(void) snprintf(path, sizeof(path), "$[%zu]", index);
	if (batch->fact_count == 0)
		return fs_refuse_numbers(path, "a batch has at least one fact", error);
	if (batch->facts == NULL)
		return fs_error_misuse_null(error, "facts");
	if (batch->first_sequence_number == 0 ||
		(next != 0 && batch->first_sequence_number != next))
		return fs_refuse_numbers(path, "it does not follow the batch before", error);
	if (batch->last_sequence_number > INT64_MAX ||
		batch->last_sequence_number < batch->first_sequence_number ||
		batch->last_sequence_number - batch->first_sequence_number != batch->fact_count - 1)
		return fs_refuse_numbers(path, "its first and last number do not agree with its facts",
								 error);
	if (batch->idempotency_key != NULL &&
		fs_check_text(batch->idempotency_key, "idempotency_key", error) != FACTSTR_OK)
		return FACTSTR_MALFORMED;
	return fs_check_facts_numbers(batch, index, error);
}

/* Checks all numbers and keys, and counts the facts. */
static int
fs_check_batches(const factstr_batch *batches, size_t count, size_t *fact_count,
				 factstr_error *error)
{
	uint64_t	next = 0;

	*fact_count = 0;
	for (size_t i = 0; i < count; i++)
	{
		int			code = fs_check_batch(&batches[i], i, next, error);

		if (code != FACTSTR_OK)
			return code;
		next = batches[i].last_sequence_number + 1;
		*fact_count += batches[i].fact_count;
	}
	return FACTSTR_OK;
}

static int
fs_parse_batch(const factstr_batch *batch, size_t index, fs_parsed_batches *parsed,
			   factstr_error *error)
{
	fs_input_error input_error;

	parsed->batches[index] = &parsed->facts[parsed->fact_count];
	for (size_t i = 0; i < batch->fact_count; i++)
	{
		factstr_event event = {
			.event_type = batch->facts[i].event_type,
			.payload = batch->facts[i].payload,
			.metadata = batch->facts[i].metadata
		};

		if (!fs_event_of_struct(&event, &parsed->facts[parsed->fact_count], &input_error))
			return fs_event_error(error, "batches", &input_error, "$[%zu].facts[%zu]", index, i);
		parsed->fact_count++;
	}
	return FACTSTR_OK;
}

static int
fs_import_checked(factstr_store *store, const factstr_batch *batches, size_t count,
				  size_t fact_count, factstr_error *error)
{
	fs_parsed_batches parsed = {
		.facts = calloc(fact_count, sizeof(fs_append_event)),
		.batches = calloc(count, sizeof(fs_append_event *))
	};
	int			code = FACTSTR_OK;

	if (parsed.facts == NULL || parsed.batches == NULL)
		code = fs_error_no_memory(error);
	for (size_t i = 0; code == FACTSTR_OK && i < count; i++)
		code = fs_parse_batch(&batches[i], i, &parsed, error);
	if (code == FACTSTR_OK)
		code = store->methods->import_batches(store->backend, batches, parsed.batches, count,
											  error);
	fs_parsed_batches_release(&parsed);
	return code;
}

int
factstr_import(factstr_store *store, const factstr_batch *batches, size_t count,
			   factstr_error *error)
{
	factstr_error found;
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
	code = fs_check_batches(batches, count, &fact_count, &found);
	if (code == FACTSTR_OK)
		code = fs_import_checked(store, batches, count, fact_count, &found);
	return fs_report(code, &found, error);
}
