/*
 * calls.c
 *		The calls of bench/compare in C.  Prints a line for each: its name, and calls or replayed facts per second.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "factstr.h"

static const factstr_event deposit = {.event_type = "money-deposited",
.payload = "{\"account\":\"A-1\",\"amount\":100,\"note\":\"a payment\"}"};
static const char *const context =
"{\"filters\":[{\"event_types\":[\"money-deposited\"],\"payload_predicates\":[{\"account\":\"B-2\"}]}]}";

/* The length of a slice in seconds: calls are timed together for this long, less than a time slice of the scheduler. */
#define SLICE 0.001

/* The number of facts that a replay reads. */
static uint64_t facts;

static void
check(int code, const factstr_error *error)
{
	if (code == FACTSTR_OK)
		return;
	fprintf(stderr, "%s\n", error->message);
	exit(1);
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void
append(factstr_store *store)
{
	factstr_error error = {0};

	check(factstr_append(store, &deposit, 1, NULL, NULL, &error), &error);
}

static void
decide(factstr_store *store)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_query_result *result;
	factstr_error error = {0};

	check(factstr_query(store, context, &result, &error), &error);
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = context;
	options.expected_context_version = result->current_context_version;
	factstr_query_result_free(result);
	check(factstr_append(store, &deposit, 1, &options, NULL, &error), &error);
}

/* Returns the rate of the fastest slice. */
static void
measure(const char *name, void (*call) (factstr_store *), factstr_store *store, double seconds, double each)
{
	double		start = now();
	double		fastest = 0;
	long		count = 1;

	while (now() - start < seconds)
	{
		double		before = now();
		double		elapsed;

		for (long i = 0; i < count; i++)
			call(store);
		elapsed = now() - before;
		if (elapsed < SLICE)
			count *= 2;
		else if ((double) count * each / elapsed > fastest)
			fastest = (double) count * each / elapsed;
	}
	printf("%s %f\n", name, fastest);
}

static void
fill(factstr_store *store, size_t count)
{
	factstr_event *events = calloc(count, sizeof(factstr_event));
	factstr_error error = {0};

	for (size_t i = 0; events != NULL && i < count; i++)
		events[i] = deposit;
	check(factstr_append(store, events, count, NULL, NULL, &error), &error);
	free(events);
}

static void
replay(factstr_store *store)
{
	factstr_read_options options = FACTSTR_READ_OPTIONS_INIT;
	factstr_error error = {0};
	factstr_cursor *cursor;
	const factstr_fact *fact;

	options.max_count = facts;
	check(factstr_read_open(store, NULL, &options, &cursor, &error), &error);
	do
		check(factstr_read_next(cursor, &fact, &error), &error);
	while (fact != NULL);
	factstr_read_close(cursor);
}

int
main(int argc, char **argv)
{
	factstr_store *store;
	factstr_error error = {0};
	double		seconds;

	if (argc != 4)
		return 2;
	seconds = atof(argv[2]);
	facts = (uint64_t) atol(argv[3]);
	check(factstr_open(argv[1], &store, &error), &error);
	measure("append", append, store, seconds, 1);
	measure("decide", decide, store, seconds, 1);
	fill(store, facts);
	measure("replay", replay, store, seconds, (double) facts);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return 0;
}
