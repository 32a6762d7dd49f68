/*
 * calls.c
 *		The calls of bench/run.js, made in C.
 *
 *		calls URL CALLS
 *
 * Prints a line for each kind of call: its name, and calls per second.
 */
#include <factstr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FACTS_OF_ACCOUNT 10
#define TEXT_SIZE 200

static factstr_error error;

static void
check(int code)
{
	if (code == FACTSTR_OK)
		return;
	fprintf(stderr, "calls: %s\n", error.message);
	exit(1);
}

/* In memory, time of the processor, so that other programs on the machine do not count. */
static clockid_t used_clock = CLOCK_MONOTONIC;

static double
now(void)
{
	struct timespec time;

	clock_gettime(used_clock, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void
report(const char *name, long count, double start)
{
	printf("%s %.0f\n", name, (double) count / (now() - start));
}

static void
append(factstr_store *store, long i, const factstr_append_options *options)
{
	char		payload[TEXT_SIZE];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};

	snprintf(payload, sizeof(payload), "{\"account\": \"A-%ld\", \"amount\": %ld}", i / FACTS_OF_ACCOUNT, i);
	check(factstr_append(store, &event, 1, options, NULL, &error));
}

static void
decide(factstr_store *store, long i)
{
	char		query[TEXT_SIZE];
	factstr_query_result *result;
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;

	snprintf(query, sizeof(query), "{\"filters\": [{\"payload_predicates\": [{\"account\": \"A-%ld\"}]}]}",
			 i / FACTS_OF_ACCOUNT);
	check(factstr_query(store, query, &result, &error));
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = query;
	options.expected_context_version = result->current_context_version;
	append(store, i, &options);
	factstr_query_result_free(result);
}

static void
replay(factstr_store *store)
{
	factstr_query_result *result;
	double		start = now();

	check(factstr_query(store, NULL, &result, &error));
	report("replay", (long) result->fact_count, start);
	factstr_query_result_free(result);
}

int
main(int argc, char **argv)
{
	long		calls = argc > 2 ? atol(argv[2]) : 1000;
	factstr_store *store;
	double		start;

	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "memory:") == 0)
		used_clock = CLOCK_PROCESS_CPUTIME_ID;
	check(factstr_open(argv[1], &store, &error));
	start = now();
	for (long i = 0; i < calls; i++)
		append(store, i, NULL);
	report("append", calls, start);
	start = now();
	for (long i = 0; i < calls; i++)
		decide(store, i);
	report("decide", calls, start);
	replay(store);
	check(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS));
	return 0;
}
