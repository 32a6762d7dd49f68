/*
 * match/predicate_hash.h
 *		A number for a predicate that is the same for equal ones, so that many can be compared.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * Predicates are equal if each matches the other.  That leaves open the order of an array and whether it
 * repeats something; and an element that another one matches, such as {"a": 1} beside {"a": 1, "b": 2}, says
 * nothing.  So only the set of a predicate's leaves counts, each with the keys that lead to it: an element that
 * another one matches adds no leaf.
 */
#ifndef FACTSTR_PREDICATE_HASH_H
#define FACTSTR_PREDICATE_HASH_H

#include <stdlib.h>

#include "match/tree_walk.h"

/* An odd number whose bits are even ones; multiples of it are far from each other. */
#define FS_HASH_STEP UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t
fs_text_hash(fs_text hashed)
{
	return fs_hash_mix(fs_hash_bytes(hashed.data, hashed.length));
}

static uint64_t
fs_scalar_hash(fs_json scalar, fs_json_kind kind)
{
	uint64_t	hash = kind == FS_JSON_STRING ? fs_text_hash(fs_json_string(scalar)) :
	fs_json_scalar_hash(scalar);

	return fs_hash_mix(hash + (uint64_t) kind * FS_HASH_STEP);
}

/* The leaves of a predicate, in memory that serves one predicate after the other. */
typedef struct fs_leaves
{
	uint64_t   *hashes;
	size_t		count;
	size_t		capacity;
	bool		no_memory;		/* then hashes are not to be relied on */
	uint64_t	own[64];
} fs_leaves;

static inline void
fs_leaves_begin(fs_leaves *leaves)
{
	leaves->hashes = leaves->own;
	leaves->count = 0;
	leaves->capacity = sizeof(leaves->own) / sizeof(leaves->own[0]);
	leaves->no_memory = false;
}

static inline void
fs_leaves_end(fs_leaves *leaves)
{
	if (leaves->hashes != leaves->own)
		fs_release(leaves->hashes);
}

static void
fs_add_leaf(fs_leaves *leaves, uint64_t hash)
{
	if (leaves->count == leaves->capacity)
	{
		void	   *hashes = fs_double_list(leaves->hashes, leaves->own, &leaves->capacity,
											sizeof(uint64_t));

		leaves->no_memory = leaves->no_memory || hashes == NULL;
		if (hashes == NULL)
			return;
		leaves->hashes = hashes;
	}
	leaves->hashes[leaves->count++] = hash;
}

/* For a list whose items begin with a hash. */
static int
fs_compare_hashes(const void *a, const void *b)
{
	uint64_t	left = *(const uint64_t *) a;
	uint64_t	right = *(const uint64_t *) b;

	fs_check_interrupts();
	return (left > right) - (left < right);
}

/* The path to a child of the container that the walk is in. */
static uint64_t
fs_path_of_child(fs_tree_walk *walk, fs_text key)
{
	const fs_tree_level *level;

	if (walk->depth == 0)
		return 0;
	level = fs_tree_walk_level(walk);
	return level->is_object ? level->path ^ fs_text_hash(key) : level->path;
}

/* The leaves are a value's scalars, and each array and object is one as well. */
static void
fs_add_leaves(fs_leaves *leaves, fs_json value)
{
	fs_tree_walk walk;
	fs_text		key = {"", 0};

	fs_tree_walk_begin(&walk);
	do
	{
		fs_json_kind kind = fs_json_kind_of(value);
		uint64_t	path = fs_hash_mix(fs_path_of_child(&walk, key) + (uint64_t) kind);

		if (!fs_json_is_container(kind))
			path ^= fs_scalar_hash(value, kind);
		else if (fs_tree_walk_enter(&walk, value))
			fs_tree_walk_level(&walk)->path = path;
		fs_add_leaf(leaves, path);
	}
	while (fs_tree_walk_next(&walk, &key, &value));
	fs_tree_walk_end(&walk);
	leaves->no_memory = leaves->no_memory || walk.no_memory;
}

static uint64_t
fs_predicate_hash(fs_json predicate, fs_leaves *leaves)
{
	uint64_t	hash = FS_HASH_STEP;

	leaves->count = 0;
	fs_add_leaves(leaves, predicate);
	qsort(leaves->hashes, leaves->count, sizeof(uint64_t), fs_compare_hashes);
	for (size_t i = 0; i < leaves->count; i++)
	{
		fs_check_interrupts();
		if (i == 0 || leaves->hashes[i] != leaves->hashes[i - 1])
			hash = fs_hash_mix(hash + leaves->hashes[i]);
	}
	return hash;
}

#endif							/* FACTSTR_PREDICATE_HASH_H */
