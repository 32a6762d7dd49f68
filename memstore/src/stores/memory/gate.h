/*
 * stores/memory/gate.h
 *		Lets those who look at facts pass side by side, and who changes one alone.
 *
 * Facts change only when they are redacted, so a look costs two atomic steps and no lock.  A call that
 * is within must not enter again.
 */
#ifndef FACTSTR_STORES_MEMORY_GATE_H
#define FACTSTR_STORES_MEMORY_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "factstr.h"

typedef struct fs_gate
{
	_Atomic long within;		/* how many look at facts, or are about to find out that they may not */
	_Atomic bool is_closed;		/* somebody changes one, or waits to do so */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
} fs_gate;

/* Begins zeroed.  False if out of memory: then there is nothing to be destroyed. */
bool		fs_gate_init(fs_gate *gate);
void		fs_gate_destroy(fs_gate *gate);

void		fs_gate_enter(fs_gate *gate);
void		fs_gate_leave(fs_gate *gate);

/* Waits until nobody is within, and keeps others out; or the call is to end. */
int			fs_gate_close(fs_gate *gate, factstr_error *error);
void		fs_gate_open(fs_gate *gate);

#endif							/* FACTSTR_STORES_MEMORY_GATE_H */
