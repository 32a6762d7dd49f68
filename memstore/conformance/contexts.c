/*
 * contexts.c
 *		Rule 38: contexts of handlers, which are given back.
 */
#include <stdlib.h>

#include "deliveries.h"

typedef struct owned_context
{
	fc_test    *test;
	factstr_stream *stream;
	struct owned_context *other;	/* whose stream the handler frees */
	pthread_barrier_t *meeting; /* of the handlers, before that; or NULL */
	int		   *destroyed;		/* with the test's lock held */
} owned_context;

static int
free_owned(const factstr_batch *batch, void *context, factstr_error *error)
{
	owned_context *own = context;

	(void) batch;
	(void) error;
	if (own->meeting != NULL)
		(void) pthread_barrier_wait(own->meeting);
	if (own->other != NULL)
		(void) factstr_stream_close(own->other->stream, -1);
	return 0;
}

static void
destroy_owned(void *context)
{
	owned_context *own = context;

	(void) pthread_mutex_lock(&own->test->lock);
	++*own->destroyed;
	(void) pthread_mutex_unlock(&own->test->lock);
}

static const factstr_stream_options owning = {.size = sizeof(owning), .destroy = destroy_owned};

/* A stream that a failed case has left uses its context until the store is closed. */
static void *
allocate_to_the_end(fc_test *test, size_t size)
{
	void	   *memory = calloc(1, size);

	if (memory == NULL)
		abort();
	fc_own_to_the_end(test, free, memory);
	return memory;
}

static owned_context *
subscribe_owned(fc_test *test, const char *name, int *destroyed)
{
	owned_context *own = allocate_to_the_end(test, sizeof(owned_context));
	factstr_error error;

	own->test = test;
	own->destroyed = destroyed;
	fc_expect_ok(test, "opening a stream",
				 factstr_stream_open(test->store, name, NULL, free_owned, own, &owning,
									 &own->stream, &error), &error);
	return own;
}

static int
count_destroyed(fc_test *test, const int *destroyed)
{
	int			count;

	(void) pthread_mutex_lock(&test->lock);
	count = *destroyed;
	(void) pthread_mutex_unlock(&test->lock);
	return count;
}

static void
contexts_are_given_back(fc_test *test)
{
	int		   *destroyed = allocate_to_the_end(test, sizeof(int));
	owned_context *live = subscribe_owned(test, NULL, destroyed);
	owned_context *durable = subscribe_owned(test, "s", destroyed);

	(void) fc_append_types(test, "a");
	factstr_stream_unsubscribe(live->stream);
	fc_expect_number(test, "given back by unsubscribing",
					 (uint64_t) count_destroyed(test, destroyed), 0);
	(void) factstr_stream_close(live->stream, -1);
	fc_expect_number(test, "given back by freeing", (uint64_t) count_destroyed(test, destroyed),
					 1);
	fc_close(test, test->store);
	fc_expect_number(test, "given back by closing", (uint64_t) count_destroyed(test, destroyed),
					 1);
	(void) factstr_stream_close(durable->stream, -1);
	fc_expect_number(test, "given back by freeing after that",
					 (uint64_t) count_destroyed(test, destroyed), 2);
}

static bool
both_are_destroyed(fc_test *test, void *destroyed)
{
	return count_destroyed(test, destroyed) == 2;
}

static void
contexts_outlive_handlers(fc_test *test)
{
	int		   *destroyed = allocate_to_the_end(test, sizeof(int));
	owned_context *one = subscribe_owned(test, NULL, destroyed);
	owned_context *two = subscribe_owned(test, NULL, destroyed);
	pthread_barrier_t *meeting = allocate_to_the_end(test, sizeof(pthread_barrier_t));

	(void) pthread_barrier_init(meeting, NULL, 2);
	one->meeting = two->meeting = meeting;
	one->other = two;
	two->other = one;
	(void) fc_append_types(test, "a");
	fc_expect(test, fc_comes_true(test, both_are_destroyed, destroyed),
			  "%d of 2 contexts are given back", count_destroyed(test, destroyed));
	fc_close(test, test->store);
	fc_expect_number(test, "given back at the end", (uint64_t) *destroyed, 2);
	(void) pthread_barrier_destroy(meeting);
}

static int
refuse_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	(void) context;
	(void) error;
	return 1;
}

static void
failed_calls_keep_contexts(fc_test *test)
{
	int		   *destroyed = allocate_to_the_end(test, sizeof(int));
	owned_context *own = fc_allocate(test, sizeof(owned_context));
	const char *other = fc_quote(test, FC_TYPE("b"));
	factstr_error error;

	own->test = test;
	own->destroyed = destroyed;
	(void) fc_append_types(test, "a");
	fc_expect_code(test, "a stream with a query that is none",
				   factstr_stream_open(test->store, NULL, "[]", free_owned, own,
									   &owning,
									   &own->stream, &error), &error, FACTSTR_MALFORMED);
	fc_expect_code(test, "a durable stream whose handler fails",
				   factstr_stream_open(test->store, "s", NULL, refuse_batch, own,
									   &owning,
									   &own->stream, &error), &error,
				   FACTSTR_HANDLER_FAILED);
	fc_expect_code(test, "a durable stream with another query",
				   factstr_stream_open(test->store, "s", other, free_owned, own,
									   &owning,
									   &own->stream, &error), &error,
				   FACTSTR_STREAM_QUERY_DIFFERS);
	fc_close(test, test->store);
	fc_expect_number(test, "given back by calls that failed", (uint64_t) *destroyed, 0);
}

const fc_case fc_context_cases[] = {
	{{"streams", "38", "a context is given back once, when its stream is freed"},
	0, contexts_are_given_back},
	{{"streams", "38", "a call that fails gives no context back"}, 0, failed_calls_keep_contexts},
	{{"streams", "21, 38", "handlers may free each other's streams"}, 0, contexts_outlive_handlers},
	{{NULL, NULL, NULL}, 0, NULL}
};
