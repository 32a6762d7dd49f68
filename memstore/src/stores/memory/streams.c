/*
 * stores/memory/streams.c
 *		Durable streams from outside: listed, moved and dropped.
 */
#include <inttypes.h>

#include "base/times.h"
#include "results/error.h"
#include "results/lists.h"
#include "stores/hub.h"
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/stream_table.h"

/* With the lock.  How old is the first fact after the cursor? */
static int64_t
fs_lag_time(const fs_backend *backend, uint64_t cursor, uint64_t head, int64_t now)
{
	const fs_memory_batch *batch;
	int64_t		age;

	if (cursor >= head)
		return 0;
	batch = fs_memory_log_batch_of(&backend->log, cursor + 1);
	age = now - fs_memory_batch_fact(batch, cursor + 1).occurred_at;
	return age > 0 ? age : 0;
}

static factstr_stream_status
fs_status_of(const fs_backend *backend, const fs_memory_stream *stream, uint64_t head,
			 int64_t now)
{
	return (factstr_stream_status) {
		.name = stream->name,
		.event_query = stream->query.text,
		.cursor_sequence_number = stream->cursor,
		.head_sequence_number = head,
		.lag_facts = head > stream->cursor ? head - stream->cursor : 0,
		.lag_us = fs_lag_time(backend, stream->cursor, head, now),
		.last_success_at = stream->last_success_at,
		.failure_count = stream->failure_count,
		.last_error = stream->last_failed_at == 0 ? NULL : stream->last_error,
		.last_failed_at = stream->last_failed_at,
		.retry_at = stream->retry_at,
		.active = stream->active
	};
}

int
fs_memory_stream_list(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int64_t		now = fs_now();
	bool		added = true;
	uint64_t	head;

	fs_gate_enter(&backend->gate);

	/* Taken after the lock: no cursor is ahead of it then. */
	fs_memory_streams_lock(&backend->streams);
	head = fs_memory_log_head(&backend->log);
	for (size_t i = 0; added && i < backend->streams.count; i++)
	{
		factstr_stream_status status = fs_status_of(backend, backend->streams.streams[i], head,
													now);

		added = fs_stream_list_add(streams, &status);
	}
	fs_memory_streams_unlock(&backend->streams);
	fs_gate_leave(&backend->gate);
	return added ? FACTSTR_OK : fs_error_no_memory(error);
}

/* With the lock: the next stream from a place on that has the name, or is a partition of it; or NULL. */
static fs_memory_stream *
fs_next_of_name(const fs_memory_streams *streams, const char *name, size_t *place)
{
	while (*place < streams->count)
	{
		fs_memory_stream *stream = streams->streams[(*place)++];

		if (fs_is_stream_or_partition(stream->name, &stream->query.parsed, name))
			return stream;
	}
	return NULL;
}

int
fs_memory_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
						factstr_error *error)
{
	const fs_memory_stream *stream;
	size_t		place = 0;

	*cursor = UINT64_MAX;
	fs_memory_streams_lock(&backend->streams);
	while ((stream = fs_next_of_name(&backend->streams, name, &place)) != NULL)
		*cursor = stream->cursor < *cursor ? stream->cursor : *cursor;
	fs_memory_streams_unlock(&backend->streams);
	return *cursor == UINT64_MAX ? fs_error_no_such_stream(error, name) : FACTSTR_OK;
}

/* With the lock: is the stream free, or any of its partitions? */
static int
fs_check_free(const fs_memory_streams *streams, const char *name, factstr_error *error)
{
	const fs_memory_stream *stream;
	size_t		place = 0;
	bool		found = false;

	while ((stream = fs_next_of_name(streams, name, &place)) != NULL)
	{
		if (stream->active)
			return fs_error_stream_active(error, name);
		found = true;
	}
	return found ? FACTSTR_OK : fs_error_no_such_stream(error, name);
}

/* With the lock. */
static int
fs_seek_stream(fs_backend *backend, const char *name, uint64_t sequence_number,
			   factstr_error *error)
{
	uint64_t	head = fs_memory_log_head(&backend->log);
	fs_memory_stream *stream;
	size_t		place = 0;
	int			code = fs_check_free(&backend->streams, name, error);

	if (code != FACTSTR_OK)
		return code;
	if (sequence_number > head)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid sequence_number: %" PRIu64 " is beyond the newest fact, %" PRIu64,
						sequence_number, head);
	while ((stream = fs_next_of_name(&backend->streams, name, &place)) != NULL)
		fs_memory_stream_set_cursor(stream, sequence_number);
	return FACTSTR_OK;
}

int
fs_memory_stream_seek(fs_backend *backend, fs_lease *within, const char *name,
					  uint64_t sequence_number, factstr_error *error)
{
	int			code;

	(void) within;				/* there are no transactions */
	fs_memory_streams_lock(&backend->streams);
	code = fs_seek_stream(backend, name, sequence_number, error);
	fs_memory_streams_unlock(&backend->streams);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}

/* With the lock: does it belong together with others? */
static bool
fs_is_partition(const fs_memory_streams *streams, const char *name)
{
	const fs_memory_stream *stream = fs_memory_stream_find(streams, name);

	return stream != NULL && fs_partition_shared_length(name, &stream->query.parsed) > 0;
}

/* With the lock.  The next stream takes the place of a removed one. */
static int
fs_drop_stream(fs_backend *backend, const char *name, factstr_error *error)
{
	fs_memory_stream *stream;
	size_t		place = 0;
	int			code = fs_check_free(&backend->streams, name, error);

	if (code == FACTSTR_OK && fs_is_partition(&backend->streams, name))
		code = fs_error_is_partition(error, name);
	while (code == FACTSTR_OK &&
		   (stream = fs_next_of_name(&backend->streams, name, &place)) != NULL)
	{
		fs_memory_stream_remove(&backend->streams, stream);
		place--;
	}
	return code;
}

int
fs_memory_stream_drop(fs_backend *backend, fs_lease *within, const char *name,
					  factstr_error *error)
{
	int			code;

	(void) within;
	fs_memory_streams_lock(&backend->streams);
	code = fs_drop_stream(backend, name, error);
	fs_memory_streams_unlock(&backend->streams);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}
