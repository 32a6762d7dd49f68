/*
 * memory_pool.c
 *		Memory that stays as long as the memory store does.
 */
#include <stdint.h>
#include <stdlib.h>

#include "memory_pool.h"

#define FS_FIRST_CHUNK_BYTES 16000
#define FS_LARGEST_CHUNK_BYTES 1000000

typedef struct fs_memory_chunk
{
	struct fs_memory_chunk *next;
	size_t		used;
	size_t		size;
	uint64_t	data[];
} fs_memory_chunk;

static fs_memory_chunk *
fs_new_chunk(size_t size)
{
	fs_memory_chunk *chunk;

	if (size > SIZE_MAX - sizeof(fs_memory_chunk))
		return NULL;
	chunk = malloc(sizeof(fs_memory_chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->used = 0;
	chunk->size = size;
	return chunk;
}

/* A chunk with room for a piece.  One that is made for a large piece stands behind the first. */
static fs_memory_chunk *
fs_provide_chunk(fs_memory_pool *pool, size_t size)
{
	fs_memory_chunk *first = pool->chunks;
	size_t		chunk_size = FS_FIRST_CHUNK_BYTES;
	fs_memory_chunk *chunk;

	if (first != NULL && size <= first->size - first->used)
		return first;
	if (first != NULL)
		chunk_size = first->size < FS_LARGEST_CHUNK_BYTES / 2 ? first->size * 2 :
			FS_LARGEST_CHUNK_BYTES;
	if (size > chunk_size / 4 && first != NULL)
	{
		chunk = fs_new_chunk(size);
		if (chunk == NULL)
			return NULL;
		chunk->next = first->next;
		first->next = chunk;
		return chunk;
	}
	chunk = fs_new_chunk(size > chunk_size ? size : chunk_size);
	if (chunk == NULL)
		return NULL;
	chunk->next = first;
	pool->chunks = chunk;
	return chunk;
}

void *
fs_memory_pool_allocate(fs_memory_pool *pool, size_t size)
{
	size_t		rounded = (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	fs_memory_chunk *chunk = rounded < size ? NULL : fs_provide_chunk(pool, rounded);
	void	   *memory;

	if (chunk == NULL)
		return NULL;
	memory = (char *) chunk->data + chunk->used;
	chunk->used += rounded;
	return memory;
}

void
fs_memory_pool_release(fs_memory_pool *pool)
{
	fs_memory_chunk *next;

	for (fs_memory_chunk *chunk = pool->chunks; chunk != NULL; chunk = next)
	{
		next = chunk->next;
		free(chunk);
	}
	pool->chunks = NULL;
}
