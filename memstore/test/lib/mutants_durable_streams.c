/*
 * mutants_durable_streams.c
 *		Faults of durable streams.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutants.h"

static int
replay_always(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			  factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	*cursor = 0;
	return code;
}

static int
resume_at_cursor(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				 factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	if (code == FACTSTR_OK && *cursor > 0)
		*cursor -= 1;
	return code;
}

static int
start_from_first(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				 factstr_error *error)
{
	fs_claim	copy = *claim;

	copy.start = FACTSTR_FROM_FIRST;
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* The second consumer gets a stream of another name. */
static int
never_active(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
			 factstr_error *error)
{
	static int	count;
	char		name[100];
	fs_claim	copy = *claim;
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);

	if (code != FACTSTR_STREAM_ACTIVE)
		return code;
	(void) snprintf(name, sizeof(name), "%.50s %d", claim->name, ++count);
	copy.name = name;
	return GOOD->stream_claim(backend, &copy, lease, cursor, error);
}

/* Claims with the query that the stream has. */
static int
accept_other_query(fs_backend *backend, const fs_claim *claim, fs_lease **lease, uint64_t *cursor,
				   factstr_error *error)
{
	int			code = GOOD->stream_claim(backend, claim, lease, cursor, error);
	fs_stream_list streams = {0};
	fs_claim	copy = *claim;
	fs_query	query;

	if (code != FACTSTR_STREAM_QUERY_DIFFERS)
		return code;
	if (GOOD->streams(backend, &streams, error) != FACTSTR_OK ||
		fs_query_parse(streams.streams[0].event_query, &query, error) != FACTSTR_OK)
		abort();
	copy.query = &query;
	code = GOOD->stream_claim(backend, &copy, lease, cursor, error);
	fs_query_release(&query);
	fs_stream_list_release(&streams);
	return code;
}

static int
forget_unmatched(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	return delivered ? GOOD->stream_move(lease, cursor, delivered, error) : FACTSTR_OK;
}

static int
forget_delivered(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	return delivered ? FACTSTR_OK : GOOD->stream_move(lease, cursor, delivered, error);
}

/* As if the batch that failed had been delivered. */
static int
skip_failed_batch(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	int			code = GOOD->stream_resume(lease, cursor, error);

	if (code == FACTSTR_OK)
		code = GOOD->stream_move(lease, ++*cursor, true, error);
	return code;
}

static int
keep_name_while_pausing(fs_lease *lease, const char *words, int64_t retry_at, factstr_error *error)
{
	(void) lease;
	(void) words;
	(void) retry_at;
	(void) error;
	return FACTSTR_OK;
}

/* The consumer that was taken over continues, from the beginning. */
static int
resume_after_takeover(fs_lease *lease, uint64_t *cursor, factstr_error *error)
{
	int			code;

	*cursor = 0;
	code = GOOD->stream_resume(lease, cursor, error);
	return code == FACTSTR_STREAM_ACTIVE ? FACTSTR_OK : code;
}

static int
list_without_errors(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].last_error = NULL;
	return code;
}

static int
list_with_wrong_lag(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].lag_facts /= 2;
	return code;
}

static int
list_as_inactive(fs_backend *backend, fs_stream_list *streams, factstr_error *error)
{
	int			code = GOOD->streams(backend, streams, error);

	for (size_t i = 0; i < streams->count; i++)
		streams->streams[i].active = false;
	return code;
}

static int
cursor_is_the_head(fs_backend *backend, const char *name, uint64_t *cursor, factstr_error *error)
{
	int			code = GOOD->stream_cursor(backend, name, cursor, error);

	*cursor = mutant_head_of(backend);
	return code;
}

static int
cursor_is_everywhere(fs_backend *backend, const char *name, uint64_t *cursor,
					 factstr_error *error)
{
	int			code = GOOD->stream_cursor(backend, name, cursor, error);

	*cursor = INT64_MAX;
	return code;
}

static int
do_not_seek(fs_backend *backend, fs_lease *within, const char *name, uint64_t sequence_number,
			factstr_error *error)
{
	return GOOD->stream_seek(backend, within, name, sequence_number > 0 ? mutant_head_of(backend) : 0, error);
}

static int
do_not_drop(fs_backend *backend, fs_lease *within, const char *name, factstr_error *error)
{
	(void) backend;
	(void) within;
	(void) name;
	(void) error;
	return FACTSTR_OK;
}

/* The cursor moves to the end of the first batch only: batches of these tests have one fact. */
static int
move_over_one(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	static uint64_t last;

	if (delivered && cursor > last + 1)
		cursor = last + 1;
	last = cursor;
	return GOOD->stream_move(lease, cursor, delivered, error);
}

/* And here one too far. */
static int
move_beyond_a_group(fs_lease *lease, uint64_t cursor, bool delivered, factstr_error *error)
{
	static uint64_t last;
	bool		is_group = delivered && cursor > last + 1;

	last = cursor;
	return GOOD->stream_move(lease, is_group ? cursor + 1 : cursor, delivered, error);
}

const mutant mutants_of_durable_streams[] = {
	MUTANT("a reopened durable stream begins again", "rule 24", stream_claim, replay_always),
	MUTANT("a reopened durable stream repeats its last batch", "rule 24", stream_claim,
		   resume_at_cursor),
	MUTANT("a durable stream from now begins with the first fact", "rule 24", stream_claim,
		   start_from_first),
	MUTANT("a name has two consumers", "rule 29", stream_claim, never_active),
	MUTANT("a durable stream is reopened with another query", "rule 25", stream_claim,
		   accept_other_query),
	MUTANT("batches without a match do not move the cursor", "rule 27", stream_move,
		   forget_unmatched),
	MUTANT("delivered batches do not move the cursor", "rule 27", stream_move, forget_delivered),
	MUTANT("the cursor passes a batch that failed", "rule 28", stream_resume, skip_failed_batch),
	MUTANT("a stream holds its name while it pauses", "rule 28", stream_fail,
		   keep_name_while_pausing),
	MUTANT("a consumer continues after it was taken over", "rule 28", stream_resume,
		   resume_after_takeover),
	MUTANT("the words of a failure are lost", "rule 28", streams, list_without_errors),
	MUTANT("the lag is wrong", "rule 30", streams, list_with_wrong_lag),
	MUTANT("an active stream is listed as free", "rule 30", streams, list_as_inactive),
	MUTANT("waiting for a cursor does not wait", "status", stream_cursor, cursor_is_the_head),
	MUTANT("a stream cannot be reset", "rule 30", stream_seek, do_not_seek),
	MUTANT("a stream cannot be dropped", "rule 30", stream_drop, do_not_drop),
	MUTANT("nothing is waited for when the store is closed", "rule 34", stream_cursor,
		   cursor_is_everywhere),
	MUTANT("a name is not waited for when the store is closed", "rule 34", stream_claim,
		   never_active),
	MUTANT("of several batches only the first is acknowledged",
		   "a cursor that moves for several batches", stream_move, move_over_one),
	MUTANT("a batch that was not delivered is acknowledged with others",
		   "right before the batch that failed", stream_move, move_beyond_a_group),
	MUTANT("a name is not waited for when that is interrupted", "rule 35", stream_claim,
		   never_active),
	MUTANT("an interrupted replay begins again", "rule 35", stream_move, forget_delivered),
	MUTANT("a replay that is unsubscribed keeps no place", "rule 21", stream_move,
		   forget_delivered),
	NO_MUTANT
};
