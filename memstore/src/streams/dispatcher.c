/*
 * streams/dispatcher.c
 *		Reads new facts once for all waiting streams.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/current_call.h"
#include "base/threads.h"
#include "input/probe.h"
#include "results/error.h"
#include "streams/dispatcher.h"
#include "streams/stream.h"

/* How many batches to read at a time. */
#define FS_DISPATCHED_BATCHES 64

struct fs_dispatcher
{
	factstr_store *store;
	fs_query	everything;
	pthread_t	thread;
	atomic_bool stops;			/* read by a search without the mutex */

	pthread_mutex_t mutex;
	pthread_cond_t changed;		/* there is a first stream, or the thread is to stop */

	/* Guarded by mutex. */
	bool		has_thread;
	factstr_stream *waiting;
	uint64_t	position;		/* all waiting streams know everything up to here, or more */
	uint64_t	count;			/* of the hub, before the facts at the position were read */
};

fs_dispatcher *
fs_dispatcher_new(factstr_store *store)
{
	fs_dispatcher *dispatcher = calloc(1, sizeof(fs_dispatcher));
	factstr_error error;

	if (dispatcher == NULL || fs_query_parse(NULL, &dispatcher->everything, &error) != FACTSTR_OK)
	{
		free(dispatcher);
		return NULL;
	}
	dispatcher->store = store;
	if (fs_mutex_and_condition_init(&dispatcher->mutex, &dispatcher->changed))
		return dispatcher;
	fs_query_release(&dispatcher->everything);
	free(dispatcher);
	return NULL;
}

void
fs_dispatcher_free(fs_dispatcher *dispatcher)
{
	if (dispatcher == NULL)
		return;
	(void) pthread_cond_destroy(&dispatcher->changed);
	(void) pthread_mutex_destroy(&dispatcher->mutex);
	fs_query_release(&dispatcher->everything);
	free(dispatcher);
}

/*
 * Streams that wait, with the mutex held
 */

static void
fs_link(fs_dispatcher *dispatcher, factstr_stream *stream)
{
	stream->waiting_before = NULL;
	stream->waiting_after = dispatcher->waiting;
	if (dispatcher->waiting != NULL)
		dispatcher->waiting->waiting_before = stream;
	dispatcher->waiting = stream;
	stream->is_waiting = true;
}

static void
fs_unlink(fs_dispatcher *dispatcher, factstr_stream *stream)
{
	if (stream->waiting_before != NULL)
		stream->waiting_before->waiting_after = stream->waiting_after;
	else
		dispatcher->waiting = stream->waiting_after;
	if (stream->waiting_after != NULL)
		stream->waiting_after->waiting_before = stream->waiting_before;
	stream->is_waiting = false;
}

static void
fs_call(fs_dispatcher *dispatcher, factstr_stream *stream)
{
	fs_unlink(dispatcher, stream);
	fs_stream_call(stream);
}

static void
fs_call_all(fs_dispatcher *dispatcher)
{
	while (dispatcher->waiting != NULL)
		fs_call(dispatcher, dispatcher->waiting);
}

/*
 * Matching, with the mutex held
 */

static int
fs_match_fact(fs_dispatcher *dispatcher, const factstr_fact *fact, factstr_error *error)
{
	factstr_stream *stream = dispatcher->waiting;
	int			code = FACTSTR_OK;
	fs_probe	probe;

	fs_probe_begin(&probe, fact);
	while (stream != NULL && code == FACTSTR_OK)
	{
		factstr_stream *next = stream->waiting_after;
		bool		matches = false;

		if (fact->sequence_number > stream->searched)
			code = fs_probe_matches(&probe, &stream->query, &matches, error);
		if (matches && code == FACTSTR_OK)
			fs_call(dispatcher, stream);
		stream = next;
	}
	fs_probe_end(&probe);
	return code;
}

static int
fs_match_batches(fs_dispatcher *dispatcher, const fs_batch_list *batches, factstr_error *error)
{
	int			code = FACTSTR_OK;

	for (size_t i = 0; i < batches->count && code == FACTSTR_OK; i++)
	{
		const factstr_batch *batch = &batches->batches[i];

		for (size_t j = 0; j < batch->fact_count && code == FACTSTR_OK; j++)
			code = fs_match_fact(dispatcher, &batch->facts[j], error);
	}
	return code;
}

/* A batch that has not called a stream does not concern it; but its cursor may have to follow. */
static void
fs_pass(fs_dispatcher *dispatcher, uint64_t position)
{
	factstr_stream *stream = dispatcher->waiting;

	dispatcher->position = position;
	while (stream != NULL)
	{
		factstr_stream *next = stream->waiting_after;

		if (stream->searched < position)
		{
			stream->searched = position;
			if (stream->lease != NULL && !stream->looks_at_clock)
				fs_call(dispatcher, stream);
		}
		stream = next;
	}
}

/*
 * The thread
 */

/* Without the mutex.  The search ends when the dispatcher has to stop. */
static int
fs_read_batches(fs_dispatcher *dispatcher, uint64_t after, fs_batch_list *batches,
				uint64_t *searched, factstr_error *error)
{
	const factstr_store *store = dispatcher->store;
	fs_current_call search;
	int			code;

	fs_current_call_begin(&search, &dispatcher->stops, NULL);
	code = store->methods->batches(store->backend, &dispatcher->everything, after,
								   FS_DISPATCHED_BATCHES, batches, searched, error);
	fs_current_call_end(&search);
	return code;
}

/* With the mutex held, but not while it reads.  False if there is more to read. */
static bool
fs_dispatch_some(fs_dispatcher *dispatcher)
{
	uint64_t	position = dispatcher->position;
	fs_batch_list batches = {0};
	uint64_t	searched = 0;
	factstr_error error;
	bool		is_at_end;
	int			code;

	(void) pthread_mutex_unlock(&dispatcher->mutex);
	code = fs_read_batches(dispatcher, position, &batches, &searched, &error);
	(void) pthread_mutex_lock(&dispatcher->mutex);
	is_at_end = code != FACTSTR_OK || batches.count < FS_DISPATCHED_BATCHES;
	if (code == FACTSTR_OK)
		code = fs_match_batches(dispatcher, &batches, &error);
	if (code != FACTSTR_OK)
		fs_call_all(dispatcher);	/* each finds out why by itself, and pauses */
	else if (searched > position)
		fs_pass(dispatcher, searched);
	fs_batch_list_release(&batches);
	return is_at_end;
}

/* One stream is not worth another reader. */
static bool
fs_is_alone(const fs_dispatcher *dispatcher)
{
	return dispatcher->waiting != NULL && dispatcher->waiting->waiting_after == NULL;
}

/* With the mutex held: the hub has been woken since the last look. */
static void
fs_dispatch(fs_dispatcher *dispatcher)
{
	bool		is_at_end = false;

	dispatcher->count = fs_hub_count(dispatcher->store->hub);
	while (!is_at_end && dispatcher->waiting != NULL && !atomic_load(&dispatcher->stops))
	{
		if (fs_is_alone(dispatcher))
			fs_call_all(dispatcher);
		else
			is_at_end = fs_dispatch_some(dispatcher);
	}
}

static void *
fs_dispatcher_work(void *argument)
{
	fs_dispatcher *dispatcher = argument;

	(void) pthread_mutex_lock(&dispatcher->mutex);
	while (!atomic_load(&dispatcher->stops))
	{
		uint64_t	count = dispatcher->count;

		if (dispatcher->waiting == NULL)
		{
			(void) fs_condition_wait(&dispatcher->changed, &dispatcher->mutex, FS_NO_DEADLINE);
			continue;
		}
		(void) pthread_mutex_unlock(&dispatcher->mutex);
		fs_hub_wait(dispatcher->store->hub, count, -1);
		(void) pthread_mutex_lock(&dispatcher->mutex);
		fs_dispatch(dispatcher);
	}
	(void) pthread_mutex_unlock(&dispatcher->mutex);
	return NULL;
}

int
fs_dispatcher_start(fs_dispatcher *dispatcher, factstr_error *error)
{
	bool		is_started;

	(void) pthread_mutex_lock(&dispatcher->mutex);
	if (!dispatcher->has_thread)
		dispatcher->has_thread = fs_thread_start(&dispatcher->thread, fs_dispatcher_work, dispatcher);
	is_started = dispatcher->has_thread;
	(void) pthread_mutex_unlock(&dispatcher->mutex);
	return is_started ? FACTSTR_OK : fs_error(error, FACTSTR_NO_MEMORY, "cannot start a thread");
}

void
fs_dispatcher_stop(fs_dispatcher *dispatcher)
{
	bool		has_thread;

	(void) pthread_mutex_lock(&dispatcher->mutex);
	atomic_store(&dispatcher->stops, true);
	(void) pthread_cond_broadcast(&dispatcher->changed);
	has_thread = dispatcher->has_thread;
	(void) pthread_mutex_unlock(&dispatcher->mutex);
	if (!has_thread)
		return;
	fs_hub_wake(dispatcher->store->hub);
	(void) pthread_join(dispatcher->thread, NULL);
}

/*
 * The stream may not know the facts that the dispatcher has read while it looked, nor the reason why the hub was
 * woken; so it looks again, which brings it to the dispatcher's position.
 */
bool
fs_dispatcher_join(fs_dispatcher *dispatcher, factstr_stream *stream, uint64_t count)
{
	bool		may_wait;

	(void) pthread_mutex_lock(&dispatcher->mutex);
	may_wait = fs_hub_count(dispatcher->store->hub) == count &&
		(dispatcher->waiting == NULL || stream->position >= dispatcher->position);
	if (may_wait)
	{
		if (dispatcher->waiting == NULL)
		{
			dispatcher->position = stream->position;
			dispatcher->count = count;
			(void) pthread_cond_signal(&dispatcher->changed);
		}
		stream->searched = stream->position;
		fs_link(dispatcher, stream);
	}
	(void) pthread_mutex_unlock(&dispatcher->mutex);
	return may_wait;
}

/* With the mutex.  The position that it left with may be behind the dispatcher's. */
static void
fs_move_position(factstr_stream *stream)
{
	if (stream->is_waiting && stream->searched > stream->position)
		stream->position = stream->searched;
}

void
fs_dispatcher_follow(fs_dispatcher *dispatcher, factstr_stream *stream)
{
	(void) pthread_mutex_lock(&dispatcher->mutex);
	stream->looks_at_clock = false;
	fs_move_position(stream);
	(void) pthread_mutex_unlock(&dispatcher->mutex);
}

void
fs_dispatcher_leave(fs_dispatcher *dispatcher, factstr_stream *stream)
{
	(void) pthread_mutex_lock(&dispatcher->mutex);
	fs_move_position(stream);
	if (stream->is_waiting)
		fs_unlink(dispatcher, stream);
	(void) pthread_mutex_unlock(&dispatcher->mutex);
}
