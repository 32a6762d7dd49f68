/*
 * fake_store.h
 *		A store for tests of what is in front of stores: slow, simple, and it fails when told to.
 */
#ifndef FACTSTR_FAKE_STORE_H
#define FACTSTR_FAKE_STORE_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "handle.h"
#include "threads.h"

#define FAKE_MAX_FACTS 20000
#define FAKE_MAX_STREAMS 20

typedef struct fake_fact
{
	factstr_fact fact;
	json_t	   *payload;
	uint64_t	batch_first;
	uint64_t	batch_last;
	char	   *idempotency_key;
} fake_fact;

typedef struct fake_stream
{
	char	   *name;			/* NULL: dropped */
	fs_query	query;
	uint64_t	cursor;
	fs_lease   *holder;
	int			generation;		/* of holders */
	uint32_t	failure_count;
	char	   *last_error;
	int64_t		retry_at;
} fake_stream;

/* What is to fail, and what has been seen.  Guarded by the store's mutex; reset by fake_open. */
typedef struct fake_knobs
{
	int			failing_heads;	/* so many calls fail with FACTSTR_STORAGE */
	int			failing_batches;
	int			failing_reads;
	int			failing_moves;
	int			lying_moves;	/* so many are done, but fail with FACTSTR_CONNECTION_LOST */
	int			failing_resumes;
	int			failing_begins;
	int			failing_watches;

	int			moves;			/* that were done, with delivered true and false */
	int			settlements;
	int			fails;
	int			resumes;
	int			begins;
	int			open_transactions;
	int			watching;
	int64_t		last_retry_at;
} fake_knobs;

struct fs_backend
{
	pthread_mutex_t mutex;
	fs_hub	   *hub;
	size_t		fact_count;
	fake_fact  *facts;
	fake_stream streams[FAKE_MAX_STREAMS];
	fake_knobs	knobs;
};

struct fs_lease
{
	fs_backend *backend;
	fake_stream *stream;
	int			generation;
	bool		has_transaction;
};

/* The one store that was opened last. */
static fs_backend *fake;

static inline void
fake_lock(fs_backend *backend)
{
	(void) pthread_mutex_lock(&backend->mutex);
}

static inline int
fake_unlock(fs_backend *backend, int code)
{
	(void) pthread_mutex_unlock(&backend->mutex);
	return code;
}

static inline bool
fake_fails(int *knob)
{
	if (*knob == 0)
		return false;
	(*knob)--;
	return true;
}

static inline int
fake_storage_failure(factstr_error *error)
{
	return fs_error(error, FACTSTR_STORAGE, "told to fail");
}

static int
fake_open(const char *location, fs_hub *hub, fs_backend **backend, factstr_error *error)
{
	(void) location;
	(void) error;
	fake = *backend = calloc(1, sizeof(fs_backend));
	fake->facts = calloc(FAKE_MAX_FACTS, sizeof(fake_fact));
	fake->hub = hub;
	(void) pthread_mutex_init(&fake->mutex, NULL);
	return FACTSTR_OK;
}

static void
fake_forget_stream(fake_stream *stream)
{
	free(stream->name);
	free(stream->last_error);
	fs_query_release(&stream->query);
	memset(stream, 0, sizeof(*stream));
}

static void
fake_close(fs_backend *backend)
{
	for (size_t i = 0; i < backend->fact_count; i++)
	{
		free((char *) backend->facts[i].fact.event_type);
		free((char *) backend->facts[i].fact.payload);
		free((char *) backend->facts[i].fact.metadata);
		free(backend->facts[i].idempotency_key);
		json_decref(backend->facts[i].payload);
	}
	for (size_t i = 0; i < FAKE_MAX_STREAMS; i++)
		fake_forget_stream(&backend->streams[i]);
	(void) pthread_mutex_destroy(&backend->mutex);
	free(backend->facts);
	free(backend);
}

static inline bool
fake_matches(const fs_backend *backend, size_t index, const fs_query *query)
{
	return query == NULL || fs_query_matches(query, backend->facts[index].fact.event_type,
											 backend->facts[index].payload);
}

static uint64_t
fake_version(const fs_backend *backend, const fs_query *query)
{
	for (size_t i = backend->fact_count; i > 0; i--)
	{
		if (fake_matches(backend, i - 1, query))
			return i;
	}
	return 0;
}

static int
fake_append(fs_backend *backend, const fs_append *append, factstr_append_result *result,
			factstr_error *error)
{
	uint64_t	actual;

	fake_lock(backend);
	if (append->context != NULL)
	{
		actual = fake_version(backend, append->context);
		if (append->expects_empty ? actual != 0 :
			actual == 0 || actual != append->expected_context_version)
			return fake_unlock(backend, fs_error_conflict(error, append->expected_context_version,
														  actual));
	}
	result->first_sequence_number = backend->fact_count + 1;
	result->last_sequence_number = backend->fact_count + append->event_count;
	result->committed_count = append->event_count;
	for (size_t i = 0; i < append->event_count; i++)
	{
		const fs_append_event *event = &append->events[i];
		fake_fact  *fact = &backend->facts[backend->fact_count++];

		fact->fact.sequence_number = backend->fact_count;
		fact->fact.occurred_at = INT64_C(1769847330123456);
		fact->fact.event_type = strdup(event->event_type);
		fact->fact.payload = strdup(event->payload);
		fact->fact.metadata = event->metadata == NULL ? NULL : strdup(event->metadata);
		fact->payload = json_incref(event->payload_document);
		fact->batch_first = result->first_sequence_number;
		fact->batch_last = result->last_sequence_number;
		if (i == 0 && append->idempotency_key != NULL)
			fact->idempotency_key = strdup(append->idempotency_key);
	}
	(void) fake_unlock(backend, FACTSTR_OK);
	fs_hub_wake(backend->hub);
	return FACTSTR_OK;
}

static int
fake_context_version(fs_backend *backend, const fs_query *query, uint64_t *version,
					 factstr_error *error)
{
	(void) error;
	fake_lock(backend);
	*version = fake_version(backend, query);
	return fake_unlock(backend, FACTSTR_OK);
}

static int
fake_head(fs_backend *backend, uint64_t *head, factstr_error *error)
{
	fake_lock(backend);
	if (fake_fails(&backend->knobs.failing_heads))
		return fake_unlock(backend, fake_storage_failure(error));
	*head = backend->fact_count;
	return fake_unlock(backend, FACTSTR_OK);
}

static int
fake_read(fs_backend *backend, const fs_query *query, const fs_range *range, fs_fact_list *facts,
		  factstr_error *error)
{
	fake_lock(backend);
	if (fake_fails(&backend->knobs.failing_reads))
		return fake_unlock(backend, fake_storage_failure(error));
	for (size_t i = 0; i < backend->fact_count && facts->count < range->max_count; i++)
	{
		size_t		index = range->backwards ? backend->fact_count - 1 - i : i;

		if (index + 1 > range->after && index + 1 <= range->up_to &&
			fake_matches(backend, index, query))
			(void) fs_fact_list_add(facts, &backend->facts[index].fact);
	}
	return fake_unlock(backend, FACTSTR_OK);
}

static int
fake_query(fs_backend *backend, const fs_query *query, fs_fact_list *facts, uint64_t *version,
		   factstr_error *error)
{
	int64_t		min = query->parsed.has_min_sequence_number ?
		query->parsed.min_sequence_number : 0;
	fs_range	range = {min > 0 ? (uint64_t) min : 0, UINT64_MAX, SIZE_MAX, false};

	(void) fake_context_version(backend, query, version, error);
	return fake_read(backend, query, &range, facts, error);
}

static int
fake_batches_unlocked(fs_backend *backend, const fs_query *query, uint64_t after,
					  size_t max_batches, fs_batch_list *batches, uint64_t *searched,
					  factstr_error *error)
{
	*searched = backend->fact_count;
	for (size_t i = 0; i < backend->fact_count; i++)
	{
		const fake_fact *fact = &backend->facts[i];
		bool		is_begun = batches->count > 0 &&
			batches->batches[batches->count - 1].first_sequence_number == fact->batch_first;

		if (fact->batch_first <= after || !fake_matches(backend, i, query))
			continue;
		if (!is_begun && batches->count == max_batches)
			break;
		if ((!is_begun && !fs_batch_list_begin(batches, fact->batch_first, fact->batch_last,
											   query == NULL ? fact->idempotency_key : NULL)) ||
			!fs_batch_list_add(batches, &fact->fact))
			return fs_error_no_memory(error);
	}
	if (batches->count == max_batches)
		*searched = batches->batches[max_batches - 1].last_sequence_number;
	return FACTSTR_OK;
}

static int
fake_batches(fs_backend *backend, const fs_query *query, uint64_t after, size_t max_batches,
			 fs_batch_list *batches, uint64_t *searched, factstr_error *error)
{
	fake_lock(backend);
	if (fake_fails(&backend->knobs.failing_batches))
		return fake_unlock(backend, fake_storage_failure(error));
	return fake_unlock(backend, fake_batches_unlocked(backend, query, after, max_batches, batches,
													  searched, error));
}

static int
fake_export_batches(fs_backend *backend, uint64_t after, size_t max_batches,
					fs_batch_list *batches, factstr_error *error)
{
	uint64_t	searched;

	return fake_batches(backend, NULL, after, max_batches, batches, &searched, error);
}

/* Counts what it is given, and takes nothing over. */
static int
fake_import_batches(fs_backend *backend, const factstr_batch *batches,
					fs_append_event *const *events, size_t count, factstr_error *error)
{
	(void) backend;
	for (size_t i = 0; i < count; i++)
	{
		for (size_t j = 0; j < batches[i].fact_count; j++)
		{
			if (strcmp(events[i][j].event_type, batches[i].facts[j].event_type) != 0 ||
				events[i][j].payload_document == NULL)
				return fs_error(error, FACTSTR_MISUSE, "events do not belong to batches");
		}
	}
	return FACTSTR_OK;
}

static int
fake_watch(fs_backend *backend, factstr_error *error)
{
	fake_lock(backend);
	if (fake_fails(&backend->knobs.failing_watches))
		return fake_unlock(backend, fake_storage_failure(error));
	backend->knobs.watching++;
	return fake_unlock(backend, FACTSTR_OK);
}

static void
fake_unwatch(fs_backend *backend)
{
	fake_lock(backend);
	backend->knobs.watching--;
	(void) fake_unlock(backend, FACTSTR_OK);
}

static fake_stream *
fake_find_stream(fs_backend *backend, const char *name)
{
	for (size_t i = 0; i < FAKE_MAX_STREAMS; i++)
	{
		if (backend->streams[i].name != NULL && strcmp(backend->streams[i].name, name) == 0)
			return &backend->streams[i];
	}
	return NULL;
}

static fake_stream *
fake_make_stream(fs_backend *backend, const fs_claim *claim, factstr_error *error)
{
	fake_stream *stream = backend->streams;

	while (stream->name != NULL)
		stream++;
	(void) fs_query_parse(claim->query->text, &stream->query, error);
	stream->name = strdup(claim->name);
	stream->cursor = claim->start == FACTSTR_FROM_NOW ? backend->fact_count : 0;
	return stream;
}

static int
fake_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				  factstr_error *error)
{
	fake_stream *stream;

	fake_lock(backend);
	stream = fake_find_stream(backend, claim->name);
	if (stream == NULL)
		stream = fake_make_stream(backend, claim, error);
	if (!fs_query_equal(&stream->query, claim->query))
		return fake_unlock(backend, fs_error_stream_query_differs(error, claim->name));
	if (stream->holder != NULL)
		return fake_unlock(backend, fs_error_stream_active(error, claim->name));
	*lease = calloc(1, sizeof(fs_lease));
	(*lease)->backend = backend;
	(*lease)->stream = stream;
	(*lease)->generation = ++stream->generation;
	stream->holder = *lease;
	*cursor = stream->cursor;
	return fake_unlock(backend, FACTSTR_OK);
}

/* Is the stream still there, and nobody else's?  With the mutex held. */
static int
fake_check_lease(const fs_lease *lease, factstr_error *error)
{
	if (lease->stream->name == NULL)
		return fs_error_no_such_stream(error, "dropped");
	if (lease->stream->generation != lease->generation)
		return fs_error_stream_active(error, lease->stream->name);
	return FACTSTR_OK;
}

static int
fake_stream_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	fs_backend *backend = lease->backend;

	fake_lock(backend);
	if (fake_fails(&backend->knobs.failing_begins))
		return fake_unlock(backend, fake_storage_failure(error));
	backend->knobs.begins++;
	backend->knobs.open_transactions++;
	lease->has_transaction = true;
	*transaction = lease;
	return fake_unlock(backend, FACTSTR_OK);
}

static void
fake_end_transaction(fs_lease *lease)
{
	if (lease->has_transaction)
		lease->backend->knobs.open_transactions--;
	lease->has_transaction = false;
}

static int
fake_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	fake_knobs *knobs = &lease->backend->knobs;
	fake_stream *stream = lease->stream;
	int			code = fake_check_lease(lease, error);

	if (code != FACTSTR_OK)
		return code;
	if (fake_fails(&knobs->failing_moves))
		return fake_storage_failure(error);
	fake_end_transaction(lease);
	if (cursor > stream->cursor)
		stream->cursor = cursor;
	stream->failure_count = 0;
	stream->retry_at = 0;
	*(delivered ? &knobs->moves : &knobs->settlements) += 1;
	return fake_fails(&knobs->lying_moves) ?
		fs_error(error, FACTSTR_CONNECTION_LOST, "told to lose the connection") : FACTSTR_OK;
}

static int
fake_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	int			code;

	fake_lock(lease->backend);
	code = fake_unlock(lease->backend, fake_move(lease, cursor, delivered, error));
	fs_hub_wake_cursors(lease->backend->hub);
	return code;
}

static int
fake_stream_fail(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	fake_stream *stream = lease->stream;
	int			code;

	fake_lock(backend);
	fake_end_transaction(lease);
	backend->knobs.fails++;
	backend->knobs.last_retry_at = retry_at;
	code = fake_check_lease(lease, error);
	if (code == FACTSTR_OK)
	{
		free(stream->last_error);
		stream->last_error = strdup(words);
		stream->failure_count++;
		stream->retry_at = retry_at;
		stream->holder = NULL;
	}
	return fake_unlock(backend, code);
}

static int
fake_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	int			code;

	fake_lock(backend);
	fake_end_transaction(lease);
	if (fake_fails(&backend->knobs.failing_resumes))
		return fake_unlock(backend, fake_storage_failure(error));
	backend->knobs.resumes++;
	code = fake_check_lease(lease, error);
	if (code == FACTSTR_OK)
	{
		lease->stream->holder = lease;
		*cursor = lease->stream->cursor;
	}
	return fake_unlock(backend, code);
}

static void
fake_stream_release(fs_lease *lease)
{
	fs_backend *backend = lease->backend;

	fake_lock(backend);
	fake_end_transaction(lease);
	if (lease->stream->holder == lease)
		lease->stream->holder = NULL;
	(void) fake_unlock(backend, FACTSTR_OK);
	free(lease);
}

static int
fake_streams(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = FACTSTR_OK;

	fake_lock(backend);
	for (size_t i = 0; i < FAKE_MAX_STREAMS && code == FACTSTR_OK; i++)
	{
		const fake_stream *stream = &backend->streams[i];
		factstr_stream_status status = {
			.name = stream->name,
			.event_query = stream->query.text,
			.cursor_sequence_number = stream->cursor,
			.head_sequence_number = backend->fact_count,
			.lag_facts = backend->fact_count - stream->cursor,
			.lag_time = INT64_C(1500000),
			.failure_count = stream->failure_count,
			.last_error = stream->last_error,
			.retry_at = stream->retry_at,
			.active = stream->holder != NULL
		};

		if (stream->name != NULL && !fs_stream_list_add(streams, &status))
			code = fs_error_no_memory(error);
	}
	return fake_unlock(backend, code);
}

static int
fake_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor, factstr_error *error)
{
	const fake_stream *stream;

	fake_lock(backend);
	stream = fake_find_stream(backend, name);
	if (stream == NULL)
		return fake_unlock(backend, fs_error_no_such_stream(error, name));
	*cursor = stream->cursor;
	return fake_unlock(backend, FACTSTR_OK);
}

/* Drops it, or lets it go on after a fact. */
static int
fake_change_stream(fs_backend *backend, const char *name, const uint64_t *cursor,
				   factstr_error *error)
{
	fake_stream *stream;

	fake_lock(backend);
	stream = fake_find_stream(backend, name);
	if (stream == NULL)
		return fake_unlock(backend, fs_error_no_such_stream(error, name));
	if (stream->holder != NULL)
		return fake_unlock(backend, fs_error_stream_active(error, name));
	if (cursor != NULL)
		stream->cursor = *cursor;
	else
		fake_forget_stream(stream);
	return fake_unlock(backend, FACTSTR_OK);
}

static int
fake_stream_seek(fs_backend *backend, const char *name, uint64_t sequence_number,
				 factstr_error *error)
{
	return fake_change_stream(backend, name, &sequence_number, error);
}

static int
fake_stream_drop(fs_backend *backend, const char *name, factstr_error *error)
{
	return fake_change_stream(backend, name, NULL, error);
}

static const fs_methods fake_methods = {
	.open = fake_open,
	.close = fake_close,
	.append = fake_append,
	.query = fake_query,
	.context_version = fake_context_version,
	.head = fake_head,
	.read = fake_read,
	.batches = fake_batches,
	.export_batches = fake_export_batches,
	.import_batches = fake_import_batches,
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.stream_claim = fake_stream_claim,
	.stream_begin = fake_stream_begin,
	.stream_move = fake_stream_move,
	.stream_fail = fake_stream_fail,
	.stream_resume = fake_stream_resume,
	.stream_release = fake_stream_release,
	.streams = fake_streams,
	.stream_cursor = fake_stream_cursor,
	.stream_seek = fake_stream_seek,
	.stream_drop = fake_stream_drop
};

/* A new store; "fake" is what is behind it. */
static factstr_store *
fake_store_open(void)
{
	factstr_store *store = NULL;
	factstr_error error;

	if (fs_open_methods(&fake_methods, "", &store, &error) != FACTSTR_OK)
		abort();
	return store;
}

/* Sets a knob, or reads one, while threads may be running. */
static inline void
fake_set(int *knob, int value)
{
	fake_lock(fake);
	*knob = value;
	(void) fake_unlock(fake, 0);
}

static inline int
fake_get(const int *knob)
{
	int			value;

	fake_lock(fake);
	value = *knob;
	(void) fake_unlock(fake, 0);
	return value;
}

#endif							/* FACTSTR_FAKE_STORE_H */
