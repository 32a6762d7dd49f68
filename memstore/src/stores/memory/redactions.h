/*
 * stores/memory/redactions.h
 *		The redactions of the memory store: the record of them, by fact and then by time.
 *
 * Threads that have closed the gate add to it; threads within the gate read it.
 */
#ifndef FACTSTR_STORES_MEMORY_REDACTIONS_H
#define FACTSTR_STORES_MEMORY_REDACTIONS_H

#include "results/lists.h"

/* Begins zeroed. */
typedef struct fs_memory_redactions
{
	size_t		count;
	size_t		capacity;
	factstr_redaction *redactions;
} fs_memory_redactions;

void		fs_memory_redactions_release(fs_memory_redactions *redactions);

/* Adds copies, all or none; false: no memory. */
bool		fs_memory_redactions_add(fs_memory_redactions *redactions,
									 const factstr_redaction *added, size_t count);

/* Makes room for the given number of further redactions; false: no memory. */
bool		fs_memory_redactions_reserve(fs_memory_redactions *redactions, size_t more);

/* Moves all of another list into the room that was made. */
void		fs_memory_redactions_move(fs_memory_redactions *redactions, fs_memory_redactions *from);

bool		fs_memory_redactions_has(const fs_memory_redactions *redactions, uint64_t sequence_number);

/* The place of the first one that is of a fact after this one. */
size_t		fs_memory_redactions_after(const fs_memory_redactions *redactions,
									   uint64_t sequence_number);

#endif							/* FACTSTR_STORES_MEMORY_REDACTIONS_H */
