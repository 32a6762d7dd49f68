/*
 * stores/memory/redactions.c
 *		The redactions of the memory store: the record of them, by fact and then by time.
 */
#include <stdlib.h>
#include <string.h>

#include "stores/memory/redactions.h"

static void
fs_free_texts(const factstr_redaction *redaction)
{
	free((void *) redaction->redacted_by);
	free((void *) redaction->reason);
}

void
fs_memory_redactions_release(fs_memory_redactions *redactions)
{
	for (size_t i = 0; i < redactions->count; i++)
		fs_free_texts(&redactions->redactions[i]);
	free(redactions->redactions);
	*redactions = (fs_memory_redactions) {0};
}

bool
fs_memory_redactions_reserve(fs_memory_redactions *redactions, size_t more)
{
	size_t		capacity = redactions->capacity == 0 ? 8 : redactions->capacity;
	factstr_redaction *grown;

	while (capacity < redactions->count + more)
		capacity *= 2;
	if (capacity == redactions->capacity)
		return true;
	grown = realloc(redactions->redactions, capacity * sizeof(factstr_redaction));
	if (grown == NULL)
		return false;
	redactions->redactions = grown;
	redactions->capacity = capacity;
	return true;
}

static bool
fs_copy(const factstr_redaction *redaction, factstr_redaction *copy)
{
	*copy = *redaction;
	copy->redacted_by = strdup(redaction->redacted_by);
	copy->reason = strdup(redaction->reason);
	if (copy->redacted_by != NULL && copy->reason != NULL)
		return true;
	fs_free_texts(copy);
	return false;
}

/* Inserts a redaction after all earlier ones of the same fact. */
static void
fs_insert(fs_memory_redactions *redactions, const factstr_redaction *redaction)
{
	size_t		place = fs_memory_redactions_after(redactions, redaction->sequence_number);
	factstr_redaction *all = redactions->redactions;

	while (place > 0 && all[place - 1].sequence_number == redaction->sequence_number &&
		   all[place - 1].redacted_at > redaction->redacted_at)
		place--;
	memmove(&all[place + 1], &all[place], (redactions->count - place) * sizeof(factstr_redaction));
	all[place] = *redaction;
	redactions->count++;
}

bool
fs_memory_redactions_add(fs_memory_redactions *redactions, const factstr_redaction *added,
						 size_t count)
{
	factstr_redaction *copies = count == 0 ? NULL : calloc(count, sizeof(factstr_redaction));
	size_t		copied = 0;

	if (count == 0)
		return true;
	if (copies != NULL && fs_memory_redactions_reserve(redactions, count))
	{
		while (copied < count && fs_copy(&added[copied], &copies[copied]))
			copied++;
	}
	for (size_t i = 0; i < copied; i++)
	{
		if (copied == count)
			fs_insert(redactions, &copies[i]);
		else
			fs_free_texts(&copies[i]);
	}
	free(copies);
	return copied == count;
}

void
fs_memory_redactions_move(fs_memory_redactions *redactions, fs_memory_redactions *from)
{
	for (size_t i = 0; i < from->count; i++)
		fs_insert(redactions, &from->redactions[i]);
	from->count = 0;
}

size_t
fs_memory_redactions_after(const fs_memory_redactions *redactions, uint64_t sequence_number)
{
	size_t		low = 0;
	size_t		high = redactions->count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (redactions->redactions[middle].sequence_number <= sequence_number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
fs_memory_redactions_has(const fs_memory_redactions *redactions, uint64_t sequence_number)
{
	size_t		place = fs_memory_redactions_after(redactions, sequence_number);

	return place > 0 && redactions->redactions[place - 1].sequence_number == sequence_number;
}
