/*
 * stores/memory/leases.c
 *		Consumers of durable streams.
 *
 * Every claim has a number.  A stream remembers its last one, so a lease that has released the name can tell
 * whether another consumer has had it since.  Leases keep the name, not the stream, which may be dropped
 * meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "base/utf8.h"
#include "input/query.h"
#include "results/error.h"
#include "stores/hub.h"
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/stream_table.h"

struct fs_lease
{
	fs_backend *backend;
	uint64_t	claim;
	bool		held;
	char		name[];
};

/* With the lock: the stream that is claimed, if the claim is good. */
static int
fs_find_claimed(fs_backend *backend, const fs_claim *claim, fs_memory_stream **stream,
				factstr_error *error)
{
	bool		equal;
	int			code;

	*stream = fs_memory_stream_find(&backend->streams, claim->name);
	if (*stream == NULL)
		return fs_memory_stream_make_claimed(backend, claim, stream, error);
	code = fs_query_equal(&(*stream)->query, claim->query, &equal, error);
	if (code != FACTSTR_OK)
		return code;
	if (!equal)
		return fs_error_stream_query_differs(error, claim->name);
	if ((*stream)->active)
		return fs_error_stream_active(error, claim->name);
	return FACTSTR_OK;
}

/* With the lock: the consumer with this claim now has the name. */
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
	fs_memory_streams_lock(&backend->streams);
	code = fs_find_claimed(backend, claim, &stream, error);
	if (code == FACTSTR_OK)
	{
		made->claim = ++backend->streams.claims;
		fs_take_stream(stream, made, cursor);
	}
	fs_memory_streams_unlock(&backend->streams);
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
	*stream = fs_memory_stream_find(&lease->backend->streams, lease->name);
	if (*stream == NULL)
		return fs_error_no_such_stream(error, lease->name);
	if (!lease->held || (*stream)->claim != lease->claim)
		return fs_error_stream_active(error, lease->name);
	return FACTSTR_OK;
}

int
fs_memory_stream_move(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	fs_backend *backend = lease->backend;
	fs_memory_stream *stream;
	int			code;

	fs_memory_streams_lock(&backend->streams);
	code = fs_find_held(lease, &stream, error);
	if (code == FACTSTR_OK && (delivered || cursor > stream->cursor))
		fs_memory_stream_set_cursor(stream, cursor > stream->cursor ? cursor : stream->cursor);
	fs_memory_streams_unlock(&backend->streams);
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

	fs_memory_streams_lock(&backend->streams);
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
	fs_memory_streams_unlock(&backend->streams);
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

	fs_memory_streams_lock(&backend->streams);
	stream = fs_memory_stream_find(&backend->streams, lease->name);
	if (stream == NULL)
		code = fs_error_no_such_stream(error, lease->name);
	else if (stream->claim != lease->claim)
		code = fs_error_stream_active(error, lease->name);
	else
		fs_take_stream(stream, lease, cursor);
	fs_memory_streams_unlock(&backend->streams);
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
	fs_memory_streams_lock(&backend->streams);
	stream = fs_memory_stream_find(&backend->streams, lease->name);
	if (lease->held && stream != NULL && stream->claim == lease->claim)
		stream->active = false;
	fs_memory_streams_unlock(&backend->streams);
	free(lease);
	fs_hub_wake_cursors(backend->hub);
}
