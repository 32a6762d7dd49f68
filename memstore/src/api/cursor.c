/*
 * api/cursor.c
 *		Reads many facts in little memory.
 *
 * A cursor reads the log chunk by chunk, each time from the end of the last chunk, up to the fact that was the
 * newest when it was opened.  Facts never change and never disappear, so that is one consistent view without an
 * open transaction.
 */
#include <stdlib.h>
#include <string.h>

#include "api/cursor.h"
#include "api/store.h"
#include "api/structs.h"
#include "input/query.h"
#include "results/error.h"
#include "results/lists.h"

/* Small at first, for callers that want only a few; then larger, while that is cheap. */
#define FS_FIRST_CHUNK_FACTS 32
#define FS_LARGEST_CHUNK_FACTS 512
#define FS_LARGEST_CHUNK_BYTES 1000000

struct factstr_cursor
{
	factstr_store *store;
	fs_query	query;
	fs_range	range;			/* not read yet */
	uint64_t	left;			/* how many facts the caller still wants */
	size_t		chunk_size;
	bool		at_end;			/* nothing is left in the range */
	fs_fact_list chunk;
	size_t		next;			/* in the chunk */
};

static uint64_t
fs_first_position(const fs_query *query)
{
	return (uint64_t) query->parsed.after;
}

static int
fs_find_head(factstr_store *store, uint64_t *head, factstr_error *error)
{
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->head(store->backend, head, error);
	fs_leave(&entered);
	return code;
}

static int
fs_cursor_init(factstr_cursor *cursor, factstr_store *store, const char *event_query,
			   const factstr_read_options *options, factstr_error *error)
{
	factstr_read_options taken;
	int			code = fs_take_read_options(options, &taken, error);

	if (code == FACTSTR_OK)
		code = fs_query_parse(event_query, &cursor->query, error);
	if (code != FACTSTR_OK)
		return code;
	cursor->store = store;
	cursor->chunk_size = FS_FIRST_CHUNK_FACTS;
	cursor->left = taken.max_count == 0 ? UINT64_MAX : taken.max_count;
	cursor->range.backwards = taken.backwards;
	cursor->range.after = fs_first_position(&cursor->query);
	return fs_find_head(store, &cursor->range.up_to, error);
}

int
factstr_read_open(factstr_store *store, const char *event_query,
				  const factstr_read_options *options, factstr_cursor **cursor,
				  factstr_error *error)
{
	factstr_error found;
	factstr_cursor *opened;
	int			code;

	if (cursor == NULL)
		return fs_error_misuse_null(error, "cursor");
	*cursor = NULL;
	if (store == NULL)
		return fs_error_misuse_null(error, "store");
	opened = calloc(1, sizeof(factstr_cursor));
	if (opened == NULL)
		return fs_error_no_memory(error);
	code = fs_cursor_init(opened, store, event_query, options, &found);
	if (code == FACTSTR_OK)
		*cursor = opened;
	else
		factstr_read_close(opened);
	return fs_report(code, &found, error);
}

/* Large payloads make the next chunk smaller. */
static size_t
fs_next_chunk_size(const factstr_cursor *cursor)
{
	size_t		bytes = 0;

	for (size_t i = 0; i < cursor->chunk.count; i++)
		bytes += strlen(cursor->chunk.facts[i].payload);
	if (bytes > FS_LARGEST_CHUNK_BYTES)
		return cursor->chunk_size > 1 ? cursor->chunk_size / 2 : 1;
	return cursor->chunk_size < FS_LARGEST_CHUNK_FACTS ? cursor->chunk_size * 2 :
		cursor->chunk_size;
}

/* The range that is left after the chunk. */
static void
fs_shorten_range(factstr_cursor *cursor)
{
	uint64_t	last;

	if (cursor->chunk.count < cursor->range.max_count)
	{
		cursor->at_end = true;
		return;
	}
	last = cursor->chunk.facts[cursor->chunk.count - 1].sequence_number;
	if (cursor->range.backwards)
		cursor->range.up_to = last - 1;
	else
		cursor->range.after = last;
	cursor->at_end = cursor->range.after >= cursor->range.up_to;
}

static int
fs_find_chunk(const factstr_cursor *cursor, fs_fact_list *chunk, factstr_error *error)
{
	factstr_store *store = cursor->store;
	fs_entered	entered;
	int			code = fs_enter(store, &entered, error);

	if (code != FACTSTR_OK)
		return code;
	code = store->methods->read(store->backend, &cursor->query, &cursor->range, chunk, error);
	fs_leave(&entered);
	return code;
}

/* Replaces the chunk, all of whose facts have been returned, by the next one. */
static int
fs_read_chunk(factstr_cursor *cursor, factstr_error *error)
{
	fs_fact_list chunk = {0};
	int			code;

	cursor->range.max_count = cursor->left < cursor->chunk_size ? (size_t) cursor->left :
		cursor->chunk_size;
	code = fs_find_chunk(cursor, &chunk, error);
	if (code != FACTSTR_OK)
	{
		fs_fact_list_release(&chunk);
		return code;
	}
	fs_fact_list_release(&cursor->chunk);
	cursor->chunk = chunk;
	cursor->next = 0;
	cursor->chunk_size = fs_next_chunk_size(cursor);
	fs_shorten_range(cursor);
	return FACTSTR_OK;
}

int
fs_cursor_look(factstr_cursor *cursor, size_t max_count, const factstr_fact **facts, size_t *count,
			   factstr_error *error)
{
	size_t		left;
	int			code = FACTSTR_OK;

	if (cursor->next == cursor->chunk.count && cursor->left > 0 && !cursor->at_end)
		code = fs_read_chunk(cursor, error);
	if (code != FACTSTR_OK)
		return code;
	left = cursor->chunk.count - cursor->next;
	*facts = left > 0 ? &cursor->chunk.facts[cursor->next] : NULL;
	*count = left < max_count ? left : max_count;
	return FACTSTR_OK;
}

void
fs_cursor_advance(factstr_cursor *cursor, size_t count)
{
	cursor->next += count;
	cursor->left -= count;
}

int
factstr_read_next(factstr_cursor *cursor, const factstr_fact **fact, factstr_error *error)
{
	factstr_error found;
	size_t		count;
	int			code;

	if (fact == NULL)
		return fs_error_misuse_null(error, "fact");
	*fact = NULL;
	if (cursor == NULL)
		return fs_error_misuse_null(error, "cursor");
	code = fs_cursor_look(cursor, 1, fact, &count, &found);
	if (code == FACTSTR_OK)
		fs_cursor_advance(cursor, count);
	return fs_report(code, &found, error);
}

void
factstr_read_close(factstr_cursor *cursor)
{
	if (cursor == NULL)
		return;
	fs_fact_list_release(&cursor->chunk);
	fs_query_release(&cursor->query);
	free(cursor);
}
