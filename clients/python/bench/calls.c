/*
 * calls.c
 *		The calls of bench/compare, in C: a line with a name and calls per second for each.
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

static void
measure(const char *name, void (*call) (factstr_store *), factstr_store *store, double seconds)
{
	double		start = now();
	long		count = 0;

	for (; now() - start < seconds; count++)
		call(store);
	printf("%s %f\n", name, (double) count / (now() - start));
}

static void
replay(factstr_store *store, long count)
{
	factstr_read_options options = FACTSTR_READ_OPTIONS_INIT;
	factstr_error error = {0};
	factstr_cursor *cursor;
	const factstr_fact *fact;
	double		start = now();

	options.max_count = (uint64_t) count;
	check(factstr_read_open(store, NULL, &options, &cursor, &error), &error);
	do
		check(factstr_read_next(cursor, &fact, &error), &error);
	while (fact != NULL);
	factstr_read_close(cursor);
	printf("replay %f\n", (double) count / (now() - start));
}

int
main(int argc, char **argv)
{
	factstr_store *store;
	factstr_error error = {0};

	if (argc != 4)
		return 2;
	check(factstr_open(argv[1], &store, &error), &error);
	measure("append", append, store, atof(argv[2]));
	measure("decide", decide, store, atof(argv[2]));
	for (long i = 0; i < atol(argv[3]); i++)
		append(store);
	replay(store, atol(argv[3]));
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return 0;
}
