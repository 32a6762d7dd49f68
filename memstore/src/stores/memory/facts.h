/*
 * stores/memory/facts.h
 *		The log of the memory store: batches, each in memory that neither moves nor changes.
 *
 * One thread at a time may reserve and commit; any number may read meanwhile, up to the head.
 */
#ifndef FACTSTR_STORES_MEMORY_FACTS_H
#define FACTSTR_STORES_MEMORY_FACTS_H

#include <stdatomic.h>

#include "input/events.h"

/* The texts belong to the batch. */
typedef struct fs_memory_fact
{
	int64_t		occurred_at;
	const char *event_type;
	const char *payload;
	const char *metadata;		/* or NULL */
} fs_memory_fact;

typedef struct fs_memory_batch
{
	uint64_t	first_sequence_number;
	size_t		fact_count;
	const char *idempotency_key;	/* or NULL */
	struct fs_memory_batch *next_with_key;	/* see keys.h */
	fs_memory_fact facts[];		/* and then the texts */
} fs_memory_batch;

/* The memory that a batch of these events needs; SIZE_MAX if that is more than there can be. */
size_t		fs_memory_batch_size(const fs_append_event *events, size_t count,
								 const char *idempotency_key);

/* Builds a batch in memory of that size, with copies of all texts, but without times. */
fs_memory_batch *fs_memory_batch_build(void *memory, const fs_append_event *events, size_t count,
									   const char *idempotency_key);

/* The n-th chunk has 2^n times the places of the first: they do not move when there are more. */
#define FS_FIRST_CHUNK_BITS 10
#define FS_CHUNKS (64 - FS_FIRST_CHUNK_BITS)

typedef struct fs_memory_log
{
	_Atomic uint64_t head;
	fs_memory_batch **chunks[FS_CHUNKS];	/* each fact's batch */
} fs_memory_log;

/* Frees the members of a log, but not the batches.  It began zeroed. */
void		fs_memory_log_release(fs_memory_log *log);

/* The calling thread sees all facts up to the head. */
static inline uint64_t
fs_memory_log_head(const fs_memory_log *log)
{
	return atomic_load_explicit(&log->head, memory_order_acquire);
}

/* Makes room for facts up to this number, so that adding them cannot fail; false: no memory. */
bool		fs_memory_log_reserve(fs_memory_log *log, uint64_t last);

/* Puts a batch, which has its number, behind those there are.  The head is not moved. */
void		fs_memory_log_add(fs_memory_log *log, fs_memory_batch *batch);

/* Now everybody sees the facts up to this one. */
static inline void
fs_memory_log_set_head(fs_memory_log *log, uint64_t head)
{
	atomic_store_explicit(&log->head, head, memory_order_release);
}

/* The batch that a fact up to the head is part of. */
const fs_memory_batch *fs_memory_log_batch_of(const fs_memory_log *log, uint64_t sequence_number);

static inline uint64_t
fs_memory_batch_last(const fs_memory_batch *batch)
{
	return batch->first_sequence_number + batch->fact_count - 1;
}

factstr_fact fs_memory_batch_fact(const fs_memory_batch *batch, uint64_t sequence_number);

#endif							/* FACTSTR_STORES_MEMORY_FACTS_H */
