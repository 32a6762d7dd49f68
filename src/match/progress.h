/*
 * match/progress.h
 *		Whether matching may continue.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * Steps of long loops are counted.  After a number of steps, the call checks whether it must end.  If so, matching
 * gives up: it makes no more steps, and checks no more.
 */
#ifndef FACTSTR_PROGRESS_H
#define FACTSTR_PROGRESS_H

#include "match/json_value.h"

#define FS_STEPS_BETWEEN_LOOKS 1024

typedef struct fs_progress
{
	unsigned int steps_left;	/* until the next look; none after giving up */
	fs_completion completion;
} fs_progress;

static inline void
fs_progress_begin(fs_progress *progress)
{
	progress->steps_left = FS_STEPS_BETWEEN_LOOKS;
	progress->completion = FS_COMPLETED;
}

/* Returns false. */
static inline bool
fs_give_up(fs_progress *progress, fs_completion completion)
{
	progress->steps_left = 0;
	progress->completion = completion;
	return false;
}

static bool
fs_look_up(fs_progress *progress)
{
	if (progress->completion != FS_COMPLETED)
		return false;
	if (fs_interrupted())
		return fs_give_up(progress, FS_INTERRUPTED);
	progress->steps_left = FS_STEPS_BETWEEN_LOOKS;
	return true;
}

/* May a step be made? */
static inline bool
fs_may_go_on(fs_progress *progress)
{
	if (progress->steps_left == 0)
		return fs_look_up(progress);
	progress->steps_left--;
	return true;
}

#endif							/* FACTSTR_PROGRESS_H */
