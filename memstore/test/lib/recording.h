/*
 * recording.h
 *		A handler that records its deliveries, for tests of streams.
 */
#ifndef FACTSTR_TEST_RECORDING_H
#define FACTSTR_TEST_RECORDING_H

#include <pthread.h>

#include "factstr.h"

#include "await.h"

typedef struct recording
{
	pthread_mutex_t mutex;
	char		log[4000];		/* "1-2(1,2) 3-3(3)": batches with the facts delivered */
	int			calls;
	int			failures_left;	/* so many calls fail; negative: all */
	pthread_t	thread;			/* of the last call */
	int			(*action) (struct recording *self, const factstr_batch *batch);

	/* For actions. */
	factstr_store *store;
	factstr_stream *stream;
	struct recording *other;
	int			result;			/* the findings of the action, for the thread of the test */
	bool		is_held;		/* the handler does not return until this is false */
} recording;

#define RECORDING_INIT {.mutex = PTHREAD_MUTEX_INITIALIZER}

/* The handlers; context is the recording.  The second keeps the last text that it was given. */
int			recording_handler(const factstr_batch *batch, void *context, factstr_error *error);
int			recording_json_handler(const char *delivery, void *context, factstr_error *error);

/* Actions: the handler unsubscribes, or frees, its own stream. */
int			recording_unsubscribes(recording *self, const factstr_batch *batch);
int			recording_frees(recording *self, const factstr_batch *batch);

/* While threads may be running. */
int			recording_calls(recording *self);
int			recording_result(recording *self);
void		recording_set_result(recording *self, int result);
void		recording_fail(recording *self, int failures);
void		recording_hold(recording *self, bool is_held);

bool		recording_await_calls(recording *self, int calls);

/* Is the log this: soon, or now? */
bool		ok_recorded(recording *self, const char *log, const char *name,...) TAP_FORMAT(3, 4);
bool		ok_recorded_now(recording *self, const char *log, const char *name,...)
			TAP_FORMAT(3, 4);

#endif							/* FACTSTR_TEST_RECORDING_H */
