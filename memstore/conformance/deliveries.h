/*
 * deliveries.h
 *		Streams of a test, and their deliveries.
 */
#ifndef FACTSTR_CONFORMANCE_DELIVERIES_H
#define FACTSTR_CONFORMANCE_DELIVERIES_H

#include "harness.h"

/* One call of the handler. */
typedef struct fc_delivery
{
	uint64_t	first_sequence_number;
	uint64_t	last_sequence_number;
	size_t		fact_count;
	factstr_fact *facts;		/* copies */
	bool		failed;
	int64_t		began_at;		/* monotonic, in microseconds */
	bool		in_main_thread;
} fc_delivery;

/*
 * A handler with a memory.  Settings are made before the stream is opened, or with the test's lock
 * held; the rest is read with the lock held, or through the functions below.
 */
typedef struct fc_collector
{
	fc_test    *test;
	factstr_stream *stream;

	/* Settings */
	uint64_t	fails_at;		/* fails with the batch that ends with this number */
	int			failures;		/* so many times */
	bool		holds;			/* stays in the handler until it is released */
	/* Called for each batch that is not to fail by itself; or NULL. */
	int			(*then) (struct fc_collector *collector, const factstr_batch *batch);
	void	   *context;		/* for that */

	/* The events so far */
	int			running;		/* calls that have not returned */
	size_t		count;
	fc_delivery *deliveries;
} fc_collector;

fc_collector *fc_collector_new(fc_test *test);

/* The handler; its context is the collector. */
int			fc_collect(const factstr_batch *batch, void *context, factstr_error *error);

/*
 * Opens a stream with a new collector, and expects that to succeed.  A NULL query: every
 * fact.
 */
fc_collector *fc_subscribe(fc_test *test, const char *query);
fc_collector *fc_subscribe_durable(fc_test *test, const char *name, const char *query);

/* The same, waiting for another consumer of the name to leave. */
fc_collector *fc_subscribe_next(fc_test *test, const char *name, const char *query);

/* The same with an existing collector, on any handle; returns the library's code. */
int			fc_open_stream(fc_collector *collector, factstr_store *store, const char *query,
						   factstr_error *error);
int			fc_open_durable(fc_collector *collector, factstr_store *store, const char *name,
							const char *query, const factstr_stream_options *options,
							factstr_error *error);

/* Unsubscribes and frees the stream, so that nothing more comes. */
void		fc_end_stream(fc_collector *collector);

/*
 * Waits until the handler was called as often as the text says, and compares: "1-3: 1 3; 4-4: 4
 * failed; 4-4: 4".  An empty text is compared at once.
 */
void		fc_expect_deliveries(fc_collector *collector, const char *expected);

/* Waits until the handler was called, and is held. */
void		fc_expect_running(fc_collector *collector);
void		fc_let_go(fc_collector *collector);

/* Waits until so many calls have ended. */
void		fc_await_deliveries(fc_collector *collector, size_t count);

/* One of the calls that have ended.  Its pointers stay valid until the case is over. */
fc_delivery fc_delivery_at(fc_collector *collector, size_t i);

/* The deliveries until now, in that form. */
char	   *fc_deliveries_text(fc_collector *collector);

/* A durable stream's status; and waiting for its cursor. */
const factstr_stream_status *fc_status(fc_test *test, const char *name);
void		fc_expect_cursor(fc_test *test, const char *name, uint64_t cursor);
void		fc_await_cursor(fc_test *test, const char *name, uint64_t cursor);

/* Waits until a stream's state is this code. */
void		fc_await_state(fc_collector *collector, int code);

#endif							/* FACTSTR_CONFORMANCE_DELIVERIES_H */
