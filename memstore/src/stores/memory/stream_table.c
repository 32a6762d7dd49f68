/*
 * stores/memory/stream_table.c
 *		The durable streams of the memory store, by name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/times.h"
#include "input/query.h"
#include "results/error.h"
#include "stores/local/redactions.h"
#include "stores/memory/stream_table.h"

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

void
fs_memory_streams_lock(fs_memory_streams *streams)
{
	(void) pthread_mutex_lock(&streams->lock);
}

void
fs_memory_streams_unlock(fs_memory_streams *streams)
{
	(void) pthread_mutex_unlock(&streams->lock);
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

fs_memory_stream *
fs_memory_stream_find(const fs_memory_streams *streams, const char *name)
{
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

int
fs_memory_stream_make(fs_memory_streams *streams, const fs_claim *claim, uint64_t cursor,
					  fs_memory_stream **stream, factstr_error *error)
{
	size_t		place = fs_place_of(streams, claim->name);
	int			code;

	if (!fs_reserve_stream(streams))
		return fs_error_no_memory(error);
	code = fs_new_stream(claim, stream, error);
	if (code != FACTSTR_OK)
		return code;
	(*stream)->cursor = cursor;
	memmove(&streams->streams[place + 1], &streams->streams[place],
			(streams->count - place) * sizeof(fs_memory_stream *));
	streams->streams[place] = *stream;
	streams->count++;
	return FACTSTR_OK;
}

void
fs_memory_stream_remove(fs_memory_streams *streams, fs_memory_stream *stream)
{
	size_t		place = fs_place_of(streams, stream->name);

	fs_stream_free(stream);
	streams->count--;
	memmove(&streams->streams[place], &streams->streams[place + 1],
			(streams->count - place) * sizeof(fs_memory_stream *));
}

void
fs_memory_stream_set_cursor(fs_memory_stream *stream, uint64_t cursor)
{
	stream->cursor = cursor;
	stream->last_success_at = fs_now();
	stream->failure_count = 0;
	stream->retry_at = 0;
}

void
fs_memory_stream_erase_errors(fs_memory_streams *streams)
{
	fs_memory_streams_lock(streams);
	for (size_t i = 0; i < streams->count; i++)
	{
		fs_memory_stream *stream = streams->streams[i];

		memset(stream->last_error, 0, sizeof(stream->last_error));
		memcpy(stream->last_error, FS_ERASED_MESSAGE, sizeof(FS_ERASED_MESSAGE));
	}
	fs_memory_streams_unlock(streams);
}
