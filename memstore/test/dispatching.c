/*
 * dispatching.c
 *		Streams that have caught up: new facts are read once for all of them, and streams that they do
 *		not match are not woken.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/faulty_store.h"
#include "lib/recording.h"

#define STREAMS 50
#define APPENDS 100

/* Streams that match none of the appended facts, and one that matches all. */
typedef struct crowd
{
	factstr_store *store;
	recording	all;
	recording	others[STREAMS];
	factstr_stream *streams[STREAMS];
} crowd;

static factstr_stream *
open_stream(factstr_store *store, const char *name, const char *query, recording *of)
{
	factstr_stream *stream;
	factstr_error error;

	if (factstr_stream_open(store, name, query, recording_handler, of, NULL, &stream, &error) !=
		FACTSTR_OK)
		tap_bail_out("%s", error.message);
	return stream;
}

static crowd *
gather(const char *name)
{
	crowd	   *people = calloc(1, sizeof(crowd));

	if (people == NULL)
		abort();
	people->store = faulty_open();
	people->all = (recording) RECORDING_INIT;
	people->all.stream = open_stream(people->store, NULL, NULL, &people->all);
	for (int i = 0; i < STREAMS; i++)
	{
		char		own_name[20];
		char		query[100];

		(void) snprintf(own_name, sizeof(own_name), "%s %d", name == NULL ? "" : name, i);
		(void) snprintf(query, sizeof(query), "{\"filters\": [{\"event_types\": [\"t%d\"]}]}", i);
		people->others[i] = (recording) RECORDING_INIT;
		people->streams[i] = open_stream(people->store, name == NULL ? NULL : own_name, query,
										 &people->others[i]);
	}
	return people;
}

static void
disperse(crowd *people)
{
	for (int i = 0; i < STREAMS; i++)
		(void) factstr_stream_close(people->streams[i], -1);
	(void) factstr_stream_close(people->all.stream, -1);
	(void) factstr_close(people->store, FACTSTR_CLOSE_TIMEOUT_MS);
	free(people);
}

/* Each append when the one before has been delivered, so that no two can be read together. */
static void
append_one_by_one(crowd *people)
{
	for (int i = 0; i < APPENDS; i++)
	{
		int			calls = recording_calls(&people->all);

		(void) store_append_batch(people->store, "a", 1);
		if (!recording_await_calls(&people->all, calls + 1))
			tap_bail_out("append %d is not delivered", i);
	}
}

static void
test_reading_once(void)
{
	crowd	   *people = gather(NULL);
	int			searches;
	int			calls = 0;

	append_one_by_one(people);	/* by now all of them wait */
	searches = faulty_get(&faulty.searches);
	append_one_by_one(people);
	searches = faulty_get(&faulty.searches) - searches;
	ok(searches <= 4 * APPENDS + 2 * STREAMS, "%d appends were read for %d streams by %d searches",
	   APPENDS, STREAMS + 1, searches);
	for (int i = 0; i < STREAMS; i++)
		calls += recording_calls(&people->others[i]);
	ok_int(calls, 0, "no stream was given facts that do not match");
	disperse(people);
}

static void
test_calling_those_that_match(void)
{
	crowd	   *people = gather(NULL);
	int			wrong = 0;

	append_one_by_one(people);
	for (int i = 0; i < STREAMS; i += 2)
	{
		char		event_type[20];

		(void) snprintf(event_type, sizeof(event_type), "t%d", i);
		(void) store_append_batch(people->store, event_type, 1);
	}
	for (int i = 0; i < STREAMS; i += 2)
		wrong += recording_await_calls(&people->others[i], 1) ? 0 : 1;
	append_one_by_one(people);
	for (int i = 0; i < STREAMS; i++)
		wrong += recording_calls(&people->others[i]) == (i % 2 == 0 ? 1 : 0) ? 0 : 1;
	ok_int(wrong, 0, "a fact is delivered to the streams that it matches, once, and to no other");
	disperse(people);
}

static bool
cursors_are_at(crowd *people, uint64_t position)
{
	for (int i = 0; i < STREAMS; i++)
	{
		char		name[20];

		(void) snprintf(name, sizeof(name), "d %d", i);
		if (store_cursor(people->store, name) != position)
			return false;
	}
	return true;
}

static void
test_moving_cursors_along(void)
{
	crowd	   *people = gather("d");

	append_one_by_one(people);
	ok(AWAIT(cursors_are_at(people, APPENDS)),
	   "the cursors of durable streams pass facts that do not match");
	disperse(people);
}

/* The dispatcher cannot read: each stream notices that itself, and continues after its pause. */
static void
test_failing_reads(void)
{
	crowd	   *people = gather(NULL);

	append_one_by_one(people);
	faulty_set(&faulty.failing_batches, 30);
	append_one_by_one(people);
	(void) store_append_batch(people->store, "t7", 1);
	ok(recording_await_calls(&people->others[7], 1), "nothing is lost when reading fails");
	disperse(people);
}

int
main(void)
{
	test_reading_once();
	test_calling_those_that_match();
	test_moving_cursors_along();
	test_failing_reads();
	return tap_finish();
}
