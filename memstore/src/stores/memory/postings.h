/*
 * stores/memory/postings.h
 *		The inverted index of the memory store: the numbers of the facts with each term, in order.
 *
 * One thread at a time may reserve and add; any number may seek meanwhile.
 */
#ifndef FACTSTR_STORES_MEMORY_POSTINGS_H
#define FACTSTR_STORES_MEMORY_POSTINGS_H

#include <pthread.h>

#include "base/arena.h"
#include "stores/local/new_terms.h"

/* A power of two.  Seeking threads meet only if they want terms of one shard. */
#define FS_POSTING_SHARD_BITS 6

/* Longer lists than of 2 to this power are allocated one by one. */
#define FS_POOLED_LIST_BITS 12

typedef struct fs_posting_shard
{
	pthread_rwlock_t lock;		/* shared by who seeks, taken by who changes something */
	size_t		capacity;		/* of the hash table: 0 or a power of two */
	size_t		used;
	struct fs_posting_list *lists;
} fs_posting_shard;

typedef struct fs_postings
{
	fs_arena   *pool;			/* where shorter lists come from */
	uint64_t   *outgrown[FS_POOLED_LIST_BITS + 1];	/* by size: linked by their first word */
	fs_posting_shard shards[1 << FS_POSTING_SHARD_BITS];
} fs_postings;

/* Begins zeroed but for the pool.  False if out of memory: nothing is to be destroyed then. */
bool		fs_postings_init(fs_postings *postings);
void		fs_postings_destroy(fs_postings *postings);

/*
 * Makes room, so that adding cannot fail.  The terms are sorted.  False if there is no memory; the room
 * that was made stays, unused.
 */
bool		fs_postings_reserve(fs_postings *postings, const fs_new_terms *added);

/* Adds the reserved postings.  The numbers begin with first, which is higher than all existing ones. */
void		fs_postings_add(fs_postings *postings, const fs_new_terms *added, uint64_t first);

/* The same for one fact, which may be anywhere in the log. */
bool		fs_postings_reserve_terms(fs_postings *postings, const fs_term_list *added);

/* A fact loses terms, and gets those that were reserved; either may have terms of the other. */
void		fs_postings_exchange(fs_postings *postings, const fs_term_list *removed,
								 const fs_term_list *added, uint64_t sequence_number);

/*
 * The nearest fact with the term at or after (backwards: at or before) a position, 0 if there is
 * none.
 */
uint64_t	fs_postings_seek(fs_postings *postings, fs_term term, uint64_t position,
							 bool backwards);

#endif							/* FACTSTR_STORES_MEMORY_POSTINGS_H */
