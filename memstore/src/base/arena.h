/*
 * base/arena.h
 *		Memory that is released all at once.
 */
#ifndef FACTSTR_BASE_ARENA_H
#define FACTSTR_BASE_ARENA_H

#include <stddef.h>

/* Zeroed: empty, and of the usual sizes. */
typedef struct fs_arena
{
	struct fs_arena_chunk *chunks;	/* the first one has the room that is left */
	size_t		first_chunk_bytes;	/* the size of the first and the largest chunks; 0: the default */
	size_t		largest_chunk_bytes;
} fs_arena;

/* Aligned for any type; NULL if there is no memory. */
void	   *fs_arena_allocate(fs_arena *arena, size_t size);

/* The same, but aligned only for pointers and 64-bit integers, for many small pieces. */
void	   *fs_arena_allocate_words(fs_arena *arena, size_t size);

/* A copy of a NUL-terminated text; NULL if there is no memory. */
char	   *fs_arena_copy(fs_arena *arena, const char *text);

/* A NUL-terminated copy of this many bytes; NULL if there is no memory. */
char	   *fs_arena_copy_bytes(fs_arena *arena, const char *data, size_t length);

/* Releases all of it; the arena can be used again. */
void		fs_arena_release(fs_arena *arena);

#endif							/* FACTSTR_BASE_ARENA_H */
