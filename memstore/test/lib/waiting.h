/*
 * waiting.h
 *		A call on a separate thread, with a check that it waits.
 *
 * A call that has not returned yet does not necessarily wait: it may not even have
 * begun.  So the linker redirects the library's waiting functions here (see the Makefile), and a test
 * continues when the call is in one of them.
 */
#ifndef FACTSTR_TEST_WAITING_H
#define FACTSTR_TEST_WAITING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct waiting_call
{
	void		(*run) (void *argument);
	void	   *argument;
	pthread_t	thread;
	atomic_bool has_waited;
	atomic_bool has_returned;
} waiting_call;

void		waiting_start(waiting_call *call, void (*run) (void *argument), void *argument);

/* Comes back when the call waits, true, or has returned without, false. */
bool		waiting_is_reached(waiting_call *call);

/* Comes back when the call has returned, true, or has not in all the time, false. */
bool		waiting_ends(waiting_call *call);

#endif							/* FACTSTR_TEST_WAITING_H */
