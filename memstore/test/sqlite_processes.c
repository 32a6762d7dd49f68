/*
 * sqlite_processes.c
 *		Several processes on one SQLite store, and processes that are killed.
 *
 * FACTSTR_CRASH_ROUNDS says how often a process is killed while it appends; 100 by default.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/processes.h"
#include "lib/sqlite_files.h"
#include "lib/waiting.h"

/*
 * Appending from two processes
 */
enum {COUNTED = 100};

/* Counts up one context, which another process counts up as well. */
static int
count_up(factstr_store *store, const char *who)
{
	static const char context[] = "{\"filters\": [{\"event_types\": [\"counted\"]}]}";
	factstr_error error;
	int			counted = 0;

	while (counted < COUNTED)
	{
		char		payload[100];
		uint64_t	version;
		factstr_event event = {.event_type = "counted", .payload = payload};
		int			code = factstr_context_version(store, context, &version, &error);

		(void) snprintf(payload, sizeof(payload), "{\"who\": \"%s\", \"after\": %" PRIu64 "}", who,
						version);
		if (code == FACTSTR_OK)
			code = factstr_append(store, &event, 1, IF_VERSION(context, version, NULL), NULL,
								  &error);
		if (code == FACTSTR_OK)
			counted++;
		else if (code != FACTSTR_CONFLICT)
		{
			tap_diagnostic("%s", error.message);
			break;
		}
	}
	return counted;
}

static void
count_up_in_child(int output)
{
	factstr_store *store = sqlite_open();

	(void) output;
	if (count_up(store, "child") != COUNTED)
		_exit(1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_two_processes(void)
{
	int			input;
	pid_t		child;
	factstr_store *store;

	sqlite_new_file("two.db", "");
	child = process_start(count_up_in_child, &input);
	store = sqlite_open();
	ok_int(count_up(store, "parent"), COUNTED, "one process appends under a condition");
	ok_int(process_await(child), 0, "another one does so at the same time");
	(void) close(input);
	ok_int((int64_t) store_head(store), 2 * COUNTED, "all that was acknowledged is there");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_str(sqlite_ask("SELECT count(*) FROM factstr_events"
					  " WHERE json_extract(payload, '$.after') <> sequence_number - 1"), "0",
		   "each of them was decided on the one before");
	ok(sqlite_is_intact(), "the file is sound");
}

/*
 * Killed while appending
 */

/* The appended batch, written to the pipe in one piece. */
typedef struct acknowledgement
{
	uint64_t	first;
	uint64_t	last;
	uint64_t	tag;
} acknowledgement;

typedef struct appender
{
	factstr_store *store;
	int			output;
	uint64_t	tag;			/* of the next batch */
} appender;

/* Appends batches of one to five facts until the process is killed. */
static void *
append_for_ever(void *argument)
{
	appender   *self = argument;

	for (;; self->tag++)
	{
		char		payload[100];
		factstr_event events[5];
		factstr_append_result result;
		factstr_error error;
		acknowledgement done;

		(void) snprintf(payload, sizeof(payload), "{\"tag\": %" PRIu64 "}", self->tag);
		for (int i = 0; i < 5; i++)
			events[i] = (factstr_event) {.event_type = "tagged", .payload = payload};
		if (factstr_append(self->store, events, self->tag % 5 + 1, NULL, &result, &error) !=
			FACTSTR_OK)
			_exit(1);
		done = (acknowledgement)
		{
			result.first_sequence_number, result.last_sequence_number, self->tag
		};
		if (write(self->output, &done, sizeof(done)) != sizeof(done))
			_exit(1);
	}
	return NULL;
}

static int	crash_round;

static void
append_until_killed(int output)
{
	enum {THREADS = 3};
	factstr_store *store = sqlite_open();
	appender	appenders[THREADS];
	pthread_t	thread;

	for (int i = 0; i < THREADS; i++)
	{
		appenders[i] = (appender)
		{
			store, output, (uint64_t) crash_round * 1000000 + (uint64_t) i * 100000
		};
		if (i < THREADS - 1)
			(void) pthread_create(&thread, NULL, append_for_ever, &appenders[i]);
	}
	(void) append_for_ever(&appenders[THREADS - 1]);
}

/* Are these facts, and no others, the ones with the tag? */
static bool
is_there(factstr_store *store, const acknowledgement *done)
{
	char		query[200];
	factstr_query_result *result;
	factstr_error error;
	bool		found;

	(void) snprintf(query, sizeof(query),
					"{\"filters\": [{\"payload_predicates\": [{\"tag\": %" PRIu64 "}]}]}",
					done->tag);
	if (factstr_query(store, query, &result, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	found = result->fact_count == done->last - done->first + 1 &&
		result->facts[0].sequence_number == done->first &&
		result->last_returned_sequence_number == done->last;
	factstr_query_result_free(result);
	return found;
}

/* One round: returns how many acknowledged batches are missing, and counts those there were. */
static int
kill_once(int *acknowledged)
{
	static acknowledgement all[100000];
	int			wanted = crash_round % 10 + 1;
	int			count = 0;
	int			missing = 0;
	int			input;
	pid_t		child = process_start(append_until_killed, &input);
	factstr_store *store;

	while (count < 99999 && read(input, &all[count], sizeof(all[0])) == sizeof(all[0]))
	{
		if (++count == wanted)
			(void) kill(child, SIGKILL);
	}
	(void) kill(child, SIGKILL);
	if (process_await(child) != 128 + SIGKILL)
		tap_diagnostic("round %d: the child was not killed", crash_round);
	(void) close(input);
	store = sqlite_open();
	for (int i = 0; i < count; i++)
	{
		if (!is_there(store, &all[i]))
			missing++;
	}
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	*acknowledged += count;
	return missing;
}

static void
test_kills(void)
{
	const char *given = getenv("FACTSTR_CRASH_ROUNDS");
	int			rounds = given == NULL ? 100 : atoi(given);
	int			acknowledged = 0;
	int			missing = 0;
	int			damaged = 0;

	sqlite_new_file("killed.db", "");
	for (crash_round = 0; crash_round < rounds; crash_round++)
	{
		missing += kill_once(&acknowledged);
		if (crash_round % 10 == 9 || crash_round == rounds - 1)
			damaged += sqlite_is_intact() ? 0 : 1;
	}
	tap_diagnostic("%d rounds, %d batches acknowledged", rounds, acknowledged);
	tap_diagnostic("tried: %d clients killed", rounds);
	tap_diagnostic("tried: %d acknowledged appends looked for", acknowledged);
	ok_cmp(acknowledged, ">", 0, "some appends were acknowledged before a kill");
	ok_int(missing, 0, "every acknowledged fact is there after it");
	ok_int(damaged, 0, "the file is sound, and every batch is whole");
}

/*
 * Another program that holds the file
 */
static sqlite3 *
hold_file(void)
{
	sqlite3    *holder;

	if (sqlite3_open(sqlite_path, &holder) != SQLITE_OK ||
		sqlite3_busy_timeout(holder, 20000) != SQLITE_OK ||
		sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("the file cannot be held");
	return holder;
}

static void
let_go_of_file(sqlite3 *holder)
{
	if (sqlite3_exec(holder, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail_out("the file cannot be let go of");
	(void) sqlite3_close(holder);
}

static void
test_busy(void)
{
	sqlite3    *holder;
	factstr_store *store;
	factstr_error error;

	sqlite_new_file("busy.db", "?busy_timeout_ms=50");
	store = sqlite_open();
	holder = hold_file();
	ok_code(store_append(store, "tested", "1", &error), FACTSTR_BUSY, &error,
			"an append gives up when the file is held for too long");
	ok_contains(error.message, "busy.db", "the error names the file");
	ok_int((int64_t) store_head(store), 0, "reading continues meanwhile");
	let_go_of_file(holder);
	ok_code(store_append(store, "tested", "1", &error), FACTSTR_OK, &error,
			"the append can be repeated when the file is free");
	ok_int((int64_t) store_head(store), 1, "it is stored once");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

typedef struct appending
{
	factstr_store *store;
	int			code;
	factstr_error error;
} appending;

static void
append_in_thread(void *argument)
{
	appending  *self = argument;

	self->code = store_append(self->store, "tested", "1", &self->error);
}

static void
test_patience(void)
{
	sqlite3    *holder;
	appending	patient;
	waiting_call append;

	sqlite_new_file("patient.db", "?busy_timeout_ms=20000");
	patient.store = sqlite_open();
	holder = hold_file();
	waiting_start(&append, append_in_thread, &patient);
	ok(waiting_is_reached(&append), "an append waits for a program that holds the file");
	let_go_of_file(holder);
	ok(waiting_ends(&append), "until the file is free");
	ok_code(patient.code, FACTSTR_OK, &patient.error, "and then succeeds");
	(void) factstr_close(patient.store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/*
 * Durable streams
 */
static int
take(const factstr_batch *batch, void *context, factstr_error *error)
{
	(void) batch;
	(void) context;
	(void) error;
	return 0;
}

static void
consume_until_killed(int output)
{
	factstr_store *store = sqlite_open();
	factstr_stream *stream;
	factstr_error error;

	if (factstr_stream_open(store, "s", NULL, take, NULL, NULL, &stream, &error) != FACTSTR_OK)
		_exit(1);
	(void) !write(output, "1", 1);
	for (;;)
		(void) pause();
}

static bool
is_active(factstr_store *store)
{
	factstr_stream_status_list *list;
	factstr_error error;
	bool		active;

	if (factstr_streams(store, &list, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	active = list->count == 1 && list->streams[0].active;
	factstr_stream_status_list_free(list);
	return active;
}

static void
test_streams_of_the_dead(void)
{
	int			input;
	pid_t		child;
	factstr_store *store;
	factstr_stream *stream = NULL;
	factstr_error error;

	sqlite_new_file("streams.db", "");
	child = process_start(consume_until_killed, &input);
	process_await_byte(input);
	store = sqlite_open();
	ok_code(factstr_stream_open(store, "s", NULL, take, NULL, NULL, &stream, &error),
			FACTSTR_STREAM_ACTIVE, &error, "a stream that another process has cannot be opened");
	ok_code(factstr_stream_seek(store, "s", 0, &error), FACTSTR_STREAM_ACTIVE, &error, "nor moved");
	ok_code(factstr_stream_drop(store, "s", &error), FACTSTR_STREAM_ACTIVE, &error, "nor dropped");
	ok(is_active(store), "it is listed as active");
	(void) kill(child, SIGKILL);
	(void) process_await(child);
	(void) close(input);
	ok(!is_active(store), "it is no longer when the process is killed");
	ok_code(factstr_stream_open(store, "s", NULL, take, NULL, NULL, &stream, &error), FACTSTR_OK,
			&error, "and can be opened at once");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	sqlite_begin();
	test_two_processes();
	test_kills();
	test_busy();
	test_patience();
	test_streams_of_the_dead();
	return sqlite_end();
}
