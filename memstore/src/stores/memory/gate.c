/*
 * stores/memory/gate.c
 *		Admits many readers of facts, or one writer that changes a fact.
 *
 * A reader counts itself first and then checks whether the gate is closed; the writer closes it first and then
 * checks the count.  So at least one of the two sees the other.
 */
#include "base/threads.h"
#include "stores/calls.h"
#include "stores/memory/gate.h"

/* The interval at which a waiting thread checks whether its call must end.  In ms. */
#define FS_LOOK_INTERVAL 50

bool
fs_gate_init(fs_gate *gate)
{
	return fs_mutex_and_condition_init(&gate->mutex, &gate->changed);
}

void
fs_gate_destroy(fs_gate *gate)
{
	(void) pthread_cond_destroy(&gate->changed);
	(void) pthread_mutex_destroy(&gate->mutex);
}

void
fs_gate_leave(fs_gate *gate)
{
	(void) atomic_fetch_sub(&gate->within, 1);
	if (!atomic_load(&gate->is_closed))
		return;
	(void) pthread_mutex_lock(&gate->mutex);
	(void) pthread_cond_broadcast(&gate->changed);
	(void) pthread_mutex_unlock(&gate->mutex);
}

void
fs_gate_enter(fs_gate *gate)
{
	(void) atomic_fetch_add(&gate->within, 1);
	while (atomic_load(&gate->is_closed))
	{
		fs_gate_leave(gate);
		(void) pthread_mutex_lock(&gate->mutex);
		while (atomic_load(&gate->is_closed))
			(void) fs_condition_wait(&gate->changed, &gate->mutex, FS_NO_DEADLINE);
		(void) pthread_mutex_unlock(&gate->mutex);
		(void) atomic_fetch_add(&gate->within, 1);
	}
}

int
fs_gate_close(fs_gate *gate, factstr_error *error)
{
	int			code = FACTSTR_OK;

	(void) pthread_mutex_lock(&gate->mutex);
	while (code == FACTSTR_OK && atomic_load(&gate->is_closed))
	{
		(void) fs_condition_wait(&gate->changed, &gate->mutex, fs_deadline(FS_LOOK_INTERVAL));
		code = fs_calls_check(error);
	}
	if (code == FACTSTR_OK)
	{
		atomic_store(&gate->is_closed, true);
		while (code == FACTSTR_OK && atomic_load(&gate->within) > 0)
		{
			(void) fs_condition_wait(&gate->changed, &gate->mutex, fs_deadline(FS_LOOK_INTERVAL));
			code = fs_calls_check(error);
		}
		if (code != FACTSTR_OK)
		{
			atomic_store(&gate->is_closed, false);
			(void) pthread_cond_broadcast(&gate->changed);
		}
	}
	(void) pthread_mutex_unlock(&gate->mutex);
	return code;
}

void
fs_gate_open(fs_gate *gate)
{
	(void) pthread_mutex_lock(&gate->mutex);
	atomic_store(&gate->is_closed, false);
	(void) pthread_cond_broadcast(&gate->changed);
	(void) pthread_mutex_unlock(&gate->mutex);
}
