/*
 * results/lists.c
 *		Lists that a store fills and a caller of the library gets.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "results/lists.h"

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
	*copy = (factstr_fact) {
		.sequence_number = fact->sequence_number,
		.occurred_at = fact->occurred_at
	};
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
 * So many items of a batch, with room for one more.  Their room doubles whenever their count is a power
 * of two, so that no batch has to remember how much it has.
 */
static void *
fs_batch_items(fs_arena *arena, const void *items, size_t count, size_t item_size)
{
	void	   *grown;

	if (count > 0 && (count & (count - 1)) != 0)
		return (void *) items;
	if (count > SIZE_MAX / 2 / item_size)
		return NULL;
	grown = fs_arena_allocate(arena, (count == 0 ? 1 : count * 2) * item_size);
	if (grown != NULL && count > 0)
		memcpy(grown, items, count * item_size);
	return grown;
}

bool
fs_batch_list_add(fs_batch_list *list, const factstr_fact *fact)
{
	factstr_batch *batch = &list->batches[list->count - 1];
	factstr_fact *facts = fs_batch_items(&list->arena, batch->facts, batch->fact_count,
										 sizeof(factstr_fact));

	if (facts == NULL || !fs_copy_fact(&list->arena, fact, &facts[batch->fact_count]))
		return false;
	batch->facts = facts;
	batch->fact_count++;
	return true;
}

static bool
fs_copy_redaction(fs_arena *arena, const factstr_redaction *redaction, factstr_redaction *copy)
{
	*copy = *redaction;
	return fs_copy_text(arena, redaction->redacted_by, &copy->redacted_by) &&
		fs_copy_text(arena, redaction->reason, &copy->reason);
}

/* The batch that a fact is in, of those in order; NULL if there is none. */
static factstr_batch *
fs_batch_of(const fs_batch_list *list, uint64_t sequence_number)
{
	size_t		low = 0;
	size_t		high = list->count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (list->batches[middle].last_sequence_number < sequence_number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->batches[low].first_sequence_number <= sequence_number ?
		&list->batches[low] : NULL;
}

bool
fs_batch_list_add_redaction(fs_batch_list *list, const factstr_redaction *redaction)
{
	factstr_batch *batch = fs_batch_of(list, redaction->sequence_number);
	factstr_redaction *redactions;

	if (batch == NULL)
		return true;
	redactions = fs_batch_items(&list->arena, batch->redactions, batch->redaction_count,
								sizeof(factstr_redaction));
	if (redactions == NULL ||
		!fs_copy_redaction(&list->arena, redaction, &redactions[batch->redaction_count]))
		return false;
	batch->redactions = redactions;
	batch->redaction_count++;
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

bool
fs_redaction_list_add(fs_redaction_list *list, const factstr_redaction *redaction)
{
	if (!fs_grow((void **) &list->redactions, &list->capacity, list->count,
				 sizeof(factstr_redaction)) ||
		!fs_copy_redaction(&list->arena, redaction, &list->redactions[list->count]))
		return false;
	list->count++;
	return true;
}

void
fs_redaction_list_release(fs_redaction_list *list)
{
	free(list->redactions);
	fs_arena_release(&list->arena);
	*list = (fs_redaction_list) {0};
}

bool
fs_log_list_add(fs_log_list *list, const factstr_log_status *log)
{
	factstr_log_status copy = *log;

	if (!fs_grow((void **) &list->logs, &list->capacity, list->count, sizeof(factstr_log_status)) ||
		!fs_copy_text(&list->arena, log->log, &copy.log) ||
		!fs_copy_text(&list->arena, log->created_by, &copy.created_by) ||
		!fs_copy_text(&list->arena, log->sealed_by, &copy.sealed_by))
		return false;
	list->logs[list->count++] = copy;
	return true;
}

void
fs_log_list_release(fs_log_list *list)
{
	free(list->logs);
	fs_arena_release(&list->arena);
	*list = (fs_log_list) {0};
}
