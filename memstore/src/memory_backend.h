/*
 * memory_backend.h
 *		What the memory store consists of.
 *
 * Facts never change or move, so reading takes no lock but, for a moment, that of a part of the
 * index.  Appends take turns; all they can do before their turn, they do before.
 */
#ifndef FACTSTR_MEMORY_BACKEND_H
#define FACTSTR_MEMORY_BACKEND_H

#include <pthread.h>

#include "arena.h"
#include "hub.h"
#include "local_log.h"
#include "memory_facts.h"
#include "memory_keys.h"
#include "memory_postings.h"
#include "memory_streams.h"

struct fs_backend
{
	fs_hub	   *hub;
	pthread_mutex_t appending;	/* held by whoever adds facts, and for the keys and the pool */

	/*
	 * Batches and short lists of postings, which come in small pieces and stay for good.  Kept apart
	 * from what is allocated and freed all the time, they do not scatter it.
	 */
	fs_arena	pool;
	fs_memory_log log;
	fs_postings postings;
	fs_memory_keys keys;
	fs_memory_streams streams;
};

/* The log up to its head, for the search. */
fs_local_log fs_memory_local_log(fs_backend *backend);

#endif							/* FACTSTR_MEMORY_BACKEND_H */
