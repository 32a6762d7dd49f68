/*
 * sqlite_threads.c
 *		Many threads that append to a SQLite store at once, and get into the same transactions.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "stores/handle.h"
#include "stores/sqlite/backend.h"

#include "lib/await.h"
#include "lib/sqlite_files.h"

enum {THREADS = 12, CONTEXTS = 3, APPENDS = 40, KEYS = 20};

static const char *const event_types[CONTEXTS] = {"red", "green", "blue"};

typedef struct worker
{
	factstr_store *store;
	pthread_t	thread;
	int			number;
	int			appended;		/* facts */
	int			conflicts;
	int			faults;			/* errors */
	factstr_append_result keyed[KEYS];
} worker;

/* An unexpected answer. */
static void
note_fault(worker *self, const char *what, const factstr_error *error)
{
	self->faults++;
	tap_diagnostic("%s: %s", what, error->message);
}

/* Adds a fact to one of the contexts, with the version on which it was decided. */
static void
append_to_context(worker *self, int which)
{
	char		context[100];
	char		payload[100];
	factstr_event event = {.event_type = event_types[which], .payload = payload};
	uint64_t	version;
	factstr_error error;
	int			code;

	(void) snprintf(context, sizeof(context), "{\"filters\": [{\"event_types\": [\"%s\"]}]}",
					event_types[which]);
	do
	{
		if (factstr_context_version(self->store, context, &version, &error) != FACTSTR_OK)
		{
			note_fault(self, "version", &error);
			return;
		}
		(void) snprintf(payload, sizeof(payload), "{\"after\": %" PRIu64 "}", version);
		code = factstr_append(self->store, &event, 1, IF_VERSION(context, version, NULL), NULL,
							  &error);
		if (code == FACTSTR_CONFLICT)
			self->conflicts++;
		if (code == FACTSTR_CONFLICT && error.actual_context_version <= version)
			note_fault(self, "a conflict without a newer fact", &error);
	}
	while (code == FACTSTR_CONFLICT);
	if (code == FACTSTR_OK)
		self->appended++;
	else
		note_fault(self, "append_if", &error);
}

/* All threads append the same under the same key. */
static void
append_with_key(worker *self, int which)
{
	char		key[40];
	char		payload[40];
	factstr_event events[2] = {
		{.event_type = "keyed", .payload = payload},
		{.event_type = "keyed", .payload = "{}", .metadata = "{\"n\": 1}"}
	};
	factstr_error error;

	(void) snprintf(key, sizeof(key), "key-%d", which);
	(void) snprintf(payload, sizeof(payload), "{\"key\": %d}", which);
	if (factstr_append(self->store, events, 2, WITH_KEY(key), &self->keyed[which],
					   &error) != FACTSTR_OK)
		note_fault(self, "append with a key", &error);
	if (factstr_append(self->store, events, 1, WITH_KEY(key), NULL, &error) !=
		FACTSTR_IDEMPOTENCY_KEY_REUSED)
		note_fault(self, "append with a used key", &error);
}

/* An import that does not fit, which must not disturb its neighbours in the transaction. */
static void
import_in_vain(worker *self)
{
	factstr_fact fact = {
		.sequence_number = 1000000, .event_type = "imported", .payload = "1"
	};
	factstr_batch batch = {
		.first_sequence_number = 1000000, .last_sequence_number = 1000000, .fact_count = 1,
		.facts = &fact
	};
	factstr_error error;

	if (factstr_import(self->store, &batch, 1, NULL, &error) != FACTSTR_MALFORMED)
		note_fault(self, "import", &error);
}

static void *
work(void *argument)
{
	worker	   *self = argument;

	for (int i = 0; i < APPENDS; i++)
	{
		append_to_context(self, (self->number + i) % CONTEXTS);
		if (i < KEYS)
			append_with_key(self, i);
		if (i % 10 == 0)
			import_in_vain(self);
	}
	return NULL;
}

/* The batches that a stream gets, which must be all of them, in order. */
typedef struct listener
{
	pthread_mutex_t mutex;
	uint64_t	last;
	int			out_of_order;
} listener;

static int
listen_to(const factstr_batch *batch, void *context, factstr_error *error)
{
	listener   *self = context;

	(void) error;
	(void) pthread_mutex_lock(&self->mutex);
	if (batch->first_sequence_number != self->last + 1)
		self->out_of_order++;
	self->last = batch->last_sequence_number;
	(void) pthread_mutex_unlock(&self->mutex);
	return 0;
}

static uint64_t
last_heard(listener *self)
{
	uint64_t	last;

	(void) pthread_mutex_lock(&self->mutex);
	last = self->last;
	(void) pthread_mutex_unlock(&self->mutex);
	return last;
}

/* Each fact of a context has been decided on the one before. */
static void
ok_chain(factstr_store *store, const char *event_type)
{
	char		query[100];
	char		expected[100];
	factstr_query_result *result;
	factstr_error error;
	uint64_t	before = 0;
	int			breaks = 0;

	(void) snprintf(query, sizeof(query), "{\"filters\": [{\"event_types\": [\"%s\"]}]}",
					event_type);
	if (factstr_query(store, query, &result, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (size_t i = 0; i < result->fact_count; i++)
	{
		(void) snprintf(expected, sizeof(expected), "{\"after\": %" PRIu64 "}", before);
		breaks += strcmp(result->facts[i].payload, expected) == 0 ? 0 : 1;
		before = result->facts[i].sequence_number;
	}
	ok_int((int64_t) result->fact_count, THREADS * APPENDS / CONTEXTS,
		   "%s: as many facts as appends", event_type);
	ok_int(breaks, 0, "%s: each of them was decided on the one before", event_type);
	factstr_query_result_free(result);
}

static void
check_workers(const worker *workers, factstr_store *store)
{
	int			conflicts = 0;
	int			faults = 0;
	int			appended = 0;
	int			different = 0;

	for (int i = 0; i < THREADS; i++)
	{
		conflicts += workers[i].conflicts;
		faults += workers[i].faults;
		appended += workers[i].appended;
		different += memcmp(workers[i].keyed, workers[0].keyed, sizeof(workers[0].keyed)) != 0;
	}
	tap_diagnostic("%d conflicts", conflicts);
	ok_int(faults, 0, "every call has had its own answer");
	ok_int(different, 0, "all calls with one key have had the same answer");
	ok_int(appended, THREADS * APPENDS, "every append has been acknowledged in the end");
	ok_int((int64_t) store_head(store), appended + 2 * KEYS,
		   "the acknowledged facts are there, and no others");
}

static void
test_threads(void)
{
	static worker workers[THREADS];
	listener	hears = {.last = 0};
	factstr_store *store;
	factstr_stream *stream;
	factstr_error error;

	sqlite_new_file("threads.db", "");
	store = sqlite_open();
	(void) pthread_mutex_init(&hears.mutex, NULL);
	if (factstr_stream_open(store, NULL, NULL, listen_to, &hears, NULL, &stream, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	for (int i = 0; i < THREADS; i++)
	{
		workers[i].store = store;
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			tap_bail_out("no thread can be started");
	}
	for (int i = 0; i < THREADS; i++)
		(void) pthread_join(workers[i].thread, NULL);

	check_workers(workers, store);
	for (int i = 0; i < CONTEXTS; i++)
		ok_chain(store, event_types[i]);
	ok_int_soon(last_heard(&hears), store_head(store), "a stream has got all batches");
	(void) factstr_stream_close(stream, -1);
	ok_int(hears.out_of_order, 0, "in their order");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	(void) pthread_mutex_destroy(&hears.mutex);
	ok(sqlite_is_intact(), "the file is sound");
}

/* A turn that does not end, and is no delivery's, which would be waited for, has a limit. */
static void
test_long_turn(void)
{
	factstr_store *store;
	factstr_error error;

	sqlite_new_file("turn.db", "?busy_timeout_ms=30");
	store = sqlite_open();
	if (fs_writer_take(store->backend, &error) != FACTSTR_OK)
		tap_bail_out("%s", error.message);
	store->backend->writer.is_delivering = false;
	ok_code(store_append(store, "tested", "1", &error), FACTSTR_BUSY, &error,
			"an append gives up when it has waited for its turn for too long");
	ok_code(fs_writer_take(store->backend, &error), FACTSTR_BUSY, &error,
			"and so does a transaction");
	fs_writer_give(store->backend);
	ok_code(store_append(store, "tested", "1", &error), FACTSTR_OK, &error,
			"the next one gets its turn");
	ok_int((int64_t) store_head(store), 1, "and only that is stored");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

/* The write-ahead log is kept short, however much is appended. */
static void
test_checkpoints(void)
{
	enum {BATCH = 2000, BATCHES = 40};
	static factstr_event events[BATCH];
	static char payloads[BATCH][60];
	char		path[250];
	struct stat status;
	factstr_store *store;
	factstr_error error;
	off_t		largest = 0;

	sqlite_new_file("long.db", "");
	(void) snprintf(path, sizeof(path), "%s-wal", sqlite_path);
	store = sqlite_open();
	for (int i = 0; i < BATCHES; i++)
	{
		for (int j = 0; j < BATCH; j++)
		{
			(void) snprintf(payloads[j], sizeof(payloads[j]), "{\"n\": %d}", i * BATCH + j);
			events[j] = (factstr_event) {.event_type = "filled", .payload = payloads[j]};
		}
		if (factstr_append(store, events, BATCH, NULL, NULL, &error) != FACTSTR_OK)
			tap_bail_out("%s", error.message);
		if (stat(path, &status) == 0 && status.st_size > largest)
			largest = status.st_size;
	}
	tap_diagnostic("the write-ahead log has had up to %ld kB", (long) largest / 1024);
	ok_cmp(largest, "<", 200 * 1024 * 1024, "the write-ahead log does not grow without bounds");
	ok_int((int64_t) store_head(store), BATCH * BATCHES, "and all facts are there");
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	ok_cmp(stat(path, &status), "!=", 0, "the last to close takes it away");
	ok(sqlite_is_intact(), "the file is sound");
}

int
main(void)
{
	sqlite_begin();
	test_threads();
	test_long_turn();
	test_checkpoints();
		return sqlite_end();
}
