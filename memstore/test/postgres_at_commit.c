/*
 * postgres_at_commit.c
 *		Appends at commit, in transactions over a connection of the program's own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "factstr.h"

#include "lib/postgres_server.h"
#include "lib/recording.h"

#define OF_TYPE(type) "{\"filters\": [{\"event_types\": [\"" type "\"]}]}"
#define LOCKS_HELD "SELECT count(*) FROM pg_locks WHERE locktype = 'object'" \
	" AND classid = 'factstr_events'::regclass"

static factstr_store *store;
static PGconn *connection;

static int
append_at_commit(const char *event_type, const factstr_append_options *options,
				 factstr_append_result *result, factstr_error *error)
{
	const factstr_event event = {.event_type = event_type, .payload = "{\"n\": 1}"};
	factstr_append_options at_commit = FACTSTR_APPEND_OPTIONS_INIT;

	if (options != NULL)
		at_commit = *options;
	at_commit.connection = connection;
	return factstr_append(store, &event, 1, &at_commit, result, error);
}

static int
count_of(const char *event_type)
{
	return atoi(server_run(server_session,
						   "SELECT count(*) FROM factstr_events WHERE event_type = '%s'", event_type));
}

static const char *
state_of(const char *command)
{
	static char state[6];
	PGresult   *result = PQexec(connection, command);
	const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	(void) strcpy(state, "00000");
	if (found != NULL)
		(void) strncpy(state, found, 5);
	PQclear(result);
	return state;
}

static void
test_commit(void)
{
	factstr_append_result result = {.committed_count = 7};
	factstr_error error;

	ok_code(factstr_last_append(store, connection, &result, &error), FACTSTR_OK, &error,
			"nothing was committed over the connection yet");
	ok_int((int64_t) result.committed_count, 0, "which zeroes say");
	result.committed_count = 7;
	(void) server_run(connection, "BEGIN");
	(void) server_run(connection, "INSERT INTO seats VALUES ('12A')");
	ok_code(append_at_commit("reserved", NULL, &result, &error), FACTSTR_OK, &error,
			"an append is put off to the commit");
	ok_int((int64_t) result.committed_count, 0, "its numbers are not known yet");
	ok_int(count_of("reserved"), 0, "the fact is not there");
	ok_str(server_run(server_session, LOCKS_HELD), "0", "and no session waits for the append lock");
	(void) server_run(connection, "COMMIT");
	ok_int(count_of("reserved"), 1, "after the commit it is there");
	ok_str(server_run(server_session, "SELECT count(*) FROM seats"), "1", "and so is the row");
	ok_code(factstr_last_append(store, connection, &result, &error), FACTSTR_OK, &error,
			"the last append is known then");
	ok_int((int64_t) result.committed_count, 1, "of one fact");
	ok_int((int64_t) result.last_sequence_number,
		   atoi(server_run(server_session, "SELECT max(sequence_number) FROM factstr_events")),
		   "with its number");
}

static void
test_rollback(void)
{
	factstr_error error;

	(void) server_run(connection, "BEGIN");
	ok_code(append_at_commit("rolled back", NULL, NULL, &error), FACTSTR_OK, &error,
			"an append whose transaction is rolled back");
	(void) server_run(connection, "ROLLBACK");
	ok_int(count_of("rolled back"), 0, "is not made");
}

/* A context that has changed before the call, and one that changes between the call and the commit. */
static void
test_conflicts(factstr_append_condition condition, const char *name)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	uint64_t   *number = condition == FACTSTR_APPEND_IF ? &options.expected_context_version :
		&options.after_sequence_number;
	factstr_error error;
	uint64_t	version;

	options.condition = condition;
	options.context_query = OF_TYPE("reserved");
	ok_code(factstr_context_version(store, options.context_query, &version, &error), FACTSTR_OK,
			&error, "%s: the context has a version", name);
	(void) server_run(connection, "BEGIN");
	ok_code(append_at_commit("reserved", &options, NULL, &error), FACTSTR_CONFLICT, &error,
			"%s: a conflict that exists fails the call", name);
	ok_int((int64_t) error.actual_context_version, (int64_t) version, "%s: with the version: %s",
		   name, error.detail);
	ok_code(append_at_commit("reserved", NULL, NULL, &error), FACTSTR_MISUSE, &error,
			"%s: the transaction has failed: %s", name, error.message);
	(void) server_run(connection, "ROLLBACK");

	*number = version;
	(void) server_run(connection, "BEGIN");
	(void) server_run(connection, "INSERT INTO seats VALUES ('12B')");
	ok_code(append_at_commit("late", &options, NULL, &error), FACTSTR_OK, &error,
			"%s: the version is the expected one", name);
	(void) store_append(store, "reserved", NULL, NULL);
	ok_str(state_of("COMMIT"), "FS001", "%s: a conflict that has come since fails the commit", name);
	ok_int(count_of("late"), 0, "%s: and the fact is not there", name);
	ok_str(server_run(server_session, "SELECT count(*) FROM seats WHERE seat = '12B'"), "0",
			  "%s: nor the row", name);

	(void) factstr_context_version(store, options.context_query, number, &error);
	(void) server_run(connection, "BEGIN");
	ok_code(append_at_commit("in time", &options, NULL, &error), FACTSTR_OK, &error,
			"%s: with the newest version", name);
	ok_str(state_of("COMMIT"), "00000", "%s: it is committed", name);
}

static void
test_keys(void)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_error error;

	options.idempotency_key = "at commit";
	for (int i = 0; i < 2; i++)
	{
		(void) server_run(connection, "BEGIN");
		ok_code(append_at_commit("keyed", &options, &result, &error), FACTSTR_OK, &error,
				"an append with a key");
		(void) server_run(connection, "COMMIT");
		ok_int((int64_t) result.committed_count, i, "the second time the numbers are known at once");
	}
	ok_int(count_of("keyed"), 1, "and nothing is appended");
	(void) server_run(connection, "BEGIN");
	ok_code(append_at_commit("other", &options, NULL, &error), FACTSTR_IDEMPOTENCY_KEY_REUSED, &error,
			"the key of other events");
	(void) server_run(connection, "ROLLBACK");
}

static void
test_misuse(void)
{
	factstr_append_options options = FACTSTR_APPEND_OPTIONS_INIT;
	factstr_append_result result;
	factstr_store *memory;
	factstr_error error;
	factstr_event event = {.event_type = "a", .payload = "{"};

	ok_code(append_at_commit("a", NULL, NULL, &error), FACTSTR_MISUSE, &error,
			"without a transaction: %s", error.message);
	(void) server_run(connection, "BEGIN");
	options.connection = connection;
	ok_code(factstr_append(store, &event, 1, &options, NULL, &error), FACTSTR_MALFORMED, &error,
			"malformed input is not sent: %s", error.message);
	ok_code(factstr_append(store, NULL, 0, &options, NULL, &error), FACTSTR_EMPTY_APPEND, &error,
			"nor an empty append");
	options.condition = (factstr_append_condition) 7;
	ok_code(append_at_commit("a", &options, NULL, &error), FACTSTR_MISUSE, &error,
			"a condition that there is not: %s", error.message);
	ok_str(state_of("COMMIT"), "00000", "the transaction continues");

	ok_code(factstr_open("memory:", &memory, &error), FACTSTR_OK, &error, "a memory store");
	event.payload = "1";
	options.condition = FACTSTR_APPEND_ALWAYS;
	ok_code(factstr_append(memory, &event, 1, &options, NULL, &error), FACTSTR_UNSUPPORTED, &error,
			"has no transactions: %s", error.message);
	ok_code(factstr_last_append(memory, connection, &result, &error), FACTSTR_UNSUPPORTED, &error,
			"nor connections");
	(void) factstr_close(memory, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A consumer that appends in its deliveries: once for each batch, although the first delivery fails. */
static int
answers(const factstr_batch *batch, void *context, factstr_error *error)
{
	int		   *failures = context;
	const factstr_event event = {.event_type = "answered", .payload = "{\"n\": 1}"};
	const factstr_append_options options = {.size = sizeof(options), .connection = batch->transaction};
	int			code = factstr_append(store, &event, 1, &options, NULL, error);

	if (code != FACTSTR_OK)
		return code;
	return (*failures)-- > 0 ? 1 : 0;
}

static void
test_deliveries(void)
{
	factstr_stream_options options = FACTSTR_STREAM_OPTIONS_INIT;
	factstr_stream *stream;
	factstr_error error;
	uint64_t	asked;
	int			failures = 1;

	(void) store_append(store, "asked", NULL, NULL);
	(void) store_append(store, "asked", NULL, NULL);
	options.transactional = true;
	options.in_background = true;
	ok_code(factstr_stream_open(store, "answers", OF_TYPE("asked"), answers, &failures, &options,
								&stream, &error), FACTSTR_OK, &error, "a transactional stream");
	asked = strtoull(server_run(server_session, "SELECT max(sequence_number) FROM factstr_events"
								" WHERE event_type = 'asked'"), NULL, 10);
	ok_code(factstr_wait(store, "answers", asked, 60000, &error), FACTSTR_OK, &error,
			"which delivers all");
	(void) factstr_stream_close(stream, -1);
	ok_int(count_of("answered"), 2, "its appends at commit are there once for each batch");
}

int
main(void)
{
	if (!server_begin("at_commit"))
		return 0;
	store = server_open("");
	connection = server_connect(server_url(""));
	(void) server_run(server_session, "CREATE TABLE seats (seat text PRIMARY KEY)");
	test_commit();
	test_rollback();
	test_conflicts(FACTSTR_APPEND_IF, "if the version is");
	test_conflicts(FACTSTR_APPEND_UNLESS, "unless newer");
	test_keys();
	test_misuse();
	test_deliveries();
	PQfinish(connection);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return server_end();
}
