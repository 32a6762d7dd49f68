/*
 * stores/hub.h
 *		Wakes the library's waiting threads.
 *
 * A store wakes its hub when facts have come in or cursors have moved.  A thread that wants to wait first reads
 * the count of wake-ups, then looks, then waits for the count to change: so it misses nothing in between.
 *
 * The dispatcher of streams waits for facts.  A thread that waits for a cursor to move, or for a name to become
 * free, waits for cursors: that count changes with both, so that a cursor's move makes no thread read facts.
 */
#ifndef FACTSTR_STORES_HUB_H
#define FACTSTR_STORES_HUB_H

#include <stdint.h>

typedef struct fs_hub fs_hub;

/* NULL if out of memory. */
fs_hub	   *fs_hub_new(void);
void		fs_hub_free(fs_hub *hub);

/* Facts may have come in, and cursors may have moved. */
void		fs_hub_wake(fs_hub *hub);

/* Cursors may have moved, and names may have become free. */
void		fs_hub_wake_cursors(fs_hub *hub);

uint64_t	fs_hub_count(fs_hub *hub);
uint64_t	fs_hub_cursor_count(fs_hub *hub);

/* Return when the count differs from the given one, or after the timeout; negative: no limit. */
void		fs_hub_wait(fs_hub *hub, uint64_t count, int64_t timeout_ms);
void		fs_hub_cursor_wait(fs_hub *hub, uint64_t count, int64_t timeout_ms);

#endif							/* FACTSTR_STORES_HUB_H */
