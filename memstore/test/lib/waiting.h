/*
 * waiting.h
 *		A call on a thread of its own, of which can be seen that it waits.
 *
 * That a call waits for something is not shown by its not having returned yet: it may not even have
 * begun.  So the linker sends what the library waits in here (see the Makefile), and a test goes on
 * when the call is in there.
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
