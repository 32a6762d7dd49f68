/*
 * memory.c
 *		The cost of the memory store's calls, through the public functions.
 *
 *		memory [FACTS [CALLS]]
 *
 * Loads a store with FACTS facts (a million if not given) in batches of 10, ten facts to an
 * account, and then makes CALLS calls of each kind on accounts chosen at random.  Times are of the
 * processor, so that other programs on the machine are not in them; making texts is not counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "factstr.h"

#include "measuring.h"

#define BATCH 10
#define TEXT_SIZE 300

typedef struct benchmark
{
	factstr_store *store;
	size_t		facts;
	size_t		calls;
	size_t		accounts;
	uint64_t   *versions;		/* of each account's context */
	unsigned	seed;
} benchmark;

static double
now(void)
{
	return seconds_on(CLOCK_THREAD_CPUTIME_ID);
}

/* The size of the process in memory. */
static double
resident_bytes(void)
{
	FILE	   *file = fopen("/proc/self/statm", "r");
	unsigned long total;
	unsigned long resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	(void) fclose(file);
	return (double) resident * (double) sysconf(_SC_PAGESIZE);
}

static size_t
pick(benchmark *bench, size_t count)
{
	return (size_t) rand_r(&bench->seed) % count;
}

static void
make_payload(benchmark *bench, char *payload, size_t account)
{
	(void) snprintf(payload, TEXT_SIZE,
					"{\"account\": \"A-%zu\", \"amount\": %zu, \"currency\": \"EUR\", "
					"\"customer\": {\"tier\": \"gold\"}}",
					account, pick(bench, 10000));
}

static void
make_context(char *context, size_t account)
{
	(void) snprintf(context, TEXT_SIZE,
					"{\"filters\": [{\"event_types\": [\"account-opened\", \"money-deposited\"], "
					"\"payload_predicates\": [{\"account\": \"A-%zu\"}]}]}", account);
}

static void
report(const char *what, double seconds, size_t count)
{
	printf("%-44s %10.0f /s %8.2f us\n", what, (double) count / seconds,
		   seconds / (double) count * 1e6);
}

static void
load(benchmark *bench)
{
	char		payloads[BATCH][TEXT_SIZE];
	factstr_event events[BATCH];
	factstr_append_result result;
	factstr_error error;
	double		before = resident_bytes();
	double		seconds = 0;

	for (size_t done = 0; done < bench->facts; done += BATCH)
	{
		double		start;

		for (size_t i = 0; i < BATCH; i++)
		{
			size_t		account = (done + i) * 7919 % bench->accounts;

			make_payload(bench, payloads[i], account);
			events[i] = (factstr_event) {
				.event_type = i == 0 ? "account-opened" : "money-deposited",
				.payload = payloads[i]
			};
			bench->versions[account] = done + i + 1;
		}
		start = now();
		if (factstr_append(bench->store, events, BATCH, NULL, &result, &error) != FACTSTR_OK)
			give_up("append", error.message);
		seconds += now() - start;
	}
	report("append, batches of 10, by fact", seconds, bench->facts);
	printf("%-44s %10.0f bytes\n", "memory, by fact",
		   (resident_bytes() - before) / (double) bench->facts);
}

static void
append_if(benchmark *bench, size_t account, const char *context)
{
	char		payload[TEXT_SIZE];
	factstr_event event = {.event_type = "money-deposited", .payload = payload};
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;

	make_payload(bench, payload, account);
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = context;
	options.expected_context_version = bench->versions[account];
	if (factstr_append(bench->store, &event, 1, &options, &result, &error) != FACTSTR_OK)
		give_up("append_if", error.message);
	bench->versions[account] = result.last_sequence_number;
}

static void
query(benchmark *bench, size_t account, const char *context)
{
	factstr_query_result *result;
	factstr_error error;

	if (factstr_query(bench->store, context, &result, &error) != FACTSTR_OK)
		give_up("query", error.message);
	if (result->current_context_version != bench->versions[account])
		give_up("query", "another version than expected");
	factstr_query_result_free(result);
}

static void
decide(benchmark *bench, size_t account, const char *context)
{
	query(bench, account, context);
	append_if(bench, account, context);
}

static void
context_version(benchmark *bench, size_t account, const char *context)
{
	uint64_t	version;
	factstr_error error;

	if (factstr_context_version(bench->store, context, &version, &error) != FACTSTR_OK)
		give_up("context_version", error.message);
	if (version != bench->versions[account])
		give_up("context_version", "another version than expected");
}

static void
measure(benchmark *bench, const char *what,
		void (*call) (benchmark *bench, size_t account, const char *context))
{
	double		seconds = 0;

	for (size_t i = 0; i < bench->calls; i++)
	{
		char		context[TEXT_SIZE];
		size_t		account = pick(bench, bench->accounts);
		double		start;

		make_context(context, account);
		start = now();
		call(bench, account, context);
		seconds += now() - start;
	}
	report(what, seconds, bench->calls);
}

/* Reads with a cursor to its end. */
static void
read_all(benchmark *bench, const char *what, const char *event_query)
{
	factstr_cursor *cursor;
	const factstr_fact *fact;
	factstr_error error;
	size_t		count = 0;
	double		start = now();

	if (factstr_read_open(bench->store, event_query, NULL, &cursor, &error) != FACTSTR_OK)
		give_up("read_open", error.message);
	do
	{
		if (factstr_read_next(cursor, &fact, &error) != FACTSTR_OK)
			give_up("read_next", error.message);
		count++;
	}
	while (fact != NULL);
	factstr_read_close(cursor);
	report(what, now() - start, count - 1);
}

int
main(int argc, char **argv)
{
	benchmark	bench = {.seed = 1};
	factstr_error error;

	bench.facts = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	bench.calls = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	bench.accounts = bench.facts / 10 + 1;
	bench.versions = calloc(bench.accounts, sizeof(uint64_t));
	if (bench.versions == NULL || factstr_open("memory:", &bench.store, &error) != FACTSTR_OK)
		give_up("open", "no store");

	load(&bench);
	measure(&bench, "append_if, a context of 10", append_if);
	measure(&bench, "query, a context of 10", query);
	measure(&bench, "query, then append_if", decide);
	measure(&bench, "context_version", context_version);
	read_all(&bench, "read, all", NULL);
	read_all(&bench, "read, a type", "{\"filters\": [{\"event_types\": [\"account-opened\"]}]}");
	read_all(&bench, "read, a common predicate",
			 "{\"filters\": [{\"payload_predicates\": [{\"currency\": \"EUR\"}]}]}");
	(void) factstr_close(bench.store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(bench.versions);
	return 0;
}
