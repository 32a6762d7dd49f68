/*
 * sqlite_processes.c
 *		Several processes on one SQLite store, and processes that are killed.
 *
 * FACTSTR_CRASH_ROUNDS says how often a process is killed while it appends; 100 by default.
 */
#include <pthread.h>

#include "sqlite_files.h"

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
			code = factstr_append_if(store, &event, 1, context, version == 0 ? NULL : &version,
									 NULL, NULL, &error);
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
	factstr_store *store = open_store();

	(void) output;
	if (count_up(store, "child") != COUNTED)
		_exit(1);
	(void) factstr_close(store);
}

static void
test_two_processes(void)
{
	char		answer[100];
	int			input;
	pid_t		child;
	factstr_store *store;

	new_file("two.db", "");
	child = start_child(count_up_in_child, &input);
	store = open_store();
	(void) tap_ok(count_up(store, "parent") == COUNTED, "one process appends under a condition");
	(void) tap_ok(await_child(child) == 0, "another one does so at the same time");
	(void) close(input);
	(void) tap_ok(newest(store) == 2 * COUNTED, "all that was acknowledged is there");
	(void) factstr_close(store);
	ask_sql("SELECT count(*) FROM factstr_events"
			" WHERE json_extract(payload, '$.after') <> sequence_number - 1", answer,
			sizeof(answer));
	(void) tap_ok(strcmp(answer, "0") == 0, "each of them was decided on the one before");
	(void) tap_ok(is_intact(), "the file is sound");
}

/*
 * Killed while appending
 */

/* What was appended, written to the pipe in one piece. */
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
	factstr_store *store = open_store();
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
		bail_out(error.message);
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
	pid_t		child = start_child(append_until_killed, &input);
	factstr_store *store;

	while (count < 99999 && read(input, &all[count], sizeof(all[0])) == sizeof(all[0]))
	{
		if (++count == wanted)
			(void) kill(child, SIGKILL);
	}
	(void) kill(child, SIGKILL);
	if (await_child(child) != 128 + SIGKILL)
		tap_diagnostic("round %d: the child was not killed", crash_round);
	(void) close(input);
	store = open_store();
	for (int i = 0; i < count; i++)
	{
		if (!is_there(store, &all[i]))
			missing++;
	}
	(void) factstr_close(store);
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
	bool		intact = true;

	new_file("killed.db", "");
	for (crash_round = 0; crash_round < rounds; crash_round++)
	{
		missing += kill_once(&acknowledged);
		if (crash_round % 10 == 9 || crash_round == rounds - 1)
			intact = is_intact() && intact;
	}
	tap_diagnostic("%d rounds, %d batches acknowledged", rounds, acknowledged);
	tap_diagnostic("tried: %d clients killed", rounds);
	tap_diagnostic("tried: %d acknowledged appends looked for", acknowledged);
	(void) tap_ok(acknowledged > 0 && missing == 0,
				  "whatever was acknowledged is there after a kill");
	(void) tap_ok(intact, "the file is sound, and every batch is whole");
}

/*
 * Another process that does not give way
 */
static void
test_busy(void)
{
	sqlite3    *other;
	factstr_store *store;
	factstr_error error;
	int			code;

	new_file("busy.db", "?busy_timeout=50");
	store = open_store();
	if (sqlite3_open(sqlite_path, &other) != SQLITE_OK ||
		sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		bail_out("the file cannot be held");
	code = append_one(store, "1", &error);
	if (!tap_ok(code == FACTSTR_BUSY && strstr(error.message, "busy.db") != NULL,
				"an append gives up when the file is held for too long"))
		tap_diagnostic("%d: %s", code, error.message);
	(void) tap_ok(newest(store) == 0, "reading goes on meanwhile");
	(void) sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	(void) tap_ok(append_one(store, "1", &error) == FACTSTR_OK && newest(store) == 1,
				  "the append can be repeated when the file is free");
	(void) sqlite3_close(other);
	(void) factstr_close(store);
}

/* A process that holds the file for a moment only, and says so. */
static void
hold_for_a_moment(int output)
{
	struct timespec moment = {0, 200 * 1000 * 1000};
	sqlite3    *db;

	if (sqlite3_open(sqlite_path, &db) != SQLITE_OK ||
		sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	(void) !write(output, "1", 1);
	(void) nanosleep(&moment, NULL);
	(void) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	(void) sqlite3_close(db);
}

static void
test_patience(void)
{
	char		byte;
	int			input;
	pid_t		child;
	factstr_store *store;
	factstr_error error;

	new_file("patient.db", "?busy_timeout=20000");
	(void) factstr_close(open_store());
	child = start_child(hold_for_a_moment, &input);
	store = open_store();
	if (read(input, &byte, 1) != 1)
		bail_out("the file cannot be held");
	(void) tap_ok(append_one(store, "1", &error) == FACTSTR_OK,
				  "an append waits for a process that holds the file for a moment");
	(void) await_child(child);
	(void) close(input);
	(void) factstr_close(store);
}

/*
 * Durable streams
 */
static int
take(const factstr_batch *batch, void *context)
{
	(void) batch;
	(void) context;
	return 0;
}

static void
consume_until_killed(int output)
{
	factstr_store *store = open_store();
	factstr_stream *stream;
	factstr_error error;

	if (factstr_stream_all_durable(store, "s", NULL, take, NULL, &stream, &error) != FACTSTR_OK)
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
		bail_out(error.message);
	active = list->count == 1 && list->streams[0].active;
	factstr_stream_status_list_free(list);
	return active;
}

static void
test_streams_of_the_dead(void)
{
	char		byte;
	int			input;
	pid_t		child;
	factstr_store *store;
	factstr_stream *stream = NULL;
	factstr_error error;

	new_file("streams.db", "");
	child = start_child(consume_until_killed, &input);
	if (read(input, &byte, 1) != 1)
		bail_out("the stream cannot be opened");
	store = open_store();
	(void) tap_ok(factstr_stream_all_durable(store, "s", NULL, take, NULL, &stream, &error) ==
				  FACTSTR_STREAM_ACTIVE, "a stream that another process has cannot be opened");
	(void) tap_ok(factstr_stream_seek(store, "s", 0, &error) == FACTSTR_STREAM_ACTIVE &&
				  factstr_stream_drop(store, "s", &error) == FACTSTR_STREAM_ACTIVE,
				  "nor moved, nor dropped");
	(void) tap_ok(is_active(store), "it is listed as active");
	(void) kill(child, SIGKILL);
	(void) await_child(child);
	(void) close(input);
	(void) tap_ok(!is_active(store), "it is no longer when the process is killed");
	(void) tap_ok(factstr_stream_all_durable(store, "s", NULL, take, NULL, &stream, &error) ==
				  FACTSTR_OK, "and can be opened at once");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

int
main(void)
{
	make_directory();
	test_two_processes();
	test_kills();
	test_busy();
	test_patience();
	test_streams_of_the_dead();
	remove_directory();
	return tap_finish();
}
