/*
 * postgres_connections.c
 *		Tests of the PostgreSQL store: connections that break at any moment, and several stores.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stores/handle.h"
#include "stores/postgres/libpq.h"

#include "lib/await.h"
#include "lib/postgres_server.h"
#include "lib/recording.h"

#define WAITING_FOR_LOCK "wait_event_type = 'Lock'"
/* Pauses after failures, in ms: as good as none, and one that can be looked at. */
#define SHORT_PAUSE 5
#define VISIBLE_PAUSE 1000

#define FAILURE_SHOWN "SELECT concat_ws(' ', failure_count, last_error, retry_at > last_failed_at," \
	" consumer_pid) FROM factstr_stream_status WHERE name = 's'"
#define EVENT "[{\"event_type\": \"beside\", \"payload\": 1}]"

/* A call on a separate thread, for the time that it waits. */
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

	call->code = factstr_append(call->store, &event, 1, WITH_KEY(call->key), &call->appended,
								&call->error);
	return NULL;
}

static void *
append_if_on_thread(void *argument)
{
	pending_call *call = argument;
	factstr_event event = {.event_type = "once", .payload = "{\"n\": 1}"};

	call->code = factstr_append(call->store, &event, 1,
								IF_VERSION("{\"filters\": [{\"event_types\": [\"once\"]}]}", 0,
										   call->key),
								&call->appended, &call->error);
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

/* A call of a store waits for a lock. */
static void
ok_waiting(const char *name)
{
	ok_int_soon(server_count(WAITING_FOR_LOCK), 1, "%s", name);
}

/* A call of a store waits for a lock, and its connection breaks. */
static void
ok_breaks(const char *name)
{
	ok_int_soon(server_count(WAITING_FOR_LOCK), 1, "%s: it waits", name);
	ok(server_terminate(WAITING_FOR_LOCK), "%s: its connection breaks", name);
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
	factstr_error error;
	uint64_t	version;

	(void) store_append_batch(store, "a", 1);
	ok_int(server_count("true"), 1, "a store of one thread has one connection");
	ok(server_terminate("true"), "which the server ends");
	ok_code(store_append(store, "a", NULL, &error), FACTSTR_OK, &error,
			"an append without a key goes over another one");
	(void) server_terminate("true");
	ok_code(factstr_context_version(store, NULL, &version, &error), FACTSTR_OK, &error,
			"so does a read");
	ok_int((int64_t) version, 2, "which sees both facts");
	ok_code(factstr_read_open(store, NULL, NULL, &cursor, &error), FACTSTR_OK, &error,
			"a cursor is opened");
	ok_code(factstr_read_next(cursor, &fact, &error), FACTSTR_OK, &error, "and gives a fact");
	(void) server_terminate("true");
	ok_code(factstr_read_next(cursor, &fact, &error), FACTSTR_OK, &error,
			"without its connection it continues");
	ok_int(fact == NULL ? 0 : (int64_t) fact->sequence_number, 2, "with the next fact");
	factstr_read_close(cursor);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
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
	ok_breaks("an append without a key");
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_CONNECTION_LOST, &call.error, "that is reported: %s",
			call.error.message);
	ok_int((int64_t) call.appended.committed_count, 0, "without a result");

	start_call(&call, append_on_thread, store, "key 1");
	for (int i = 0; i < 3; i++)
		ok_breaks("an append with a key");
	ok_waiting("it is repeated each time");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_OK, &call.error, "until it has succeeded");
	ok_int(count_facts(), before + 1, "once");

	/* Its own facts have changed the context by the time it is repeated. */
	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, append_if_on_thread, store, "key 2");
	ok_breaks("a conditional append");
	ok_waiting("it is repeated, too");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_OK, &call.error, "and succeeds");
	ok_int(count_facts(), before + 2, "once");

	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, read_on_thread, store, NULL);
	ok_breaks("a read");
	ok_waiting("it is repeated");
	(void) server_run(server_session, "ROLLBACK");
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_OK, &call.error, "and answered");
	ok_int((int64_t) call.version, before + 2, "with the newest fact");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* While the server works on a call, which is not done then. */
static void
test_ended_calls(void)
{
	factstr_store *store = server_open("");
	pending_call call;
	int			before = count_facts();

	(void) server_run(server_session, "BEGIN");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	start_call(&call, append_on_thread, store, "interrupted");
	ok_waiting("an append waits for the server");
	factstr_interrupt(store);
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_INTERRUPTED, &call.error, "it is interrupted: %s",
			call.error.message);
	(void) server_run(server_session, "ROLLBACK");
	ok_int(count_facts(), before, "nothing was stored");
	ok_code(store_append(store, "a", NULL, NULL), FACTSTR_OK, NULL, "the store continues");

	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, read_on_thread, store, NULL);
	ok_waiting("a read waits for the server");
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "closing ends it");
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, FACTSTR_CLOSED, &call.error, "%s", call.error.message);
	(void) server_run(server_session, "ROLLBACK");
}

/*
 * Interrupts while calls end by themselves: a cancel that comes too late must not meet the next call.
 */
#define STORM_THREADS 4
#define STORM_CALLS 200

typedef struct storm_thread
{
	pthread_t	thread;
	factstr_store *store;
	int			number;
	int			interrupted;
	int			failed;
	factstr_error error;		/* of the last one that failed */
} storm_thread;

static atomic_int storm_threads_left;

static void *
call_in_storm(void *argument)
{
	storm_thread *self = argument;

	for (int i = 0; i < STORM_CALLS; i++)
	{
		factstr_event event = {.event_type = "storm", .payload = "{\"n\": 1}"};
		factstr_error error;
		uint64_t	version;
		int			code = i % 2 == 0 ? factstr_append(self->store, &event, 1, NULL, NULL, &error) :
			factstr_context_version(self->store, NULL, &version, &error);

		if (code == FACTSTR_INTERRUPTED)
			self->interrupted++;
		else if (code != FACTSTR_OK)
		{
			self->failed++;
			self->error = error;
		}
	}
	(void) atomic_fetch_sub(&storm_threads_left, 1);
	return NULL;
}

static void
storm_of_interrupts(const char *name)
{
	factstr_store *store = server_open("");
	storm_thread threads[STORM_THREADS] = {0};
	int			interrupted = 0;

	storm_threads_left = STORM_THREADS;
	for (int i = 0; i < STORM_THREADS; i++)
	{
		threads[i].store = store;
		if (pthread_create(&threads[i].thread, NULL, call_in_storm, &threads[i]) != 0)
			abort();
	}
	while (atomic_load(&storm_threads_left) > 0)
	{
		/* Appends wait, some until they are interrupted and others until they may continue. */
		(void) server_run(server_session, "BEGIN");
		(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
		for (int i = 0; i < 10; i++)
		{
			factstr_interrupt(store);
			(void) poll(NULL, 0, 1);
		}
		(void) server_run(server_session, "ROLLBACK");
	}
	for (int i = 0; i < STORM_THREADS; i++)
	{
		(void) pthread_join(threads[i].thread, NULL);
		ok_int(threads[i].failed, 0, "no call of a storm of interrupts ends otherwise, %s: %s",
			   name, threads[i].failed == 0 ? "none" : threads[i].error.message);
		interrupted += threads[i].interrupted;
	}
	ok(interrupted > 0, "some of them are interrupted");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

#ifndef FACTSTR_LINKS_LIBPQ

/* Like a pooler that takes a cancel, and gives it to the server later: when the statement may have ended. */
#define LATE 20					/* ms */

#undef PQcancel
#undef PQfreeCancel

static fs_libpq_functions real_libpq;
static atomic_int late_cancels;

static void *
cancel_late(void *argument)
{
	char		words[256];

	(void) poll(NULL, 0, LATE);
	(void) real_libpq.PQcancel(argument, words, (int) sizeof(words));
	real_libpq.PQfreeCancel(argument);
	(void) atomic_fetch_sub(&late_cancels, 1);
	return NULL;
}

static int
take_cancel(PGcancel *cancel, char *words, int size)
{
	pthread_t	thread;

	(void) words;
	(void) size;
	(void) atomic_fetch_add(&late_cancels, 1);
	if (pthread_create(&thread, NULL, cancel_late, cancel) != 0)
		abort();
	(void) pthread_detach(thread);
	return 1;
}

static void
leave_to_late_cancel(PGcancel *cancel)
{
	(void) cancel;
}

static void
test_late_cancels(void)
{
	real_libpq = fs_libpq;
	fs_libpq.PQcancel = take_cancel;
	fs_libpq.PQfreeCancel = leave_to_late_cancel;
	storm_of_interrupts("with cancels that come late");
	(void) AWAIT(atomic_load(&late_cancels) == 0);
	fs_libpq = real_libpq;
}

#else

static void
test_late_cancels(void)
{
	tap_diagnostic("libpq is linked: no late cancels");
}

#endif

static void
test_storm_of_interrupts(void)
{
	storm_of_interrupts("at once");
	test_late_cancels();
}

/*
 * The facts that a stream received, one after the other.
 */
typedef struct counted
{
	pthread_mutex_t mutex;
	uint64_t	last;
	int			out_of_order;	/* gaps and duplicates */
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
count_batch(const factstr_batch *batch, void *context, factstr_error *error)
{
	counted    *to = context;
	bool		is_repeated;

	(void) error;
	(void) pthread_mutex_lock(&to->mutex);
	is_repeated = to->table != NULL && batch->last_sequence_number == to->last;
	if (batch->first_sequence_number != to->last + 1 && !is_repeated)
	{
		tap_diagnostic("batch %" PRIu64 " after fact %" PRIu64, batch->first_sequence_number,
					   to->last);
		to->out_of_order++;
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
	factstr_stream_options options = {
		.size = sizeof(options),
		.start = FACTSTR_FROM_NOW,
		.transactional = is_transactional
	};
	factstr_stream *durable = NULL;
	factstr_stream *live = NULL;
	factstr_error error;
	uint64_t	head = (uint64_t) count_facts();
	counted		durable_count = {
		PTHREAD_MUTEX_INITIALIZER, head, 0, is_transactional ? "written" : NULL
	};
	counted		live_count = {PTHREAD_MUTEX_INITIALIZER, head, 0, NULL};

	(void) server_run(server_session, "CREATE TABLE IF NOT EXISTS written (number bigint)");
	store->first_pause = SHORT_PAUSE;
	ok_code(factstr_stream_open(store, kind, NULL, count_batch, &durable_count, &options, &durable,
								&error), FACTSTR_OK, &error, "%s: a stream is opened", kind);
	ok_code(factstr_stream_open(store, NULL, NULL, count_batch, &live_count, NULL, &live, &error), FACTSTR_OK, &error,
			"%s: and one that is not durable", kind);
	for (int i = 0; i < 120; i++)
	{
		(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
		if (i % 20 == 10)
			(void) server_terminate("true");
		else if (i % 20 == 15)
			(void) server_terminate("query LIKE '%factstr_stream_ack%'");
	}
	head = (uint64_t) count_facts();
	ok_int_soon(counted_last(&durable_count), head, "%s: everything is delivered", kind);
	ok_int_soon(counted_last(&live_count), head, "%s: also to the one that is not durable", kind);
	ok_int(durable_count.out_of_order, 0, "%s: in order, once", kind);
	ok_int(live_count.out_of_order, 0, "%s: also that", kind);
	ok_code(factstr_wait(store, kind, head, PATIENCE, &error), FACTSTR_OK, &error,
			"%s: the cursor is where the deliveries are", kind);
	if (is_transactional)
		ok_str(server_run(server_session, "SELECT count(*) || ' ' || count(DISTINCT number)"
						  " FROM written"), "120 120", "%s: each batch was written exactly once",
			   kind);
	ok_code_soon(factstr_stream_state(durable, NULL), FACTSTR_OK, NULL,
				 "%s: the state of the stream is good", kind);
	ok_code_soon(factstr_stream_state(live, NULL), FACTSTR_OK, NULL, "%s: and of the other", kind);
	(void) factstr_stream_close(live, -1);
	(void) factstr_stream_close(durable, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* A session that takes the stream while its consumer is cut off. */
static void
test_takeover(void)
{
	factstr_store *store = server_open("");
	factstr_stream_options options = {.size = sizeof(options), .start = FACTSTR_FROM_NOW};
	factstr_stream *stream;
	factstr_error error = {0};
	uint64_t	head = (uint64_t) count_facts();
	counted		first = {PTHREAD_MUTEX_INITIALIZER, head, 0, NULL};
	counted		second = {PTHREAD_MUTEX_INITIALIZER, head + 1, 0, NULL};

	(void) factstr_stream_open(store, "taken", NULL, count_batch, &first, &options, &stream,
							   &error);
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	ok_int_soon(counted_last(&first), head + 1, "a consumer works");
	(void) factstr_wait(store, "taken", head + 1, PATIENCE, NULL);
	(void) server_terminate("query LIKE '%factstr_stream_%'");
	(void) server_run(server_session, "SELECT factstr_stream_hold('taken')");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	ok_code_soon(factstr_stream_state(stream, &error), FACTSTR_STREAM_ACTIVE, &error,
				 "cut off and replaced, it ends: %s", error.message);
	(void) server_run(server_session, "SELECT factstr_stream_release('taken')");
	(void) factstr_stream_close(stream, -1);

	ok_code(factstr_stream_open(store, "taken", NULL, count_batch, &second, NULL, &stream, &error),
			FACTSTR_OK, &error, "it is opened again");
	ok_int(second.out_of_order, 0, "it continues where the cursor is");
	ok_int((int64_t) counted_last(&second), (int64_t) head + 2, "to the newest fact");
	ok_code(factstr_stream_drop(store, "taken", &error), FACTSTR_STREAM_ACTIVE, &error,
			"while it is consumed it is not dropped: %s", error.message);
	ok_code(factstr_stream_seek(store, "taken", 0, &error), FACTSTR_STREAM_ACTIVE, &error,
			"nor moved");
	(void) factstr_stream_close(stream, -1);
	ok_code_soon(factstr_stream_drop(store, "taken", &error), FACTSTR_OK, &error,
				 "afterwards it is dropped");
	ok_code(factstr_stream_drop(store, "taken", &error), FACTSTR_NO_SUCH_STREAM, &error, "once");
	ok_code(factstr_stream_seek(store, "taken", 0, &error), FACTSTR_NO_SUCH_STREAM, &error,
			"then it cannot be moved");
	ok_code(factstr_wait(store, "taken", 1, 0, &error), FACTSTR_NO_SUCH_STREAM, &error,
			"nor waited for");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* The stream "s" has failed once, and pauses. */
static void
ok_paused(factstr_store *store)
{
	factstr_stream_status_list *list;
	const factstr_stream_status *status;
	factstr_error error;

	if (factstr_streams(store, &list, &error) != FACTSTR_OK || !ok_int((int64_t) list->count, 1, "one stream is listed"))
		tap_bail_out("there is not one stream");
	status = &list->streams[0];
	ok_int(status->failure_count, 1, "it has failed once");
	ok_str(status->last_error, "the handler returned 7", "with these words");
	ok_cmp(status->retry_at, ">", status->last_failed_at, "it will be tried again later");
	ok(!status->active, "it is not active until then");
	factstr_stream_status_list_free(list);
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
	recording	failed = RECORDING_INIT;
	recording	taken = RECORDING_INIT;
	factstr_stream_options now = {.size = sizeof(now), .start = FACTSTR_FROM_NOW};
	int			head = count_facts();
	char		log[100];

	/* Time enough to look at the pause. */
	one->first_pause = VISIBLE_PAUSE;
	(void) server_run(server_session, "SELECT factstr_stream_drop(name) FROM factstr_stream_status");
	(void) factstr_stream_open(one, "s", NULL, recording_handler, &failed, &now, &failing, &error);
	ok_code(factstr_stream_open(two, "s", NULL, recording_handler, &taken, NULL, &next, &error),
			FACTSTR_STREAM_ACTIVE, &error, "another store's consumer is in the way: %s",
			error.message);
	recording_fail(&failed, -1);
	(void) store_append_batch(two, "a", 1);
	ok(recording_await_calls(&failed, 1), "a batch of another store fails");
	ok(AWAIT(strcmp(server_run(server_session, FAILURE_SHOWN), "1 the handler returned 7 t") == 0),
	   "as the view shows");
	ok_paused(two);
	ok_code_soon(factstr_stream_open(two, "s", NULL, recording_handler, &taken, NULL, &next,
									 &error), FACTSTR_OK, &error,
				 "the other store takes over while it pauses");
	(void) snprintf(log, sizeof(log), "%d-%d(%d)", head + 1, head + 1, head + 1);
	ok_recorded(&taken, log, "from the failed batch on");
	ok_code_soon(factstr_stream_state(failing, &error), FACTSTR_STREAM_ACTIVE, &error,
				 "the first one ends: %s", error.message);
	(void) factstr_stream_close(failing, -1);
	(void) factstr_stream_close(next, -1);
	(void) factstr_close(one, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) factstr_close(two, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
allow_connections(bool allowed)
{
	(void) server_run(server_administrator, "ALTER DATABASE %s ALLOW_CONNECTIONS %s", server_database,
					  allowed ? "true" : "false");
}

/* The connection breaks over a call, and then there is no other to be had. */
static void
ok_lost_for_good(void *(*work) (void *), const char *key, int code, const char *name)
{
	factstr_store *store = server_open("");
	pending_call call;

	(void) server_run(server_session, "BEGIN; LOCK TABLE factstr_events");
	start_call(&call, work, store, key);
	ok_waiting(name);
	allow_connections(false);
	(void) server_terminate(WAITING_FOR_LOCK);
	(void) pthread_join(call.thread, NULL);
	ok_code(call.code, code, &call.error, "%s is lost, and there is no server any more: %s", name,
			call.error.message);
	(void) server_run(server_session, "ROLLBACK");
	allow_connections(true);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_lost_for_good(void)
{
	ok_lost_for_good(append_on_thread, NULL, FACTSTR_CONNECTION_LOST, "an append");
	ok_lost_for_good(append_on_thread, "lost", FACTSTR_CONNECTION_LOST, "an append with a key");
	ok_lost_for_good(read_on_thread, NULL, FACTSTR_NOT_CONNECTED, "a read");
}

/*
 * Without a connection nothing is unknown: nothing was sent.  And ending a stream does not wait for a
 * server that is not there.
 */
static void
test_unreachable(void)
{
	factstr_store *store = server_open("");
	factstr_stream *stream;
	factstr_stream *other;
	factstr_error error = {0};
	recording	recorded = RECORDING_INIT;
	factstr_stream_options now = {.size = sizeof(now), .start = FACTSTR_FROM_NOW};
	factstr_event event = {.event_type = "a", .payload = "1"};
	uint64_t	version;

	(void) factstr_stream_open(store, "cut", NULL, recording_handler, &recorded, &now, &stream,
							   &error);
	allow_connections(false);
	(void) server_terminate("true");
	ok_code(factstr_append(store, &event, 1, NULL, NULL, &error), FACTSTR_NOT_CONNECTED, &error,
			"no connection is to be had: %s", error.message);
	ok_code(factstr_context_version(store, NULL, &version, &error), FACTSTR_NOT_CONNECTED, &error,
			"for a read neither");
	ok_code(factstr_stream_drop(store, "s", &error), FACTSTR_NOT_CONNECTED, &error,
			"nor to drop a stream");
	ok_code(factstr_stream_open(store, "other", NULL, recording_handler, &recorded, &now, &other,
								&error), FACTSTR_NOT_CONNECTED, &error, "nor to open one");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	ok_code(factstr_append(store, &event, 1, WITH_KEY("key"), NULL,
						   &error), FACTSTR_NOT_CONNECTED, &error,
			"nor in a few seconds");
	allow_connections(true);
	ok(recording_await_calls(&recorded, 1), "a stream continues when the server is back");
	allow_connections(false);
	(void) server_terminate("true");
	(void) factstr_stream_close(stream, -1);
	ok_code(factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS), FACTSTR_OK, NULL, "without a server everything is closed");
	allow_connections(true);
}

/* Notifications switched off cost time, not deliveries. */
static void
test_without_notifications(void)
{
	factstr_store *store = server_open("");
	factstr_stream *stream;
	recording	recorded = RECORDING_INIT;

	(void) factstr_stream_open(store, NULL, NULL, recording_handler, &recorded, NULL, &stream,
							   NULL);
	(void) server_run(server_session, "SET factstr.notify = off");
	(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	ok(recording_await_calls(&recorded, 1), "a batch without a notification is delivered");
	(void) server_run(server_session, "RESET factstr.notify");
	for (int i = 0; i < 300; i++)
		(void) server_run(server_session, "SELECT factstr_append('%s')", EVENT);
	ok(recording_await_calls(&recorded, 301), "many with notifications are as well");
	(void) factstr_stream_close(stream, -1);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

int
main(void)
{
	if (!server_begin("connections"))
		return 0;
	test_idle_connections();
	test_calls();
	test_ended_calls();
	test_storm_of_interrupts();
	test_streams(false);
	test_streams(true);
	test_takeover();
	test_two_stores();
	test_lost_for_good();
	test_unreachable();
	test_without_notifications();
	ok_int_soon(server_count("true"), 0, "no connection is left");
	return server_end();
}
