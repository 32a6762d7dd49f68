/*
 * match/tree_walk.h
 *		All values within a value, depth first.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * The author of a document decides how deep it is nested, and a thread's stack may be small.  So the path
 * from the root to the current value is a list, which is on the heap if it is longer than usual.
 *
 *		fs_tree_walk_begin(&walk);
 *		do
 *			look at the value, and fs_tree_walk_enter(&walk, value) it if it is a container;
 *		while (fs_tree_walk_next(&walk, &key, &value));
 *		fs_tree_walk_end(&walk);
 */
#ifndef FACTSTR_TREE_WALK_H
#define FACTSTR_TREE_WALK_H

#include "match/growth.h"

#define FS_USUAL_NESTING 16

/* A container that the walk is in. */
typedef struct fs_tree_level
{
	fs_json_iterator children;
	uint64_t	path;			/* set and used by the caller: the path to this container */
	bool		is_object;
} fs_tree_level;

typedef struct fs_tree_walk
{
	fs_tree_level *levels;		/* own, or on the heap */
	size_t		depth;			/* how many of them the walk is in */
	size_t		capacity;
	bool		no_memory;		/* then values are missing */
	fs_tree_level own[FS_USUAL_NESTING];
} fs_tree_walk;

static inline void
fs_tree_walk_begin(fs_tree_walk *walk)
{
	walk->levels = walk->own;
	walk->depth = 0;
	walk->capacity = FS_USUAL_NESTING;
	walk->no_memory = false;
}

static inline void
fs_tree_walk_end(fs_tree_walk *walk)
{
	if (walk->levels != walk->own)
		fs_release(walk->levels);
}

/* The container that the walk is in; not to be asked for outside of any. */
static inline fs_tree_level *
fs_tree_walk_level(fs_tree_walk *walk)
{
	return &walk->levels[walk->depth - 1];
}

/* The next values are those within this container.  False if there is no memory. */
static inline bool
fs_tree_walk_enter(fs_tree_walk *walk, fs_json container)
{
	fs_tree_level *level;

	if (walk->depth == walk->capacity)
	{
		void	   *levels = fs_double_list(walk->levels, walk->own, &walk->capacity,
											sizeof(fs_tree_level));

		walk->no_memory = levels == NULL;
		if (walk->no_memory)
			return false;
		walk->levels = levels;
	}
	level = &walk->levels[walk->depth++];
	level->is_object = fs_json_kind_of(container) == FS_JSON_OBJECT;
	fs_json_iterate(container, &level->children);
	return true;
}

/* The next value, and its key if it is in an object; false at the end of the tree. */
static inline bool
fs_tree_walk_next(fs_tree_walk *walk, fs_text *key, fs_json *value)
{
	for (; walk->depth > 0 && !walk->no_memory; walk->depth--)
	{
		fs_tree_level *level = fs_tree_walk_level(walk);

		fs_check_interrupts();
		if (level->is_object ? fs_json_next_member(&level->children, key, value)
			: fs_json_next_element(&level->children, value))
			return true;
	}
	return false;
}

#endif							/* FACTSTR_TREE_WALK_H */
