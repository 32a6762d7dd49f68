/*
 * results.c
 *		Lists that a store fills and a caller of the library gets.
 */
#include <stdlib.h>

#include "results.h"

/*
 * Makes room for one more item at the end of *items.  The array is not in the arena, where each
 * growth would leave the old one behind.
 */
static bool
fs_grow(void **items, size_t *capacity, size_t count, size_t item_size)
{
	size_t		wanted = *capacity == 0 ? 8 : *capacity * 2;
	void	   *grown;

	if (count < *capacity)
		return true;
	if (wanted > SIZE_MAX / item_size)
		return false;
	grown = realloc(*items, wanted * item_size);
	if (grown == NULL)
		return false;
	*items = grown;
	*capacity = wanted;
	return true;
}

/* NULL stays NULL.  False if there is no memory. */
static bool
fs_copy_text(fs_arena *arena, const char *text, const char **copy)
{
	*copy = text == NULL ? NULL : fs_arena_copy(arena, text);
	return text == NULL || *copy != NULL;
}

static bool
fs_copy_fact(fs_arena *arena, const factstr_fact *fact, factstr_fact *copy)
{
	copy->sequence_number = fact->sequence_number;
	copy->occurred_at = fact->occurred_at;
	return fs_copy_text(arena, fact->event_type, &copy->event_type) &&
		fs_copy_text(arena, fact->payload, &copy->payload) &&
		fs_copy_text(arena, fact->metadata, &copy->metadata);
}

bool
fs_fact_list_add(fs_fact_list *list, const factstr_fact *fact)
{
	if (!fs_grow((void **) &list->facts, &list->capacity, list->count, sizeof(factstr_fact)) ||
		!fs_copy_fact(&list->arena, fact, &list->facts[list->count]))
		return false;
	list->count++;
	return true;
}

void
fs_fact_list_release(fs_fact_list *list)
{
	free(list->facts);
	fs_arena_release(&list->arena);
	*list = (fs_fact_list) {0};
}

bool
fs_batch_list_begin(fs_batch_list *list, uint64_t first_sequence_number,
					uint64_t last_sequence_number, const char *idempotency_key)
{
	factstr_batch batch = {
		.first_sequence_number = first_sequence_number,
		.last_sequence_number = last_sequence_number
	};

	if (!fs_grow((void **) &list->batches, &list->capacity, list->count, sizeof(factstr_batch)) ||
		!fs_copy_text(&list->arena, idempotency_key, &batch.idempotency_key))
		return false;
	list->batches[list->count++] = batch;
	return true;
}

/*
 * The facts of a batch, with room for one more.  Their room doubles whenever their count is a power
 * of two, so that no batch has to remember how much it has.
 */
static factstr_fact *
fs_batch_facts(fs_arena *arena, factstr_batch *batch)
{
	size_t		count = batch->fact_count;
	factstr_fact *facts = (factstr_fact *) batch->facts;

	if (count > 0 && (count & (count - 1)) != 0)
		return facts;
	if (count > SIZE_MAX / 2 / sizeof(factstr_fact))
		return NULL;
	facts = fs_arena_allocate(arena, (count == 0 ? 1 : count * 2) * sizeof(factstr_fact));
	if (facts == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		facts[i] = batch->facts[i];
	batch->facts = facts;
	return facts;
}

bool
fs_batch_list_add(fs_batch_list *list, const factstr_fact *fact)
{
	factstr_batch *batch = &list->batches[list->count - 1];
	factstr_fact *facts = fs_batch_facts(&list->arena, batch);

	if (facts == NULL || !fs_copy_fact(&list->arena, fact, &facts[batch->fact_count]))
		return false;
	batch->fact_count++;
	return true;
}

void
fs_batch_list_release(fs_batch_list *list)
{
	free(list->batches);
	fs_arena_release(&list->arena);
	*list = (fs_batch_list) {0};
}

bool
fs_stream_list_add(fs_stream_list *list, const factstr_stream_status *status)
{
	factstr_stream_status copy = *status;

	if (!fs_grow((void **) &list->streams, &list->capacity, list->count,
				 sizeof(factstr_stream_status)) ||
		!fs_copy_text(&list->arena, status->name, &copy.name) ||
		!fs_copy_text(&list->arena, status->event_query, &copy.event_query) ||
		!fs_copy_text(&list->arena, status->last_error, &copy.last_error))
		return false;
	list->streams[list->count++] = copy;
	return true;
}

void
fs_stream_list_release(fs_stream_list *list)
{
	free(list->streams);
	fs_arena_release(&list->arena);
	*list = (fs_stream_list) {0};
}
