/*
 * base/current_call.c
 *		The call that a thread is in, and whether it is to end.
 */
#include <stddef.h>

#include "base/current_call.h"

static _Thread_local fs_current_call *fs_innermost;

static _Thread_local struct
{
	fs_interrupt_check function;	/* or NULL */
	void	   *context;
}			fs_check;

void
fs_current_call_set_check(fs_interrupt_check check, void *context)
{
	fs_check.function = check;
	fs_check.context = context;
}

void
fs_current_call_begin(fs_current_call *call, atomic_bool *is_closed, atomic_uint *interruptions)
{
	call->is_closed = is_closed;
	call->interruptions = interruptions;
	call->interruptions_before = interruptions == NULL ? 0 : atomic_load(interruptions);
	call->thread = &fs_check;
	call->outer = fs_innermost;
	fs_innermost = call;
}

void
fs_current_call_end(const fs_current_call *call)
{
	fs_innermost = call->outer;
}

/* A thread that works for the call of another one does not know. */
static bool
fs_check_interrupts(const fs_current_call *call)
{
	return fs_check.function != NULL && call->thread == &fs_check && fs_check.function(fs_check.context);
}

fs_call_state
fs_current_call_state(void)
{
	const fs_current_call *call = fs_innermost;

	if (call == NULL)
		return FS_CALL_GOES_ON;
	if (call->is_closed != NULL && atomic_load(call->is_closed))
		return FS_CALL_IS_CLOSED;
	if (call->interruptions != NULL &&
		(atomic_load(call->interruptions) != call->interruptions_before || fs_check_interrupts(call)))
		return FS_CALL_IS_INTERRUPTED;
	return FS_CALL_GOES_ON;
}

fs_current_call *
fs_current_call_now(void)
{
	return fs_innermost;
}

fs_current_call *
fs_current_call_exchange(fs_current_call *call)
{
	fs_current_call *before = fs_innermost;

	fs_innermost = call;
	return before;
}
