/*
 * postgres_connections.c
 *		Tests of the PostgreSQL store: connections that break at any moment, and several stores.
 */
#include <inttypes.h>
#include <pthread.h>

#include "postgres_server.h"

#define WAITING_FOR_LOCK "wait_event_type = 'Lock'"
#define EVENT "[{\"event_type\": \"beside\", \"payload\": 1}]"

/* A call on a thread of its own, for the time that it waits. */
typedef struct pending_call
{
	pthread_t	thread;
	factstr_store *store;
	const char *key;
	int			code;
	factstr_append_result appended;
	uint64_t	version;
	factstr_error error;
} pending_call;

static void *
append_on_thread(void *argument)
{
	pending_call *call = argument;
	factstr_event event = {.event_type = "a", .payload = "{\"n\": 1}"};

	call->code = factstr_append(call->store, &event, 1, call->key, &call->appended, &call->error);
	return NULL;
}

static void *
append_if_on_thread(void *argument)
{
	pending_call *call = argument;
	factstr_event event = {.event_type = "once", .payload = "{\"n\": 1}"};

	call->code = factstr_append_if(call->store, &event, 1,
								   "{\"filters\": [{\"event_types\": [\"once\"]}]}", NULL,
								   call->key, &call->appended, &call->error);
	return NULL;
}

static void *
read_on_thread(void *argument)
{
	pending_call *call = argument;

	call->code = factstr_context_version(call->store, NULL, &call->version, &call->error);
	return NULL;
}

static void
start_call(pending_call *call, void *(*work) (void *), factstr_store *store, const char *key)
{
	*call = (pending_call) {.store = store, .key = key};
	if (pthread_create(&call->thread, NULL, work, call) != 0)
		abort();
}

static bool
is_waiting(void)
{
	return AWAIT(server_count(WAITING_FOR_LOCK) == 1);
}

static int
count_facts(void)
{
	return atoi(server_run(server_session, "SELECT count(*) FROM factstr_events"));
}

static void
test_idle_connections(void)
{
	factstr_store *store = server_open("");
	factstr_cursor *cursor = NULL;
	const factstr_fact *fact;
	uint64_t	version;

	(void) append_facts(store, "a", 1);
	(void) tap_ok(server_count("true") == 1, "a store of one thread has one connection");
	(void) tap_ok(server_terminate("true"), "which the server ends");
	(void) tap_ok(append_facts(store, "a", 1) == FACTSTR_OK,
				  "an append without a key goes over another one");
	(void) server_terminate("true");
	(void) tap_ok(factstr_context_version(store, NULL, &version, NULL) == FACTSTR_OK &&
				  version == 2, "so does a read");
	(void) tap_ok(factstr_read_open(store, NULL, NULL, &cursor, NULL) == FACTSTR_OK &&
				  factstr_read_next(cursor, &fact, NULL) == FACTSTR_OK, "a cursor is opened");
	(void) server_terminate("true");
	(void) tap_ok(factstr_read_next(cursor, &fact, NULL) == FACTSTR_OK && fact != NULL &&
				  fact->sequence_number == 2, "and goes on");
	factstr_read_close(cursor);
	(void) factstr_close(store);
}

/* While the server works on a call, whose outcome then is unknown. */
static void
test_calls(void)
{
	factstr_store *store = server_open("");
	pending_call call;
	int			before = count_facts();

	(void) server_run(server_session, "BEGIN");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	start_call(&call, append_on_thread, store, NULL);
	(void) tap_ok(is_waiting() && server_terminate(WAITING_FOR_LOCK),
				  "an append's connection breaks");
	(void) pthread_join(call.thread, NULL);
	(void) tap_ok(call.code == FACTSTR_CONNECTION_LOST && call.appended.committed_count == 0,
				  "without a key it is reported: %s", call.error.message);

	start_call(&call, append_on_thread, store, "key 1");
	for (int i = 0; i < 3; i++)
		(void) tap_ok(is_waiting() && server_terminate(WAITING_FOR_LOCK),
					  "with a key it is repeated when the connection breaks");
	(void) tap_ok(is_waiting(), "and again");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	(void) tap_ok(call.code == FACTSTR_OK && count_facts() == before + 1,
				  "until it has succeeded, once");

	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, append_if_on_thread, store, "key 2");
	(void) tap_ok(is_waiting() && server_terminate(WAITING_FOR_LOCK),
				  "so is a conditional append, whose own facts have changed the context by then");
	(void) tap_ok(is_waiting(), "it waits again");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	(void) tap_ok(call.code == FACTSTR_OK && count_facts() == before + 2, "and succeeds once");

	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, read_on_thread, store, NULL);
	(void) tap_ok(is_waiting() && server_terminate(WAITING_FOR_LOCK), "a read's connection breaks");
	(void) tap_ok(is_waiting(), "it is repeated");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	(void) tap_ok(call.code == FACTSTR_OK && call.version == (uint64_t) before + 2, "and answered");
	(void) factstr_close(store);
}

/*
 * What a stream got, one fact after the other.
 */
typedef struct counted
{
	pthread_mutex_t mutex;
	uint64_t	last;
	bool		in_order;		/* no gap, no duplicate */
	const char *table;			/* where to write the numbers, in the transaction; or NULL */
} counted;

/* In the transaction of the delivery: kept if it is committed, however often it is tried. */
static int
write_number(const factstr_batch *batch, const char *table)
{
	char		command[200];
	PGresult   *result;
	bool		succeeded;

	(void) snprintf(command, sizeof(command), "INSERT INTO %s VALUES (%" PRIu64 ")", table,
					batch->first_sequence_number);
	result = PQexec(batch->transaction, command);
	succeeded = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return succeeded ? 0 : 1;
}

static int
count_batch(const factstr_batch *batch, void *context)
{
	counted    *to = context;
	bool		is_repeated;

	(void) pthread_mutex_lock(&to->mutex);
	is_repeated = to->table != NULL && batch->last_sequence_number == to->last;
	if (batch->first_sequence_number != to->last + 1 && !is_repeated)
	{
		tap_diagnostic("batch %" PRIu64 " after fact %" PRIu64, batch->first_sequence_number,
					   to->last);
		to->in_order = false;
	}
	to->last = batch->last_sequence_number;
	(void) pthread_mutex_unlock(&to->mutex);
	return to->table == NULL ? 0 : write_number(batch, to->table);
}

static uint64_t
counted_last(counted *from)
{
	uint64_t	last;

	(void) pthread_mutex_lock(&from->mutex);
	last = from->last;
	(void) pthread_mutex_unlock(&from->mutex);
	return last;
}

/* Every connection of the store is ended again and again, while another program appends. */
static void
test_streams(bool is_transactional)
{
	const char *kind = is_transactional ? "transactional" : "durable";
	factstr_store *store = server_open("");
	factstr_stream_options options = {.start = FACTSTR_FROM_NOW, .transactional = is_transactional};
	factstr_stream *durable = NULL;
	factstr_stream *live = NULL;
	factstr_error error;
	uint64_t	head = (uint64_t) count_facts();
	counted		durable_count = {
		PTHREAD_MUTEX_INITIALIZER, head, true, is_transactional ? "written" : NULL
	};
	counted		live_count = {PTHREAD_MUTEX_INITIALIZER, head, true, NULL};

	(void) server_run(server_session, "CREATE TABLE IF NOT EXISTS written (number bigint)");
	(void) tap_ok(factstr_stream_all_durable(store, kind, &options, count_batch, &durable_count,
											 &durable, &error) == FACTSTR_OK &&
				  factstr_stream_all(store, count_batch, &live_count, &live, &error) == FACTSTR_OK,
				  "%s: streams are opened", kind);
	for (int i = 0; i < 120; i++)
	{
		(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
		if (i % 20 == 10)
			(void) server_terminate("true");
		else if (i % 20 == 15)
			(void) server_terminate("query LIKE '%factstr_stream_ack%'");
	}
	head = (uint64_t) count_facts();
	(void) tap_ok(AWAIT(counted_last(&durable_count) == head && counted_last(&live_count) == head),
				  "%s: everything is delivered", kind);
	(void) tap_ok(durable_count.in_order && live_count.in_order, "%s: in order, once", kind);
	(void) tap_ok(factstr_wait(store, head, kind, PATIENCE, &error) == FACTSTR_OK,
				  "%s: the cursor is where the deliveries are", kind);
	if (is_transactional)
		(void) tap_ok(strcmp(server_run(server_session,
										"SELECT count(*) = 120 AND count(DISTINCT number) = 120"
										" FROM written"), "t") == 0,
					  "%s: each batch was written exactly once", kind);
	(void) tap_ok(AWAIT(factstr_stream_state(durable, NULL) == FACTSTR_OK &&
						factstr_stream_state(live, NULL) == FACTSTR_OK), "%s: the streams are well",
				  kind);
	factstr_stream_free(live);
	factstr_stream_free(durable);
	(void) factstr_close(store);
}

/* A session that takes the stream while its consumer is cut off. */
static void
test_takeover(void)
{
	factstr_store *store = server_open("");
	factstr_stream_options options = {.start = FACTSTR_FROM_NOW};
	factstr_stream *stream;
	factstr_error error = {0};
	uint64_t	head = (uint64_t) count_facts();
	counted		first = {PTHREAD_MUTEX_INITIALIZER, head, true, NULL};
	counted		second = {PTHREAD_MUTEX_INITIALIZER, head + 1, true, NULL};

	(void) factstr_stream_all_durable(store, "taken", &options, count_batch, &first, &stream,
									  &error);
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	(void) tap_ok(AWAIT(counted_last(&first) == head + 1), "a consumer works");
	(void) factstr_wait(store, head + 1, "taken", PATIENCE, NULL);
	(void) server_terminate("query LIKE '%factstr_stream_%'");
	(void) server_run(server_session, "SELECT factstr_stream_hold('taken')");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	(void) tap_ok(AWAIT(factstr_stream_state(stream, &error) == FACTSTR_STREAM_ACTIVE),
				  "cut off and replaced, it ends: %s", error.message);
	(void) server_run(server_session, "SELECT factstr_stream_release('taken')");
	factstr_stream_free(stream);

	(void) tap_ok(factstr_stream_all_durable(store, "taken", NULL, count_batch, &second, &stream,
											 &error) == FACTSTR_OK && second.in_order &&
				  second.last == head + 2, "opened again it goes on where the cursor is");
	(void) tap_ok(factstr_stream_drop(store, "taken", &error) == FACTSTR_STREAM_ACTIVE,
				  "while it is consumed it is not dropped: %s", error.message);
	(void) tap_ok(factstr_stream_seek(store, "taken", 0, &error) == FACTSTR_STREAM_ACTIVE,
				  "nor moved");
	factstr_stream_free(stream);
	(void) tap_ok(AWAIT(factstr_stream_drop(store, "taken", &error) == FACTSTR_OK),
				  "afterwards it is dropped");
	(void) tap_ok(factstr_stream_drop(store, "taken", &error) == FACTSTR_NO_SUCH_STREAM &&
				  factstr_stream_seek(store, "taken", 0, &error) == FACTSTR_NO_SUCH_STREAM &&
				  factstr_wait(store, 1, "taken", 0, &error) == FACTSTR_NO_SUCH_STREAM, "once");
	(void) factstr_close(store);
}

static bool
is_paused(factstr_store *store, const char *name)
{
	factstr_stream_status_list *list;
	bool		is_paused_now = false;

	if (factstr_streams(store, &list, NULL) != FACTSTR_OK)
		return false;
	for (size_t i = 0; i < list->count; i++)
	{
		const factstr_stream_status *status = &list->streams[i];

		if (strcmp(status->name, name) == 0)
			is_paused_now = status->failure_count == 1 && !status->active &&
				status->retry_at > status->last_failed_at &&
				strcmp(status->last_error, "the handler returned 7") == 0;
	}
	factstr_stream_status_list_free(list);
	return is_paused_now;
}

/* One store's failing consumer, and another's that takes over. */
static void
test_two_stores(void)
{
	factstr_store *one = server_open("");
	factstr_store *two = server_open("");
	factstr_stream *failing;
	factstr_stream *next;
	factstr_error error = {0};
	recording	failed = RECORDER_INIT;
	recording	taken = RECORDER_INIT;
	factstr_stream_options now = {.start = FACTSTR_FROM_NOW};
	int			head = count_facts();
	char		log[100];

	(void) factstr_stream_all_durable(one, "s", &now, record, &failed, &failing, &error);
	(void) tap_ok(factstr_stream_all_durable(two, "s", NULL, record, &taken, &next, &error) ==
				  FACTSTR_STREAM_ACTIVE, "another store's consumer is in the way: %s",
				  error.message);
	recorder_fail(&failed, -1);
	(void) append_facts(two, "a", 1);
	(void) tap_ok(await_calls(&failed, 1), "a batch of another store fails");
	(void) tap_ok(AWAIT(strcmp(server_run(server_session, "SELECT concat_ws(' ', failure_count,"
										  " last_error, retry_at > last_failed_at, consumer_pid)"
										  " FROM factstr_stream_status WHERE name = 's'"),
							   "1 the handler returned 7 t") == 0), "as the view shows");
	(void) tap_ok(is_paused(two, "s"), "and the list");
	(void) tap_ok(AWAIT(factstr_stream_all_durable(two, "s", NULL, record, &taken, &next,
												   &error) == FACTSTR_OK),
				  "the other store takes over while it pauses");
	(void) snprintf(log, sizeof(log), "%d-%d(%d)", head + 1, head + 1, head + 1);
	(void) tap_ok(await_log(&taken, log), "from the failed batch on");
	(void) tap_ok(AWAIT(factstr_stream_state(failing, &error) == FACTSTR_STREAM_ACTIVE),
				  "the first one ends: %s", error.message);
	factstr_stream_free(failing);
	factstr_stream_free(next);
	(void) factstr_close(one);
	(void) factstr_close(two);
}

/* Whoever ends a stream does not wait for a server that is not there. */
static void
test_unreachable(void)
{
	factstr_store *store = server_open("");
	factstr_stream *stream;
	factstr_error error = {0};
	recording	recorded = RECORDER_INIT;
	factstr_stream_options now = {.start = FACTSTR_FROM_NOW};
	factstr_event event = {.event_type = "a", .payload = "1"};

	(void) factstr_stream_all_durable(store, "cut", &now, record, &recorded, &stream, &error);
	(void) server_run(server_administrator, "ALTER DATABASE %s ALLOW_CONNECTIONS false",
					  server_database);
	(void) server_terminate("true");
	(void) tap_ok(factstr_append(store, &event, 1, NULL, NULL, &error) == FACTSTR_CONNECTION_LOST,
				  "no connection is to be had: %s", error.message);
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	(void) tap_ok(factstr_append(store, &event, 1, "key", NULL, &error) == FACTSTR_CONNECTION_LOST,
				  "nor in a few seconds");
	(void) server_run(server_administrator, "ALTER DATABASE %s ALLOW_CONNECTIONS true",
					  server_database);
	(void) tap_ok(await_calls(&recorded, 1), "a stream goes on when the server is back");
	(void) server_run(server_administrator, "ALTER DATABASE %s ALLOW_CONNECTIONS false",
					  server_database);
	(void) server_terminate("true");
	factstr_stream_free(stream);
	(void) tap_ok(factstr_close(store) == FACTSTR_OK, "without a server everything is closed");
	(void) server_run(server_administrator, "ALTER DATABASE %s ALLOW_CONNECTIONS true",
					  server_database);
}

/* Notifications switched off cost time, not deliveries. */
static void
test_without_notifications(void)
{
	factstr_store *store = server_open("");
	factstr_stream *stream;
	recording	recorded = RECORDER_INIT;

	(void) factstr_stream_all(store, record, &recorded, &stream, NULL);
	(void) server_run(server_session, "SET factstr.notify = off");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	(void) tap_ok(await_calls(&recorded, 1), "a batch without a notification is delivered");
	(void) server_run(server_session, "RESET factstr.notify");
	for (int i = 0; i < 300; i++)
		(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	(void) tap_ok(await_calls(&recorded, 301), "many with notifications are as well");
	factstr_stream_free(stream);
	(void) factstr_close(store);
}

int
main(void)
{
	if (!server_begin("connections"))
		return 0;
	test_idle_connections();
	test_calls();
	test_streams(false);
	test_streams(true);
	test_takeover();
	test_two_stores();
	test_unreachable();
	test_without_notifications();
	(void) tap_ok(AWAIT(server_count("true") == 0), "no connection is left");
	return server_end();
}
