/*
 * recorder.h
 *		A handler that writes down what it is given, for tests of streams.
 */
#ifndef FACTSTR_RECORDER_H
#define FACTSTR_RECORDER_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "factstr.h"

#include "threads.h"

/* How long a condition may take to come true.  In ms; no test is slow when it passes. */
#define PATIENCE 20000

typedef struct recording
{
	pthread_mutex_t mutex;
	char		log[4000];		/* "1-2(1,2) 3-3(3)": batches with the facts delivered */
	int			calls;
	int			failures_left;	/* so many calls fail; negative: all */
	pthread_t	thread;			/* of the last call */
	int			(*action) (struct recording *recorder, const factstr_batch *batch);

	/* For actions. */
	factstr_store *store;
	factstr_stream *stream;
	struct recording *other;
	int			result;
	bool		is_held;		/* the handler does not return until this is false */
} recording;

#define RECORDER_INIT {.mutex = PTHREAD_MUTEX_INITIALIZER}

static inline void
recorder_write(recording *recorder, const factstr_batch *batch)
{
	size_t		length = strlen(recorder->log);
	char	   *end = recorder->log + length;
	size_t		room = sizeof(recorder->log) - length;
	int			written;

	if (room < 200)
		return;
	written = snprintf(end, room, "%s%d-%d(", length > 0 ? " " : "",
					   (int) batch->first_sequence_number, (int) batch->last_sequence_number);
	for (size_t i = 0; i < batch->fact_count && room - (size_t) written > 30; i++)
		written += snprintf(end + written, room - (size_t) written, "%s%d", i > 0 ? "," : "",
							(int) batch->facts[i].sequence_number);
	(void) snprintf(end + written, room - (size_t) written, ")");
}

static inline bool
recorder_is_held(recording *recorder)
{
	bool		is_held;

	(void) pthread_mutex_lock(&recorder->mutex);
	is_held = recorder->is_held;
	(void) pthread_mutex_unlock(&recorder->mutex);
	return is_held;
}

static inline void
recorder_hold(recording *recorder, bool is_held)
{
	(void) pthread_mutex_lock(&recorder->mutex);
	recorder->is_held = is_held;
	(void) pthread_mutex_unlock(&recorder->mutex);
}

static inline int
record(const factstr_batch *batch, void *context)
{
	recording  *to = context;
	bool		fails;

	(void) pthread_mutex_lock(&to->mutex);
	to->calls++;
	to->thread = pthread_self();
	fails = to->failures_left != 0;
	if (to->failures_left > 0)
		to->failures_left--;
	if (!fails)
		recorder_write(to, batch);
	(void) pthread_mutex_unlock(&to->mutex);
	while (recorder_is_held(to))
		(void) usleep(200);
	if (fails)
		return 7;
	return to->action != NULL ? to->action(to, batch) : 0;
}

static inline int
recorder_read(recording *recorder, const int *number)
{
	int			value;

	(void) pthread_mutex_lock(&recorder->mutex);
	value = *number;
	(void) pthread_mutex_unlock(&recorder->mutex);
	return value;
}

static inline void
recorder_set(recording *recorder, int *number, int value)
{
	(void) pthread_mutex_lock(&recorder->mutex);
	*number = value;
	(void) pthread_mutex_unlock(&recorder->mutex);
}

static inline int
recorder_calls(recording *recorder)
{
	return recorder_read(recorder, &recorder->calls);
}

/* What an action found, for the thread of the test. */
static inline int
recorder_result(recording *recorder)
{
	return recorder_read(recorder, &recorder->result);
}

static inline void
recorder_set_result(recording *recorder, int result)
{
	recorder_set(recorder, &recorder->result, result);
}

static inline void
recorder_fail(recording *recorder, int failures)
{
	recorder_set(recorder, &recorder->failures_left, failures);
}

/* Polls until the condition holds; false if it takes too long. */
#define AWAIT(condition) \
	({ \
		int64_t		await_deadline = fs_deadline(PATIENCE); \
		bool		await_holds; \
		while (!(await_holds = (condition)) && fs_time_left(await_deadline) > 0) \
			(void) usleep(500); \
		await_holds; \
	})

static inline bool
await_calls(recording *recorder, int calls)
{
	return AWAIT(recorder_calls(recorder) >= calls);
}

/* Waits until the log is this, and says what it is if it never is. */
static inline bool
recorder_log_is(recording *recorder, const char *log)
{
	bool		same;

	(void) pthread_mutex_lock(&recorder->mutex);
	same = strcmp(recorder->log, log) == 0;
	(void) pthread_mutex_unlock(&recorder->mutex);
	return same;
}

static inline bool
await_log(recording *recorder, const char *log)
{
	bool		same = AWAIT(recorder_log_is(recorder, log));

	if (!same)
		printf("# delivered %s\n", recorder->log);
	return same;
}

/* Appends a batch of so many facts of one type. */
static inline int
append_facts(factstr_store *store, const char *event_type, size_t count)
{
	factstr_event events[100];

	for (size_t i = 0; i < count; i++)
		events[i] = (factstr_event) {.event_type = event_type, .payload = "{}"};
	return factstr_append(store, events, count, NULL, NULL, NULL);
}

#endif							/* FACTSTR_RECORDER_H */
