/*
 * stores/memory/keys.h
 *		The batches of the memory store by their idempotency keys.
 *
 * Used by one thread at a time.
 */
#ifndef FACTSTR_STORES_MEMORY_KEYS_H
#define FACTSTR_STORES_MEMORY_KEYS_H

#include "stores/memory/facts.h"

/* Begins zeroed. */
typedef struct fs_memory_keys
{
	size_t		count;
	size_t		capacity;		/* 0 or a power of two */
	fs_memory_batch **lists;	/* linked by next_with_key */
} fs_memory_keys;

void		fs_memory_keys_release(fs_memory_keys *keys);

/* The batch that has the key, or NULL. */
fs_memory_batch *fs_memory_keys_find(const fs_memory_keys *keys, const char *key);

/* Makes room, so that adding cannot fail; false: no memory. */
bool		fs_memory_keys_reserve(fs_memory_keys *keys, size_t more);
void		fs_memory_keys_add(fs_memory_keys *keys, fs_memory_batch *batch);

#endif							/* FACTSTR_STORES_MEMORY_KEYS_H */
