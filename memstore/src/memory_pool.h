/*
 * memory_pool.h
 *		Memory that stays as long as the memory store does.
 *
 * Facts and postings come in small pieces and stay for good.  Kept apart from what is allocated and
 * freed all the time, they do not scatter it.  Used by one thread at a time.
 */
#ifndef FACTSTR_MEMORY_POOL_H
#define FACTSTR_MEMORY_POOL_H

#include <stddef.h>

/* Begins zeroed. */
typedef struct fs_memory_pool
{
	struct fs_memory_chunk *chunks; /* all of them; the first one has the room that is left */
} fs_memory_pool;

/* Aligned for pointers and 64-bit integers; NULL if there is no memory. */
void	   *fs_memory_pool_allocate(fs_memory_pool *pool, size_t size);
void		fs_memory_pool_release(fs_memory_pool *pool);

#endif							/* FACTSTR_MEMORY_POOL_H */
