/*
 * match/matching.h
 *		The state of matching: the pairs of values that are being compared, and how it ended.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * One of these serves all predicates that a payload is matched by.  Matching never descends deeper
 * than a predicate, so the list of pairs is as long as that is deep.
 */
#ifndef FACTSTR_MATCHING_H
#define FACTSTR_MATCHING_H

#include "match/array_scalars.h"
#include "match/growth.h"

#define FS_USUAL_PAIRS 8

/* Two containers of one kind, one within the other. */
typedef struct fs_pair
{
	fs_json		payload;
	fs_json_iterator wanted;	/* the rest of the predicate */
	bool		is_object;

	/* Arrays only: a container that some element has to match, and the elements to try. */
	bool		is_seeking;		/* has there been one? */
	fs_json		sought;
	fs_json_iterator candidates;
	size_t		untried;

	/* Kept when the pair is done, for the next one here. */
	fs_array_scalars scalars;
} fs_pair;

typedef struct fs_matching
{
	fs_progress progress;
	size_t		depth;			/* how many pairs are open, each within the one before */
	size_t		used;			/* how many have ever been, and may have scalars */
	size_t		capacity;
	fs_pair    *pairs;			/* own, or on the heap */
	fs_pair		own[FS_USUAL_PAIRS];
} fs_matching;

static inline void
fs_matching_begin(fs_matching *matching)
{
	fs_progress_begin(&matching->progress);
	matching->depth = 0;
	matching->used = 0;
	matching->capacity = FS_USUAL_PAIRS;
	matching->pairs = matching->own;
}

/* Says whether everything was answered that was asked. */
static inline fs_completion
fs_matching_end(fs_matching *matching)
{
	for (size_t i = 0; i < matching->used; i++)
		fs_array_scalars_release(&matching->pairs[i].scalars);
	if (matching->pairs != matching->own)
		fs_release(matching->pairs);
	return matching->progress.completion;
}

static inline bool
fs_make_room_for_pair(fs_matching *matching)
{
	fs_pair    *pairs;

	if (matching->depth < matching->capacity)
		return true;
	pairs = fs_double_list(matching->pairs, matching->own, &matching->capacity, sizeof(fs_pair));
	if (pairs == NULL)
		return fs_give_up(&matching->progress, FS_NO_MEMORY);
	matching->pairs = pairs;
	return true;
}

static inline fs_pair *
fs_innermost_pair(fs_matching *matching)
{
	return &matching->pairs[matching->depth - 1];
}

/* Opens a pair within the one that is open.  False if there is no memory; moves all pairs. */
static inline bool
fs_open_pair(fs_matching *matching, fs_json payload, const fs_json_iterator *wanted)
{
	fs_pair    *pair;

	if (!fs_make_room_for_pair(matching))
		return false;
	pair = &matching->pairs[matching->depth];
	if (matching->depth++ == matching->used)
	{
		fs_array_scalars_init(&pair->scalars);
		matching->used++;
	}
	pair->payload = payload;
	pair->is_object = fs_json_kind_of(payload) == FS_JSON_OBJECT;
	pair->wanted = *wanted;
	pair->is_seeking = false;
	if (!pair->is_object)
		fs_array_scalars_begin(&pair->scalars, payload);
	return true;
}

#endif							/* FACTSTR_MATCHING_H */
