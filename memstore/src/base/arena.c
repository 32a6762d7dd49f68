/*
 * base/arena.c
 *		Memory that is given back all at once.
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/*
 * Chunks double in size up to the largest; a piece that is larger than a chunk gets a separate one.  The
 * usual first one is small enough for the allocator's quick lists, and enough for most appends.
 */
#define FS_FIRST_CHUNK_BYTES 960
#define FS_LARGEST_CHUNK_BYTES 256000

typedef struct fs_arena_chunk
{
	struct fs_arena_chunk *next;
	size_t		used;
	size_t		size;
	alignas(max_align_t) char data[];
} fs_arena_chunk;

static fs_arena_chunk *
fs_new_chunk(size_t size)
{
	fs_arena_chunk *chunk;

	if (size > SIZE_MAX - sizeof(fs_arena_chunk))
		return NULL;
	chunk = malloc(sizeof(fs_arena_chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->next = NULL;
	chunk->used = 0;
	chunk->size = size;
	return chunk;
}

static size_t
fs_next_chunk_size(const fs_arena *arena)
{
	size_t		first = arena->first_chunk_bytes > 0 ? arena->first_chunk_bytes :
		FS_FIRST_CHUNK_BYTES;
	size_t		largest = arena->largest_chunk_bytes > 0 ? arena->largest_chunk_bytes :
		FS_LARGEST_CHUNK_BYTES;

	if (arena->chunks == NULL)
		return first;
	return arena->chunks->size >= largest / 2 ? largest : arena->chunks->size * 2;
}

/* Takes a new chunk.  A large piece goes behind the first chunk, whose rest stays in use. */
static void *
fs_take_from_new_chunk(fs_arena *arena, size_t size)
{
	size_t		chunk_size = fs_next_chunk_size(arena);
	bool		is_large = size > chunk_size / 4 && arena->chunks != NULL;
	fs_arena_chunk *chunk = fs_new_chunk(is_large || size > chunk_size ? size : chunk_size);

	if (chunk == NULL)
		return NULL;
	chunk->used = size;
	if (is_large)
	{
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	}
	else
	{
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	return chunk->data;
}

static void *
fs_take(fs_arena *arena, size_t size, size_t alignment)
{
	fs_arena_chunk *chunk = arena->chunks;
	size_t		start;

	if (chunk != NULL)
	{
		start = (chunk->used + alignment - 1) & ~(alignment - 1);
		if (start <= chunk->size && size <= chunk->size - start)
		{
			chunk->used = start + size;
			return chunk->data + start;
		}
	}
	return fs_take_from_new_chunk(arena, size);
}

void *
fs_arena_allocate(fs_arena *arena, size_t size)
{
	return fs_take(arena, size, alignof(max_align_t));
}

void *
fs_arena_allocate_words(fs_arena *arena, size_t size)
{
	return fs_take(arena, size, alignof(uint64_t));
}

char *
fs_arena_copy_bytes(fs_arena *arena, const char *data, size_t length)
{
	char	   *copy = length < SIZE_MAX ? fs_take(arena, length + 1, 1) : NULL;

	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, data, length);
	copy[length] = '\0';
	return copy;
}

char *
fs_arena_copy(fs_arena *arena, const char *text)
{
	return fs_arena_copy_bytes(arena, text, strlen(text));
}

void
fs_arena_release(fs_arena *arena)
{
	fs_arena_chunk *chunk = arena->chunks;

	while (chunk != NULL)
	{
		fs_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	arena->chunks = NULL;
}
