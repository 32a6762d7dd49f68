/*
 * streams.c
 *		What streams of the library cost, and how fast durable ones catch up.
 *
 *		streams catch-up URL FACTS BATCHES
 *		streams beside URL STREAMS APPENDS
 *
 * "catch-up" imports batches of one fact until there are FACTS, opens a new durable stream that
 * acknowledges after so many BATCHES, and prints how many batches a second it delivers before the
 * call returns.
 *
 * "beside" opens so many live STREAMS that match nothing, appends one event at a time, and prints the
 * processor's time for an append, in microseconds: of this process, all its threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "factstr.h"

#include "measuring.h"

#define IMPORTED 5000			/* batches at a time */

static int
count_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	size_t	   *count = context;

	(void) batch;
	(void) error;
	++*count;
	return 0;
}

static void
import_facts(factstr_store *store, size_t count)
{
	static const factstr_fact fact = {
		.occurred_at = INT64_C(1700000000000000), .event_type = "money-moved",
		.payload = "{\"account\": \"A-7\", \"amount\": 12}"
	};
	static factstr_batch batches[IMPORTED];
	factstr_error error;

	for (size_t i = 0; i < IMPORTED; i++)
		batches[i] = (factstr_batch) {.fact_count = 1, .facts = &fact};
	for (size_t done = 0; done < count; done += IMPORTED)
	{
		size_t		part = count - done < IMPORTED ? count - done : IMPORTED;

		if (factstr_import(store, batches, part, NULL, &error) != FACTSTR_OK)
			give_up("import", error.message);
	}
}

static void
catch_up(factstr_store *store, size_t facts, size_t batches)
{
	const factstr_stream_options options = {.size = sizeof(options), .ack_batches = batches};
	factstr_stream *stream;
	factstr_error error;
	uint64_t	head;
	size_t		count = 0;
	char		name[64];
	double		begin;

	if (factstr_context_version(store, NULL, &head, &error) != FACTSTR_OK)
		give_up("head", error.message);
	if (head < facts)
		import_facts(store, facts - head);
	(void) snprintf(name, sizeof(name), "catching up %ld %ld", (long) getpid(), (long) time(NULL));
	begin = seconds_on(CLOCK_MONOTONIC);
	if (factstr_stream_open(store, name, NULL, count_batch, &count, &options, &stream, &error) !=
		FACTSTR_OK)
		give_up("stream", error.message);
	printf("%.0f\n", (double) count / (seconds_on(CLOCK_MONOTONIC) - begin));
	(void) factstr_stream_close(stream, -1);
	(void) factstr_stream_drop(store, name, NULL);
}

static void
append_beside(factstr_store *store, size_t stream_count, size_t appends)
{
	static const factstr_event event = {.event_type = "a", .payload = "{\"n\": 1}"};
	factstr_stream **streams = calloc(stream_count + 1, sizeof(factstr_stream *));
	factstr_error error;
	size_t		count = 0;
	double		begin;

	if (streams == NULL)
		exit(1);
	for (size_t i = 0; i < stream_count; i++)
	{
		char		query[200];

		(void) snprintf(query, sizeof(query),
						"{\"filters\": [{\"event_types\": [\"t%zu\"], \"payload_predicates\": [{\"n\": %zu}]}]}",
						i, i);
		if (factstr_stream_open(store, NULL, query, count_batch, &count, NULL, &streams[i], &error) !=
			FACTSTR_OK)
			give_up("stream", error.message);
	}
	begin = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < appends; i++)
	{
		if (factstr_append(store, &event, 1, NULL, NULL, &error) != FACTSTR_OK)
			give_up("append", error.message);
	}
	printf("%.1f\n", (seconds_on(CLOCK_PROCESS_CPUTIME_ID) - begin) * 1e6 / (double) appends);
	for (size_t i = 0; i < stream_count; i++)
		(void) factstr_stream_close(streams[i], -1);
	free(streams);
}

int
main(int argc, char **argv)
{
	factstr_store *store;
	factstr_error error;

	if (argc != 5)
		return 2;
	if (factstr_open(argv[2], &store, &error) != FACTSTR_OK)
		give_up(argv[2], error.message);
	if (strcmp(argv[1], "catch-up") == 0)
		catch_up(store, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	else
		append_beside(store, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return 0;
}
