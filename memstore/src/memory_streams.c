/*
 * memory_streams.c
 *		The durable streams of the memory store, which last as long as it does.
 *
 * Every claim has a number.  A stream remembers its last one, so a lease that has given up the name
 * can tell whether somebody else has had it since.  Leases keep the name, not the stream, which may
 * be dropped meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory_backend.h"
#include "times.h"
#include "utf8.h"

#define FS_LAST_ERROR_BYTES 512

typedef struct fs_memory_stream
{
	char	   *name;
	fs_query	query;
	uint64_t	cursor;
	uint64_t	claim;			/* the last one */
	bool		active;			/* the consumer with that claim has the name */
	int64_t		last_success_at;
	uint32_t	failure_count;
	char		last_error[FS_LAST_ERROR_BYTES];
	int64_t		last_failed_at; /* 0: never, and then there is no last error either */
	int64_t		retry_at;
} fs_memory_stream;

struct fs_lease
{
	fs_backend *backend;
	uint64_t	claim;
	bool		held;
	char		name[];
};

bool
fs_memory_streams_init(fs_memory_streams *streams)
{
	return pthread_mutex_init(&streams->lock, NULL) == 0;
}

static void
fs_stream_free(fs_memory_stream *stream)
{
	if (stream == NULL)
		return;
	fs_query_release(&stream->query);
	free(stream->name);
	free(stream);
}

void
fs_memory_streams_destroy(fs_memory_streams *streams)
{
	for (size_t i = 0; i < streams->count; i++)
		fs_stream_free(streams->streams[i]);
	free(streams->streams);
	(void) pthread_mutex_destroy(&streams->lock);
}

static void
fs_lock(fs_backend *backend)
{
	(void) pthread_mutex_lock(&backend->streams.lock);
}

static void
fs_unlock(fs_backend *backend)
{
	(void) pthread_mutex_unlock(&backend->streams.lock);
}

/* The place of a name among the others: where it is, or where it would be. */
static size_t
fs_place_of(const fs_memory_streams *streams, const char *name)
{
	size_t		low = 0;
	size_t		high = streams->count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (strcmp(streams->streams[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* With the lock: NULL if there is none. */
static fs_memory_stream *
fs_find_stream(fs_backend *backend, const char *name)
{
	fs_memory_streams *streams = &backend->streams;
	size_t		place = fs_place_of(streams, name);

	if (place == streams->count || strcmp(streams->streams[place]->name, name) != 0)
		return NULL;
	return streams->streams[place];
}

static bool
fs_reserve_stream(fs_memory_streams *streams)
{
	size_t		capacity = streams->capacity == 0 ? 8 : streams->capacity * 2;
	fs_memory_stream **grown;

	if (streams->count < streams->capacity)
		return true;
	grown = realloc(streams->streams, capacity * sizeof(fs_memory_stream *));
	if (grown == NULL)
		return false;
	streams->streams = grown;
	streams->capacity = capacity;
	return true;
}

static int
fs_new_stream(const fs_claim *claim, fs_memory_stream **stream, factstr_error *error)
{
	fs_memory_stream *made = calloc(1, sizeof(fs_memory_stream));
	int			code;

	if (made == NULL)
		return fs_error_no_memory(error);
	made->name = strdup(claim->name);
	code = made->name == NULL ? fs_error_no_memory(error) :
		fs_query_parse_for_stream(claim->query->text, &made->query, error);
	if (code == FACTSTR_OK)
		*stream = made;
	else
		fs_stream_free(made);
	return code;
}

/* With the lock: makes the stream that is claimed. */
static int
fs_make_stream(fs_backend *backend, const fs_claim *claim, fs_memory_stream **stream,
			   factstr_error *error)
{
	fs_memory_streams *streams = &backend->streams;
	size_t		place = fs_place_of(streams, claim->name);
	int			code;

	if (!fs_reserve_stream(streams))
		return fs_error_no_memory(error);
	code = fs_new_stream(claim, stream, error);
	if (code != FACTSTR_OK)
		return code;
	if (claim->start == FACTSTR_FROM_NOW)
		(*stream)->cursor = fs_memory_log_head(&backend->log);
	memmove(&streams->streams[place + 1], &streams->streams[place],
			(streams->count - place) * sizeof(fs_memory_stream *));
	streams->streams[place] = *stream;
	streams->count++;
	return FACTSTR_OK;
}

/* With the lock: the stream that is claimed, if the claim is good. */
static int
fs_find_claimed(fs_backend *backend, const fs_claim *claim, fs_memory_stream **stream,
				factstr_error *error)
{
	*stream = fs_find_stream(backend, claim->name);
	if (*stream == NULL)
		return fs_make_stream(backend, claim, stream, error);
	if (!fs_query_equal(&(*stream)->query, claim->query))
		return fs_error_stream_query_differs(error, claim->name);
	if ((*stream)->active)
		return fs_error_stream_active(error, claim->name);
	return FACTSTR_OK;
}

/* With the lock: the consumer with this claim has the name from now on. */
static void
fs_take_stream(fs_memory_stream *stream, fs_lease *lease, uint64_t *cursor)
{
	stream->claim = lease->claim;
	stream->active = true;
	stream->retry_at = 0;
	lease->held = true;
	*cursor = stream->cursor;
}

static fs_lease *
fs_new_lease(fs_backend *backend, const char *name)
{
	size_t		size = strlen(name) + 1;
	fs_lease   *lease = malloc(sizeof(fs_lease) + size);

	if (lease == NULL)
		return NULL;
	lease->backend = backend;
	lease->claim = 0;
	lease->held = false;
	memcpy(lease->name, name, size);
	return lease;
}

int
fs_memory_stream_claim(fs_backend *backend, const fs_claim *claim, fs_lease **lease,
					   uint64_t *cursor, factstr_error *error)
{
	fs_memory_stream *stream;
	fs_lease   *made;
	int			code;

	if (claim->transactional)
		return fs_error(error, FACTSTR_UNSUPPORTED, "the memory store has no transactions");
	made = fs_new_lease(backend, claim->name);
	if (made == NULL)
		return fs_error_no_memory(error);
	fs_lock(backend);
	code = fs_find_claimed(backend, claim, &stream, error);
	if (code == FACTSTR_OK)
	{
		made->claim = ++backend->streams.claims;
		fs_take_stream(stream, made, cursor);
	}
	fs_unlock(backend);
	if (code == FACTSTR_OK)
		*lease = made;
	else
		free(made);
	return code;
}

/* Never called: there are no transactional claims. */
int
fs_memory_stream_begin(fs_lease *lease, void **transaction, factstr_error *error)
{
	(void) lease;
	*transaction = NULL;
	return fs_error(error, FACTSTR_UNSUPPORTED, "the memory store has no transactions");
}

/* With the lock: the stream of a lease that has the name, or an error. */
static int
fs_find_held(const fs_lease *lease, fs_memory_stream **stream, factstr_error *error)
{
	*stream = fs_find_stream(lease->backend, lease->name);
	if (*stream == NULL)
		return fs_error_no_such_stream(error, lease->name);
	if (!lease->held || (*stream)->claim != lease->claim)
		return fs_error_stream_active(error, lease->name);
	return FACTSTR_OK;
}

static void
fs_move_cursor(fs_memory_stream *stream, uint64_t cursor)
{
	stream->cursor = cursor;
	stream->last_success_at = fs_now();
	stream->failure_count = 0;
	stream->retry_at = 0;
}

int
fs_memory_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	fs_memory_stream *stream;
	int			code;

	fs_lock(backend);
	code = fs_find_held(lease, &stream, error);
	if (code == FACTSTR_OK && (delivered || cursor > stream->cursor))
		fs_move_cursor(stream, cursor > stream->cursor ? cursor : stream->cursor);
	fs_unlock(backend);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}

static void
fs_keep_words(fs_memory_stream *stream, const char *words)
{
	size_t		length = strlen(words);

	if (length >= sizeof(stream->last_error))
		length = fs_utf8_cut(words, sizeof(stream->last_error) - 1);
	memcpy(stream->last_error, words, length);
	stream->last_error[length] = '\0';
}

int
fs_memory_stream_fail(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	fs_memory_stream *stream;
	int			code;

	fs_lock(backend);
	code = fs_find_held(lease, &stream, error);
	if (code == FACTSTR_OK)
	{
		stream->failure_count++;
		fs_keep_words(stream, words);
		stream->last_failed_at = fs_now();
		stream->retry_at = retry_at;
		stream->active = false;
	}
	lease->held = false;
	fs_unlock(backend);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}

int
fs_memory_stream_resume(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	fs_memory_stream *stream;
	int			code = FACTSTR_OK;

	fs_lock(backend);
	stream = fs_find_stream(backend, lease->name);
	if (stream == NULL)
		code = fs_error_no_such_stream(error, lease->name);
	else if (stream->claim != lease->claim)
		code = fs_error_stream_active(error, lease->name);
	else
		fs_take_stream(stream, lease, cursor);
	fs_unlock(backend);
	return code;
}

void
fs_memory_stream_release(fs_lease *lease)
{
	fs_backend *backend;
	fs_memory_stream *stream;

	if (lease == NULL)
		return;
	backend = lease->backend;
	fs_lock(backend);
	stream = fs_find_stream(backend, lease->name);
	if (lease->held && stream != NULL && stream->claim == lease->claim)
		stream->active = false;
	fs_unlock(backend);
	free(lease);
	fs_hub_wake_cursors(backend->hub);
}

/*
 * From outside
 */

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
		.lag_time = fs_lag_time(backend, stream->cursor, head, now),
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

	/* Taken after the lock: no cursor is ahead of it then. */
	fs_lock(backend);
	head = fs_memory_log_head(&backend->log);
	for (size_t i = 0; added && i < backend->streams.count; i++)
	{
		factstr_stream_status status = fs_status_of(backend, backend->streams.streams[i], head,
													now);

		added = fs_stream_list_add(streams, &status);
	}
	fs_unlock(backend);
	return added ? FACTSTR_OK : fs_error_no_memory(error);
}

int
fs_memory_stream_cursor(fs_backend *backend, const char *name, uint64_t *cursor,
						factstr_error *error)
{
	fs_memory_stream *stream;
	int			code = FACTSTR_OK;

	fs_lock(backend);
	stream = fs_find_stream(backend, name);
	if (stream == NULL)
		code = fs_error_no_such_stream(error, name);
	else
		*cursor = stream->cursor;
	fs_unlock(backend);
	return code;
}

/* With the lock: a stream that nobody has, or an error. */
static int
fs_find_free(fs_backend *backend, const char *name, fs_memory_stream **stream,
			 factstr_error *error)
{
	*stream = fs_find_stream(backend, name);
	if (*stream == NULL)
		return fs_error_no_such_stream(error, name);
	return (*stream)->active ? fs_error_stream_active(error, name) : FACTSTR_OK;
}

/* With the lock. */
static int
fs_seek_stream(fs_backend *backend, const char *name, uint64_t sequence_number,
			   factstr_error *error)
{
	uint64_t	head = fs_memory_log_head(&backend->log);
	fs_memory_stream *stream;
	int			code = fs_find_free(backend, name, &stream, error);

	if (code != FACTSTR_OK)
		return code;
	if (sequence_number > head)
		return fs_error(error, FACTSTR_MALFORMED,
						"invalid sequence_number: %" PRIu64 " is beyond the newest fact, %" PRIu64,
						sequence_number, head);
	fs_move_cursor(stream, sequence_number);
	return FACTSTR_OK;
}

int
fs_memory_stream_seek(fs_backend *backend, const char *name, uint64_t sequence_number,
					  factstr_error *error)
{
	int			code;

	fs_lock(backend);
	code = fs_seek_stream(backend, name, sequence_number, error);
	fs_unlock(backend);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}

/* With the lock. */
static int
fs_drop_stream(fs_backend *backend, const char *name, factstr_error *error)
{
	fs_memory_streams *streams = &backend->streams;
	fs_memory_stream *stream;
	size_t		place;
	int			code = fs_find_free(backend, name, &stream, error);

	if (code != FACTSTR_OK)
		return code;
	place = fs_place_of(streams, name);
	fs_stream_free(stream);
	streams->count--;
	memmove(&streams->streams[place], &streams->streams[place + 1],
			(streams->count - place) * sizeof(fs_memory_stream *));
	return FACTSTR_OK;
}

int
fs_memory_stream_drop(fs_backend *backend, const char *name, factstr_error *error)
{
	int			code;

	fs_lock(backend);
	code = fs_drop_stream(backend, name, error);
	fs_unlock(backend);
	if (code == FACTSTR_OK)
		fs_hub_wake_cursors(backend->hub);
	return code;
}
