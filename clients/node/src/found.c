/*
 * found.c
 *		See found.h: the sources of facts.
 */
#include "found.h"

#include <stdlib.h>
#include <string.h>

static void
release_query(void *owner)
{
	factstr_query_result_free(owner);
}

static void
release_list(void *owner)
{
	factstr_batch_list_free(owner);
}

fn_found
fn_found_in_query(factstr_query_result *result)
{
	return (fn_found) {
		.owner = result,
		.release = release_query,
		.facts = result->facts,
		.fact_count = result->fact_count
	};
}

fn_found
fn_found_in_list(factstr_batch_list *list)
{
	return (fn_found) {
		.owner = list,
		.release = release_list,
		.batches = list->batches,
		.batch_count = list->count
	};
}

/* Copies of facts: a cursor keeps its facts only until its next call. */
typedef struct fn_copies
{
	size_t		count;
	factstr_fact facts[];
} fn_copies;

/* The texts of a copy are in one allocation, which begins with the type. */
static void
release_copies(void *owner)
{
	fn_copies  *copies = owner;

	for (size_t i = 0; i < copies->count; i++)
		free((char *) copies->facts[i].event_type);
	free(copies);
}

static bool
copy_fact(const factstr_fact *fact, factstr_fact *copy)
{
	size_t		type = strlen(fact->event_type) + 1;
	size_t		payload = strlen(fact->payload) + 1;
	size_t		metadata = fact->metadata == NULL ? 0 : strlen(fact->metadata) + 1;
	char	   *texts = malloc(type + payload + metadata);

	if (texts == NULL)
		return false;
	*copy = *fact;
	copy->event_type = texts;
	copy->payload = texts + type;
	memcpy(texts, fact->event_type, type);
	memcpy(texts + type, fact->payload, payload);
	if (metadata > 0)
		copy->metadata = memcpy(texts + type + payload, fact->metadata, metadata);
	return true;
}

static int
read_facts(factstr_cursor *cursor, size_t count, fn_copies *copies, factstr_error *error)
{
	const factstr_fact *fact;
	int			code;

	while (copies->count < count)
	{
		code = factstr_read_next(cursor, &fact, error);
		if (code != FACTSTR_OK)
			return code;
		if (fact == NULL)
			return FACTSTR_OK;
		if (!copy_fact(fact, &copies->facts[copies->count]))
			return factstr_error_set(error, FACTSTR_NO_MEMORY, "out of memory");
		copies->count++;
	}
	return FACTSTR_OK;
}

int
fn_found_at_cursor(factstr_cursor *cursor, size_t count, fn_found *found, factstr_error *error)
{
	fn_copies  *copies = malloc(sizeof(*copies) + count * sizeof(factstr_fact));
	int			code;

	if (copies == NULL)
		return factstr_error_set(error, FACTSTR_NO_MEMORY, "out of memory");
	copies->count = 0;
	code = read_facts(cursor, count, copies, error);
	if (code == FACTSTR_NO_MEMORY || (code != FACTSTR_OK && copies->count == 0))
	{
		release_copies(copies);
		return code;
	}
	*found = (fn_found) {
		.owner = copies,
		.release = release_copies,
		.facts = copies->facts,
		.fact_count = copies->count
	};
	return FACTSTR_OK;
}

void
fn_found_free(fn_found *found)
{
	if (found->owner != NULL)
		found->release(found->owner);
	*found = (fn_found) {0};
}
