/*
 * match/value_limits.h
 *		How deep a payload may be nested, and how large a batch may be: rules 4 and 5 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * PostgreSQL delivers a batch as one jsonb array, which has at most 256 MiB, and as its text.  A batch that
 * could not be delivered would block every consumer forever, so none is stored.  The size of a batch is an upper
 * bound of both, and the same in all stores.
 */
#ifndef FACTSTR_VALUE_LIMITS_H
#define FACTSTR_VALUE_LIMITS_H

#include "match/input_error.h"
#include "match/nesting.h"
#include "match/new_events.h"
#include "match/tree_walk.h"

#define FS_LARGEST_BATCH UINT64_C(256000000)

#define FS_BATCH_SHAPE "One batch has at most 256000000 bytes; append its events as several batches."

/*
 * Of an event: its number, time and keys.  Of a value or a key: the overhead of jsonb beside its bytes, and the
 * quotes, colons and commas of text.  While jsonb is built, PostgreSQL has room for 16,777,216 values
 * of one array and 8,388,608 members of one object, and more of these are more than a batch has.
 */
#define FS_SIZE_OF_EVENT 160
#define FS_SIZE_OF_VALUE 16

/* A byte of a document may become so many: 1e131071 is written out. */
#define FS_LARGEST_GROWTH 16400

/*
 * Is anything nested deeper than so many levels?  The walk shows whether there was enough memory.  Values that
 * are too small to be nested so deep are not walked.
 */
static bool
fs_is_deeper(fs_tree_walk *walk, fs_json value, size_t levels)
{
	fs_text		key;

	do
	{
		if (!fs_json_is_container(fs_json_kind_of(value)))
			continue;
		if (walk->depth == levels)
			return true;
		if (fs_json_may_nest(value, levels - walk->depth))
			(void) fs_tree_walk_enter(walk, value);
	}
	while (fs_tree_walk_next(walk, &key, &value));
	return false;
}

/* name is the value's, at the path. */
static bool
fs_check_nesting(fs_json value, const char *path, const char *name, fs_input_error *error)
{
	fs_tree_walk walk;
	bool		is_deeper;

	fs_tree_walk_begin(&walk);
	is_deeper = fs_is_deeper(&walk, value, FS_DEEPEST_NESTING);
	fs_tree_walk_end(&walk);
	if (walk.no_memory)
		return fs_out_of_memory(error);
	if (is_deeper)
		return fs_malformed(error, path, FS_NESTING_SHAPE, "%s is nested deeper than %d levels",
							name, FS_DEEPEST_NESTING);
	return true;
}

/* The text of a string between its quotes, with escapes. */
static uint64_t
fs_size_of_text(fs_text found)
{
	uint64_t	size = FS_SIZE_OF_VALUE + found.length;

	for (size_t i = 0; i < found.length; i++)
	{
		unsigned char c = (unsigned char) found.data[i];

		if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v'))
			size += 1;
		else if (c < ' ')
			size += 5;
	}
	return size;
}

static uint64_t
fs_size_of_scalar(fs_json scalar, fs_json_kind kind)
{
	switch (kind)
	{
		case FS_JSON_NUMBER:
			return FS_SIZE_OF_VALUE + fs_json_number_length(scalar);
		case FS_JSON_STRING:
			return fs_size_of_text(fs_json_string(scalar));
		default:
			return FS_SIZE_OF_VALUE;
	}
}

/* Adds a value's size, of which a part is added if there is no memory: then this is false. */
static bool
fs_add_size_of_value(uint64_t * size, fs_json value)
{
	fs_tree_walk walk;
	fs_text		key = {"", 0};

	fs_tree_walk_begin(&walk);
	do
	{
		fs_json_kind kind = fs_json_kind_of(value);

		if (walk.depth > 0 && fs_tree_walk_level(&walk)->is_object)
			*size += fs_size_of_text(key);
		if (!fs_json_is_container(kind))
			*size += fs_size_of_scalar(value, kind);
		else if (fs_tree_walk_enter(&walk, value))
			*size += FS_SIZE_OF_VALUE;
	}
	while (fs_tree_walk_next(&walk, &key, &value));
	fs_tree_walk_end(&walk);
	return !walk.no_memory;
}

/* Can events with the given number of bytes of JSON be too large together?  An ordinary append cannot. */
static inline bool
fs_batch_may_be_too_large(size_t count, size_t bytes)
{
	return count > FS_LARGEST_BATCH / FS_SIZE_OF_EVENT / 2 ||
		bytes > FS_LARGEST_BATCH / FS_LARGEST_GROWTH / 2;
}

/* Adds an event to the size of its batch; false if the batch is too large with it.  path is the event's. */
static bool
fs_add_to_batch(uint64_t * size, const fs_new_event *event, const char *path, fs_input_error *error)
{
	*size += FS_SIZE_OF_EVENT + fs_size_of_text(event->event_type);
	if (!fs_add_size_of_value(size, event->payload) ||
		(event->has_metadata && !fs_add_size_of_value(size, event->metadata)))
		return fs_out_of_memory(error);
	if (*size > FS_LARGEST_BATCH)
		return fs_malformed(error, path, FS_BATCH_SHAPE,
							"the batch is larger than 256000000 bytes with this event");
	return true;
}

#endif							/* FACTSTR_VALUE_LIMITS_H */
