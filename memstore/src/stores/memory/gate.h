/*
 * stores/memory/gate.h
 *		Admits many readers of facts, or one writer that changes a fact.
 *
 * Facts change only when they are redacted, so reading costs two atomic steps and no lock.  A call that is inside
 * must not enter again.
 */
#ifndef FACTSTR_STORES_MEMORY_GATE_H
#define FACTSTR_STORES_MEMORY_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "factstr.h"

typedef struct fs_gate
{
	_Atomic long within;		/* the number of readers, including those that are about to find the gate closed */
	_Atomic bool is_closed;		/* a thread changes a fact, or waits to do so */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
} fs_gate;

/* Begins zeroed.  False if out of memory: then there is nothing to destroy. */
bool		fs_gate_init(fs_gate *gate);
void		fs_gate_destroy(fs_gate *gate);

void		fs_gate_enter(fs_gate *gate);
void		fs_gate_leave(fs_gate *gate);

/* Waits until no thread is inside, and keeps others out; or the call must end. */
int			fs_gate_close(fs_gate *gate, factstr_error *error);
void		fs_gate_open(fs_gate *gate);

#endif							/* FACTSTR_STORES_MEMORY_GATE_H */
