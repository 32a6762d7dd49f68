/*
 * stores/memory/keys.c
 *		The batches of the memory store by their idempotency keys: a hash table.
 */
#include <stdlib.h>
#include <string.h>

#include "stores/local/terms.h"
#include "stores/memory/keys.h"

#define FS_FIRST_CAPACITY 64

void
fs_memory_keys_release(fs_memory_keys *keys)
{
	free(keys->lists);
	*keys = (fs_memory_keys) {0};
}

/* A term's hash is as good as any. */
static fs_memory_batch **
fs_list_of(const fs_memory_keys *keys, const char *key)
{
	return &keys->lists[fs_term_of_event_type((fs_text) {key, strlen(key)}) & (keys->capacity - 1)];
}

fs_memory_batch *
fs_memory_keys_find(const fs_memory_keys *keys, const char *key)
{
	fs_memory_batch *batch;

	if (keys->count == 0)
		return NULL;
	batch = *fs_list_of(keys, key);
	while (batch != NULL && strcmp(batch->idempotency_key, key) != 0)
		batch = batch->next_with_key;
	return batch;
}

static void
fs_link_batch(fs_memory_keys *keys, fs_memory_batch *batch)
{
	fs_memory_batch **list = fs_list_of(keys, batch->idempotency_key);

	batch->next_with_key = *list;
	*list = batch;
}

bool
fs_memory_keys_reserve(fs_memory_keys *keys, size_t more)
{
	fs_memory_keys grown = {.capacity = keys->capacity == 0 ? FS_FIRST_CAPACITY : keys->capacity};

	while (grown.capacity < keys->count + more)
		grown.capacity *= 2;
	if (grown.capacity == keys->capacity)
		return true;
	grown.lists = calloc(grown.capacity, sizeof(fs_memory_batch *));
	if (grown.lists == NULL)
		return false;
	for (size_t i = 0; i < keys->capacity; i++)
	{
		fs_memory_batch *next;

		for (fs_memory_batch *batch = keys->lists[i]; batch != NULL; batch = next)
		{
			next = batch->next_with_key;
			fs_link_batch(&grown, batch);
		}
	}
	free(keys->lists);
	keys->lists = grown.lists;
	keys->capacity = grown.capacity;
	return true;
}

void
fs_memory_keys_add(fs_memory_keys *keys, fs_memory_batch *batch)
{
	fs_link_batch(keys, batch);
	keys->count++;
}
