/*
 * stores/memory/facts.c
 *		The log of the memory store.
 */
#include <stdlib.h>
#include <string.h>

#include "stores/memory/facts.h"

/* A larger one would have more bytes than an address has bits for. */
#define FS_LAST_CHUNK (48 - FS_FIRST_CHUNK_BITS)

/* With a NUL; of no text, which has no data, nothing. */
static size_t
fs_text_size(fs_text text)
{
	return text.data == NULL ? 0 : text.length + 1;
}

/* Copies a text to *rest, which moves behind it.  NULL if it has no data. */
static const char *
fs_put_text(char **rest, fs_text text)
{
	char	   *copy = *rest;

	if (text.data == NULL)
		return NULL;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	*rest += fs_text_size(text);
	return copy;
}

static fs_text
fs_text_of_key(const char *idempotency_key)
{
	return (fs_text) {idempotency_key, idempotency_key == NULL ? 0 : strlen(idempotency_key)};
}

size_t
fs_memory_batch_size(const fs_append_event *events, size_t count, const char *idempotency_key)
{
	size_t		size = sizeof(fs_memory_batch) + fs_text_size(fs_text_of_key(idempotency_key));

	for (size_t i = 0; i < count; i++)
	{
		/* Texts that are in memory, so this much adds up. */
		size_t		fact_size = sizeof(fs_memory_fact) + fs_text_size(events[i].event_type) +
			fs_text_size(events[i].payload) + fs_text_size(events[i].metadata);

		if (fact_size > SIZE_MAX / 2 - size)
			return SIZE_MAX;
		size += fact_size;
	}
	return size;
}

fs_memory_batch *
fs_memory_batch_build(void *memory, const fs_append_event *events, size_t count,
					  const char *idempotency_key)
{
	fs_memory_batch *batch = memory;
	char	   *rest = (char *) &batch->facts[count];

	batch->first_sequence_number = 0;
	batch->fact_count = count;
	batch->next_with_key = NULL;
	for (size_t i = 0; i < count; i++)
	{
		fs_memory_fact *fact = &batch->facts[i];

		fact->occurred_at = 0;
		fact->event_type = fs_put_text(&rest, events[i].event_type);
		fact->payload = fs_put_text(&rest, events[i].payload);
		fact->metadata = fs_put_text(&rest, events[i].metadata);
	}
	batch->idempotency_key = fs_put_text(&rest, fs_text_of_key(idempotency_key));
	return batch;
}

/* Finds the place of a fact: returns its chunk and sets *index. */
static int
fs_chunk_of(uint64_t sequence_number, uint64_t *index)
{
	uint64_t	place = sequence_number - 1 + (UINT64_C(1) << FS_FIRST_CHUNK_BITS);
	int			bits = 63 - __builtin_clzll(place);

	*index = place - (UINT64_C(1) << bits);
	return bits - FS_FIRST_CHUNK_BITS;
}

bool
fs_memory_log_reserve(fs_memory_log *log, uint64_t last)
{
	uint64_t	index;
	int			last_chunk = fs_chunk_of(last, &index);

	if (last_chunk > FS_LAST_CHUNK)
		return false;
	if (log->chunks[last_chunk] != NULL)
		return true;

	/* Upwards, so that where there is one, all below it are there. */
	for (int i = 0; i <= last_chunk; i++)
	{
		if (log->chunks[i] == NULL)
			log->chunks[i] = malloc(sizeof(fs_memory_batch *) << (i + FS_FIRST_CHUNK_BITS));
		if (log->chunks[i] == NULL)
			return false;
	}
	return true;
}

void
fs_memory_log_add(fs_memory_log *log, fs_memory_batch *batch)
{
	uint64_t	last = fs_memory_batch_last(batch);

	for (uint64_t i = batch->first_sequence_number; i <= last; i++)
	{
		uint64_t	index;
		int			chunk = fs_chunk_of(i, &index);

		log->chunks[chunk][index] = batch;
	}
}

const fs_memory_batch *
fs_memory_log_batch_of(const fs_memory_log *log, uint64_t sequence_number)
{
	uint64_t	index;
	int			chunk = fs_chunk_of(sequence_number, &index);

	return log->chunks[chunk][index];
}

factstr_fact
fs_memory_batch_fact(const fs_memory_batch *batch, uint64_t sequence_number)
{
	const fs_memory_fact *fact = &batch->facts[sequence_number - batch->first_sequence_number];

	return (factstr_fact) {
		.sequence_number = sequence_number,
		.occurred_at = fact->occurred_at,
		.event_type = fact->event_type,
		.payload = fact->payload,
		.metadata = fact->metadata
	};
}

void
fs_memory_log_release(fs_memory_log *log)
{
	for (int i = 0; i < FS_CHUNKS; i++)
		free(log->chunks[i]);
}
