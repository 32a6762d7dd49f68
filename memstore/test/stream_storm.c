/*
 * stream_storm.c
 *		Consumers of one durable stream take it from each other, fail and end, while facts are
 *		appended: each batch is handled once, in order, by one of them at a time.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/await.h"
#include "lib/stores.h"

#define CONSUMERS 3
#define OPENINGS 25
#define APPENDERS 2
#define BATCHES 400

static factstr_store *store;

/* Written by handlers only, and by one at a time, if all is well. */
static uint64_t last_handled;
static atomic_int running;
static atomic_int calls;
static atomic_bool is_wrong;

static int
handle(const factstr_batch *batch, void *context, factstr_error *error)
{
	atomic_int *handled = context;
	bool		fails = atomic_fetch_add(&calls, 1) % 97 == 50;

	(void) error;
	if (atomic_fetch_add(&running, 1) != 0 || batch->first_sequence_number != last_handled + 1)
		atomic_store(&is_wrong, true);
	if (!fails)
		last_handled = batch->last_sequence_number;
	(void) atomic_fetch_sub(&running, 1);
	(void) atomic_fetch_add(handled, 1);
	return fails;
}

/* A failure in the replay fails the call, and is as good as any. */
static void *
consume(void *unused)
{
	factstr_stream_options options = {.size = sizeof(options), .timeout_ms = -1};

	for (int i = 0; i < OPENINGS; i++)
	{
		factstr_stream *stream;
		atomic_int	handled = 0;
		int			code = factstr_stream_open(store, "s", NULL, handle, &handled, &options,
											   &stream, NULL);

		if (code != FACTSTR_OK && code != FACTSTR_HANDLER_FAILED)
			atomic_store(&is_wrong, true);
		for (int j = 0; j < 20 && stream != NULL && atomic_load(&handled) < i; j++)
			(void) usleep(500);
		if (i % 2 == 0)
			factstr_stream_unsubscribe(stream);
		(void) factstr_stream_close(stream, -1);
	}
	return unused;
}

static void *
append(void *unused)
{
	for (size_t i = 0; i < BATCHES; i++)
	{
		(void) store_append_batch(store, "a", 1 + i % 4);
		if (i % 8 == 0)
			(void) usleep(1000);
	}
	return unused;
}

int
main(void)
{
	pthread_t	threads[CONSUMERS + APPENDERS];
	factstr_stream *stream = NULL;
	atomic_int	handled = 0;
	factstr_error error;
	int			code;

	store = store_open("memory:");
	for (int i = 0; i < CONSUMERS + APPENDERS; i++)
		(void) pthread_create(&threads[i], NULL, i < CONSUMERS ? consume : append, NULL);
	for (int i = 0; i < CONSUMERS + APPENDERS; i++)
		(void) pthread_join(threads[i], NULL);
	do
		code = factstr_stream_open(store, "s", NULL, handle, &handled, NULL, &stream, &error);
	while (code == FACTSTR_HANDLER_FAILED);
	ok_code(code, FACTSTR_OK, &error, "in the end the stream has no failure left");
	ok(!atomic_load(&is_wrong), "no batch is handled twice, too early or at the same time");
	ok_int((int64_t) store_head(store), APPENDERS * BATCHES / 4 * 10, "all is appended");
	ok_int((int64_t) last_handled, (int64_t) store_head(store), "and no batch is left out");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_stream_close(stream, -1);
	return tap_finish();
}
