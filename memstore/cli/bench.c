/*
 * bench.c
 *		factstr bench: the speed of the store at a URL.
 *
 * Each measurement is a number of equal calls, spread over threads that share the store.  A thread
 * has its own accounts, so that conditional appends do not conflict.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "messages.h"
#include "options.h"
#include "output.h"
#include "query_options.h"
#include "store.h"
#include "text.h"

#define CLI_ACCOUNTS 100		/* a thread */
#define CLI_BATCH_EVENTS 100	/* in a batch of many */
#define CLI_MAX_THREADS 256

static const char cli_usage[] =
	"usage: factstr bench [OPTION]...\n"
	"\n"
	"Measures appends, conditional appends, queries and reads, and prints a table. The\n"
	"store must be empty, and contains generated facts afterwards.\n"
	"\n"
	"  -n, --facts N          facts per measurement of appends, 10000 by default\n"
	"  -c, --threads N        concurrent callers, 4 by default\n"
	CLI_COMMON_HELP;

/* One thread of a measurement. */
typedef struct cli_caller
{
	factstr_store *store;
	int			number;
	uint64_t	calls;
	uint64_t	facts;			/* the facts that its calls have appended or returned */
	int64_t    *latencies;		/* of each call, in ns */
	uint64_t	versions[CLI_ACCOUNTS]; /* of the accounts' contexts */
	int			code;
	factstr_error error;
	const struct cli_measurement *measurement;
} cli_caller;

typedef struct cli_measurement
{
	const char *name;
	int			(*call) (cli_caller *caller, uint64_t i);
	bool		concurrent;
	uint64_t	facts_a_call;	/* how many calls a number of facts is */
} cli_measurement;

static int64_t
cli_nanoseconds(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
cli_write_payload(const cli_caller *caller, uint64_t i, char *text, size_t size)
{
	(void) snprintf(text, size, "{\"account\": \"A-%d-%d\", \"amount\": %d, \"currency\": \"EUR\"}",
					caller->number, (int) (i % CLI_ACCOUNTS), (int) (i % 997));
}

static void
cli_write_query(const cli_caller *caller, uint64_t i, char *text, size_t size)
{
	(void) snprintf(text, size,
					"{\"filters\": [{\"event_types\": [\"money-deposited\", \"money-withdrawn\"], "
					"\"payload_predicates\": [{\"account\": \"A-%d-%d\"}]}]}",
					caller->number, (int) (i % CLI_ACCOUNTS));
}

static const char *
cli_event_type(uint64_t i)
{
	return i % 3 == 2 ? "money-withdrawn" : "money-deposited";
}

static int
cli_call_append(cli_caller *caller, uint64_t i)
{
	char		payload[128];
	factstr_event event = {.event_type = cli_event_type(i), .payload = payload};
	factstr_append_result result;

	cli_write_payload(caller, i, payload, sizeof(payload));
	caller->facts++;
	return factstr_append(caller->store, &event, 1, NULL, &result, &caller->error);
}

static int
cli_call_append_many(cli_caller *caller, uint64_t i)
{
	static char payloads[CLI_BATCH_EVENTS][128];	/* one thread does this */
	factstr_event events[CLI_BATCH_EVENTS];
	factstr_append_result result;

	for (uint64_t j = 0; j < CLI_BATCH_EVENTS; j++)
	{
		cli_write_payload(caller, i + j, payloads[j], sizeof(payloads[j]));
		events[j] = (factstr_event) {.event_type = cli_event_type(j), .payload = payloads[j]};
	}
	caller->facts += CLI_BATCH_EVENTS;
	return factstr_append(caller->store, events, CLI_BATCH_EVENTS, NULL, &result, &caller->error);
}

static int
cli_call_append_if(cli_caller *caller, uint64_t i)
{
	char		payload[128];
	char		query[256];
	uint64_t   *version = &caller->versions[i % CLI_ACCOUNTS];
	factstr_event event = {.event_type = cli_event_type(i), .payload = payload};
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	int			code = FACTSTR_OK;

	cli_write_payload(caller, i, payload, sizeof(payload));
	cli_write_query(caller, i, query, sizeof(query));
	if (*version == 0)
		code = factstr_context_version(caller->store, query, version, &caller->error);
	options.condition = FACTSTR_APPEND_IF;
	options.context_query = query;
	options.expected_context_version = *version;
	if (code == FACTSTR_OK)
		code = factstr_append(caller->store, &event, 1, &options, &result, &caller->error);
	if (code != FACTSTR_OK)
		return code;
	*version = result.last_sequence_number;
	caller->facts++;
	return FACTSTR_OK;
}

static int
cli_call_version(cli_caller *caller, uint64_t i)
{
	char		query[256];
	uint64_t	version;

	cli_write_query(caller, i, query, sizeof(query));
	return factstr_context_version(caller->store, query, &version, &caller->error);
}

static int
cli_call_query(cli_caller *caller, uint64_t i)
{
	char		query[256];
	factstr_query_result *result;
	int			code;

	cli_write_query(caller, i, query, sizeof(query));
	code = factstr_query(caller->store, query, &result, &caller->error);
	if (code != FACTSTR_OK)
		return code;
	caller->facts += result->fact_count;
	factstr_query_result_free(result);
	return FACTSTR_OK;
}

/* The whole log, once. */
static int
cli_call_read(cli_caller *caller, uint64_t i)
{
	factstr_cursor *cursor;
	const factstr_fact *fact = NULL;
	int			code = factstr_read_open(caller->store, NULL, NULL, &cursor, &caller->error);

	(void) i;
	if (code != FACTSTR_OK)
		return code;
	while ((code = factstr_read_next(cursor, &fact, &caller->error)) == FACTSTR_OK && fact != NULL)
		caller->facts++;
	factstr_read_close(cursor);
	return code;
}

static const cli_measurement cli_measurements[] = {
	{"append, 1 event", cli_call_append, false, 1},
	{"append, 1 event", cli_call_append, true, 1},
	{"append, 100 events", cli_call_append_many, false, CLI_BATCH_EVENTS},
	{"append_if, 1 event", cli_call_append_if, true, 1},
	{"context_version", cli_call_version, true, 1},
	{"query", cli_call_query, true, 1},
	{"read everything", cli_call_read, false, 0},
};

static void *
cli_make_calls(void *argument)
{
	cli_caller *caller = argument;
	int64_t		before = cli_nanoseconds();

	for (uint64_t i = 0; caller->code == FACTSTR_OK && i < caller->calls; i++)
	{
		int64_t		after;

		caller->code = caller->measurement->call(caller, i);
		after = cli_nanoseconds();
		caller->latencies[i] = after - before;
		before = after;
	}
	return NULL;
}

static int
cli_compare_latencies(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void
cli_add_latency(cli_table *table, int64_t nanoseconds)
{
	char		text[CLI_DURATION_SIZE];

	cli_table_add(table, cli_format_duration((nanoseconds + 500) / 1000, text));
}

/* Adds a row; latencies are sorted by it. */
static void
cli_add_row(cli_table *table, const cli_measurement *measurement, int threads, uint64_t calls,
			uint64_t facts, int64_t *latencies, int64_t nanoseconds)
{
	double		seconds = (double) nanoseconds / 1e9;

	qsort(latencies, calls, sizeof(int64_t), cli_compare_latencies);
	cli_table_add(table, measurement->name);
	cli_table_add_count(table, (uint64_t) threads);
	cli_table_add_count(table, calls);
	cli_table_add_count(table, (uint64_t) ((double) calls / seconds));
	if (facts > 0)
		cli_table_add_count(table, (uint64_t) ((double) facts / seconds));
	else
		cli_table_add(table, "-");
	cli_add_latency(table, latencies[calls / 2]);
	cli_add_latency(table, latencies[calls - 1 - calls / 100]);
	cli_add_latency(table, latencies[calls - 1]);
}

/* Runs the callers to their end.  Returns how many could be started. */
static int
cli_run_callers(cli_caller *callers, int threads)
{
	pthread_t	ids[CLI_MAX_THREADS];
	int			started = 0;

	while (started < threads &&
		   pthread_create(&ids[started], NULL, cli_make_calls, &callers[started]) == 0)
		started++;
	for (int i = 0; i < started; i++)
		(void) pthread_join(ids[i], NULL);
	return started;
}

/* callers has room for the maximum number, and they keep their state between measurements. */
static cli_status
cli_measure(const cli_measurement *measurement, cli_caller *callers, int threads, uint64_t calls,
			cli_table *table)
{
	uint64_t	calls_each = (calls + (uint64_t) threads - 1) / (uint64_t) threads;
	int64_t    *latencies = malloc(calls_each * (uint64_t) threads * sizeof(int64_t));
	int64_t		start = cli_nanoseconds();
	uint64_t	facts = 0;
	cli_status	status = CLI_DONE;

	if (latencies == NULL)
		return cli_fail_no_memory();
	for (int i = 0; i < threads; i++)
	{
		callers[i].measurement = measurement;
		callers[i].calls = calls_each;
		callers[i].facts = 0;
		callers[i].latencies = latencies + calls_each * (uint64_t) i;
	}
	if (cli_run_callers(callers, threads) < threads)
		status = cli_fail_with("cannot start %d threads", threads);
	for (int i = 0; status == CLI_DONE && i < threads; i++)
	{
		facts += callers[i].facts;
		if (callers[i].code != FACTSTR_OK)
			status = cli_fail(&callers[i].error);
	}
	if (status == CLI_DONE)
		cli_add_row(table, measurement, threads, calls_each * (uint64_t) threads, facts, latencies,
					cli_nanoseconds() - start);
	free(latencies);
	return status;
}

static cli_status
cli_measure_all(factstr_store *store, uint64_t facts, int threads)
{
	static const char *const head[] = {
		"OPERATION", "THREADS", "CALLS", "CALLS/S", "FACTS/S", "MEDIAN", "99 %", "SLOWEST"
	};
	cli_table	table = {.alignment = "lrrrrrrr"};
	cli_caller *callers = calloc((size_t) threads, sizeof(cli_caller));
	cli_status	status = callers != NULL ? CLI_DONE : cli_fail_no_memory();

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		cli_table_add(&table, head[i]);
	for (int i = 0; status == CLI_DONE && i < threads; i++)
	{
		callers[i].store = store;
		callers[i].number = i;
	}
	for (size_t i = 0; status == CLI_DONE &&
		 i < sizeof(cli_measurements) / sizeof(cli_measurements[0]); i++)
	{
		const cli_measurement *measurement = &cli_measurements[i];
		uint64_t	calls = measurement->facts_a_call == 0 ? 1 : facts / measurement->facts_a_call;

		status = cli_measure(measurement, callers, measurement->concurrent ? threads : 1,
							 calls > 0 ? calls : 1, &table);
	}
	free(callers);
	return cli_table_print(&table) || status != CLI_DONE ? status : cli_fail_no_memory();
}

static cli_status
cli_bench_store(factstr_store *store, uint64_t facts, int threads)
{
	factstr_error error;
	uint64_t	version;

	if (factstr_context_version(store, NULL, &version, &error) != FACTSTR_OK)
		return cli_fail(&error);
	if (version > 0)
	{
		(void) cli_fail_with("the store is not empty");
		cli_hint("A benchmark fills it with generated facts: use a new file or database.");
		return CLI_FAILED;
	}
	return cli_measure_all(store, facts, threads);
}

static cli_status
cli_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"facts", required_argument, NULL, 'n'},
		{"threads", required_argument, NULL, 'c'},
		CLI_COMMON_OPTIONS
	};
	uint64_t	facts = 10000;
	int			threads = 4;
	factstr_store *store;
	cli_status	status;
	int			option;

	while ((option = cli_next_option(argc, argv, ":n:c:" CLI_COMMON_LETTERS, options)) != -1)
	{
		if (option == 'n')
			facts = cli_number(optarg, "--facts", 1, 1000000000);
		else
			threads = (int) cli_number(optarg, "--threads", 1, CLI_MAX_THREADS);
	}
	cli_no_more_arguments(argc, argv);
	store = cli_open_store(CLI_NEW_STORE);
	if (store == NULL)
		return CLI_FAILED;
	status = cli_bench_store(store, facts, threads);
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return cli_output_end(status);
}

const cli_command cli_bench_command = {
	.name = "bench",
	.summary = "measure a store",
	.usage = cli_usage,
	.run = cli_run
};
