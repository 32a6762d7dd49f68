/*
 * base/current_call.h
 *		The call that a thread is executing, and whether it must end.
 *
 * Long operations check this from time to time, in the stores and also in loops below them, which know of no store.
 * Calls are nested if a handler makes some; the innermost one counts.
 */
#ifndef FACTSTR_BASE_CURRENT_CALL_H
#define FACTSTR_BASE_CURRENT_CALL_H

#include <stdatomic.h>
#include <stdbool.h>

/* The reasons to end a call.  It is on the stack of its thread, and the objects it points to outlive it. */
typedef struct fs_current_call
{
	atomic_bool *is_closed;		/* NULL: nothing closes it */
	atomic_uint *interruptions; /* NULL: nothing interrupts it */
	struct fs_current_call *outer;
	unsigned int interruptions_before;
	const void *thread;			/* that has made it; only to be compared */
} fs_current_call;

typedef enum fs_call_state
{
	FS_CALL_GOES_ON,
	FS_CALL_IS_CLOSED,
	FS_CALL_IS_INTERRUPTED
} fs_call_state;

/* Is the call to be interrupted?  Asked on the thread that has made it. */
typedef bool (*fs_interrupt_check) (void *context);

/* Sets the check of the calling thread; NULL: none. */
void		fs_current_call_set_check(fs_interrupt_check check, void *context);

/* The thread is now in a call.  Either pointer may be NULL. */
void		fs_current_call_begin(fs_current_call *call, atomic_bool *is_closed,
								  atomic_uint *interruptions);
void		fs_current_call_end(const fs_current_call *call);

/* Outside of a call nothing is to end. */
fs_call_state fs_current_call_state(void);

/* NULL outside of calls. */
fs_current_call *fs_current_call_now(void);

/*
 * Lets the thread work for a call of another thread, which waits for it: that call is then the one to end. Returns
 * the previous call, to be restored by a second exchange.
 */
fs_current_call *fs_current_call_exchange(fs_current_call *call);

#endif							/* FACTSTR_BASE_CURRENT_CALL_H */
