/*
 * stores/calls.h
 *		The current calls of a store: ends them, and waits until they have left.
 *
 * A store that is being closed accepts no more calls, except those of its handlers, and is freed when none is
 * left. Long operations check from time to time whether they must end.
 */
#ifndef FACTSTR_STORES_CALLS_H
#define FACTSTR_STORES_CALLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "factstr.h"

#include "base/current_call.h"

/* The calls of one store. */
typedef struct fs_calls fs_calls;

/* One of them, on the stack of its thread. */
typedef struct fs_entered
{
	fs_calls   *calls;
	fs_current_call current;
	bool		within_handler;
} fs_entered;

/* NULL if out of memory. */
fs_calls   *fs_calls_new(void);
void		fs_calls_free(fs_calls *calls);

/*
 * The process that created this, and so the store: no other process has its threads.  In a forked child they are
 * missing, and any of them may hold a lock of the store forever.
 */
pid_t		fs_calls_process(const fs_calls *calls);

/* FACTSTR_MISUSE if the calling process is another one. */
int			fs_process_check(pid_t process, factstr_error *error);

/*
 * A call begins: FACTSTR_OK, and then it has to leave; or FACTSTR_CLOSED, or FACTSTR_MISUSE in another process.
 * Calls of the store's own handlers may begin while it is being closed, because closing waits for the handlers.
 */
int			fs_calls_enter(fs_calls *calls, bool within_handler, fs_entered *entered,
						   factstr_error *error);
void		fs_calls_leave(fs_entered *entered);

/* The reason why the thread's current call must end: FACTSTR_CLOSED, FACTSTR_INTERRUPTED, or FACTSTR_OK. */
int			fs_calls_check(factstr_error *error);

int			fs_calls_refuse(factstr_error *error);

/* Ends the current calls of the store.  May be called by a signal handler. */
void		fs_calls_interrupt(fs_calls *calls);

/* False if another thread has already done so. */
bool		fs_calls_begin_closing(fs_calls *calls);
void		fs_calls_await_none(fs_calls *calls);

#endif							/* FACTSTR_STORES_CALLS_H */
