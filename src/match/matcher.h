/*
 * match/matcher.h
 *		Recursive subset matching of a payload by a predicate: rule 12 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * Each pair of values at one depth is compared at most once, so the time is bounded by the product
 * of the two documents' sizes for any shape.  For scalars in arrays it is less, n log n
 * (array_scalars.h).  For arrays and objects in arrays it is not, because no order shows which element
 * matches which.  But the search for the next one begins where the last one was found, so an array
 * that has them in the payload's order is matched in one walk.
 */
#ifndef FACTSTR_MATCHER_H
#define FACTSTR_MATCHER_H

#include "match/matching.h"
#include "match/tree_walk.h"

typedef enum fs_pair_state
{
	FS_PAIR_MATCHES,
	FS_PAIR_DIFFERS,
	FS_PAIR_IS_OPEN,			/* a pair within it has to be compared first */
	FS_PAIR_HAS_MEMBER			/* this one */
} fs_pair_state;

/*
 * Compares two objects up to the first member that is a container; then opens the pair, whose next member
 * is the one behind it, and puts that member in its place.  Most predicates have none, and are compared
 * without being opened.
 */
static inline fs_pair_state
fs_begin_objects(fs_matching *matching, fs_json *payload, fs_json *predicate)
{
	fs_json_iterator wanted;
	fs_text		key;
	fs_json		value;
	fs_json		found;

	if (fs_json_count(*predicate) > fs_json_count(*payload))
		return FS_PAIR_DIFFERS;
	fs_json_iterate(*predicate, &wanted);
	while (fs_json_next_member(&wanted, &key, &value))
	{
		if (!fs_may_go_on(&matching->progress) || !fs_json_object_get(*payload, key, &found) ||
			fs_json_kind_of(found) != fs_json_kind_of(value))
			return FS_PAIR_DIFFERS;
		if (fs_json_is_container(fs_json_kind_of(value)))
		{
			if (!fs_open_pair(matching, *payload, &wanted))
				return FS_PAIR_DIFFERS;
			*payload = found;
			*predicate = value;
			return FS_PAIR_HAS_MEMBER;
		}
		if (fs_json_scalar_compare(found, value) != 0)
			return FS_PAIR_DIFFERS;
	}
	return FS_PAIR_MATCHES;
}

static inline fs_pair_state
fs_begin_arrays(fs_matching *matching, fs_json payload, fs_json predicate)
{
	fs_json_iterator wanted;

	fs_json_iterate(predicate, &wanted);
	return fs_open_pair(matching, payload, &wanted) ? FS_PAIR_IS_OPEN : FS_PAIR_DIFFERS;
}

/* Compares scalars and flat objects, and opens pairs of other containers. */
static inline fs_pair_state
fs_begin_pair(fs_matching *matching, fs_json payload, fs_json predicate)
{
	size_t		depth = matching->depth;
	fs_json_kind kind = fs_json_kind_of(predicate);
	fs_pair_state state;

	if (kind != fs_json_kind_of(payload))
		return FS_PAIR_DIFFERS;
	if (!fs_json_is_container(kind))
		return fs_json_scalar_compare(payload, predicate) == 0 ? FS_PAIR_MATCHES : FS_PAIR_DIFFERS;
	do
		state = fs_json_kind_of(predicate) == FS_JSON_OBJECT ?
			fs_begin_objects(matching, &payload, &predicate) :
			fs_begin_arrays(matching, payload, predicate);
	while (state == FS_PAIR_HAS_MEMBER);
	if (state == FS_PAIR_DIFFERS)
		matching->depth = depth;
	/* The opened pairs match so far. */
	return state == FS_PAIR_MATCHES && matching->depth > depth ? FS_PAIR_IS_OPEN : state;
}

/* Every member of the predicate is present in the payload, and its value matches. */
static fs_pair_state
fs_continue_objects(fs_matching *matching, fs_pair_state state)
{
	fs_pair    *pair = fs_innermost_pair(matching);
	fs_text		key;
	fs_json		wanted;
	fs_json		found;

	while (state == FS_PAIR_MATCHES && fs_json_next_member(&pair->wanted, &key, &wanted))
	{
		if (!fs_may_go_on(&matching->progress) || !fs_json_object_get(pair->payload, key, &found))
			return FS_PAIR_DIFFERS;
		state = fs_begin_pair(matching, found, wanted);
	}
	return state;
}

/* From now on some element of the payload has to match this container. */
static void
fs_begin_seeking(fs_pair *pair, fs_json sought)
{
	if (!pair->is_seeking)
		fs_json_iterate(pair->payload, &pair->candidates);
	pair->is_seeking = true;
	pair->sought = sought;
	pair->untried = fs_json_count(pair->payload);
}

/* The elements of the payload, beginning where this was left; false when each has been tried. */
static bool
fs_next_candidate(fs_pair *pair, fs_json *candidate)
{
	if (pair->untried == 0)
		return false;
	pair->untried--;
	if (fs_json_next_element(&pair->candidates, candidate))
		return true;
	fs_json_iterate(pair->payload, &pair->candidates);
	return fs_json_next_element(&pair->candidates, candidate);
}

/* Tries candidates until one matches or has to be looked into.  The pair may move. */
static fs_pair_state
fs_seek(fs_matching *matching)
{
	fs_pair_state state = FS_PAIR_DIFFERS;
	fs_json		candidate;

	while (state == FS_PAIR_DIFFERS && fs_may_go_on(&matching->progress) &&
		   fs_next_candidate(fs_innermost_pair(matching), &candidate))
		state = fs_begin_pair(matching, candidate, fs_innermost_pair(matching)->sought);
	return state;
}

/* Some element of the payload has to match this one; one may serve several. */
static fs_pair_state
fs_find_element(fs_matching *matching, fs_json wanted)
{
	fs_pair    *pair = fs_innermost_pair(matching);

	if (fs_json_is_container(fs_json_kind_of(wanted)))
	{
		fs_begin_seeking(pair, wanted);
		return fs_seek(matching);
	}
	return fs_array_scalars_have(&pair->scalars, wanted, &matching->progress) ?
		FS_PAIR_MATCHES : FS_PAIR_DIFFERS;
}

/* Every element of the predicate is matched by some element of the payload. */
static fs_pair_state
fs_continue_arrays(fs_matching *matching, fs_pair_state state)
{
	fs_json		wanted;

	if (state == FS_PAIR_DIFFERS)
		state = fs_seek(matching);
	while (state == FS_PAIR_MATCHES &&
		   fs_json_next_element(&fs_innermost_pair(matching)->wanted, &wanted))
		state = fs_find_element(matching, wanted);
	return state;
}

/*
 * The innermost pair is compared until it opens one within itself, or is decided; then its verdict
 * is the one that the pair around it waits for.  False as well if it cannot be told; the end of the
 * matching says so.
 */
static bool
fs_payload_matches(fs_matching *matching, fs_json payload, fs_json predicate)
{
	fs_pair_state state = fs_begin_pair(matching, payload, predicate);

	while (matching->depth > 0)
	{
		if (state == FS_PAIR_IS_OPEN)
			state = FS_PAIR_MATCHES;	/* so far */
		state = fs_innermost_pair(matching)->is_object ? fs_continue_objects(matching, state) :
			fs_continue_arrays(matching, state);
		if (state != FS_PAIR_IS_OPEN)
			matching->depth--;
	}
	return state == FS_PAIR_MATCHES;
}

/*
 * Does the predicate hold a scalar at any depth?  One without (such as {} or {"a": []}) asks for a
 * shape only, and no inverted index of scalars can find its matches.  False as well if there is no
 * memory to tell: without an index everything is found.
 */
static inline bool
fs_has_scalar(fs_json predicate)
{
	fs_tree_walk walk;
	fs_text		key;
	bool		found;

	fs_tree_walk_begin(&walk);
	do
	{
		found = !fs_json_is_container(fs_json_kind_of(predicate));
		if (!found && !fs_tree_walk_enter(&walk, predicate))
			break;
	}
	while (!found && fs_tree_walk_next(&walk, &key, &predicate));
	fs_tree_walk_end(&walk);
	return found;
}

#endif							/* FACTSTR_MATCHER_H */
