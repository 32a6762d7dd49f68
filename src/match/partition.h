/*
 * match/partition.h
 *		Which facts belong to a partition: rule 42 of the contract.
 *
 * Include a binding first (json_value.h defines bindings).
 *
 * Logs are copied between stores, and a consumer may move from one to another: so the number of a value's
 * partition is the same in every store, on every machine, for good.  docs/sql-reference.md describes how it is
 * computed, for programs that do so as well.
 */
#ifndef FACTSTR_PARTITION_H
#define FACTSTR_PARTITION_H

#include "match/event_query.h"

/* Takes the next key off a path that has been checked; false at its end. */
static inline bool
fs_partition_path_next(fs_text *path, fs_text *key)
{
	const char *end = path->data + path->length;
	const char *c = path->data + 1;
	bool		is_quoted;

	if (path->length == 0)
		return false;
	is_quoted = *c == '"';
	key->data = is_quoted ? ++c : c;
	while (c < end && *c != (is_quoted ? '"' : '.'))
		c++;
	key->length = (size_t) (c - key->data);
	path->data = is_quoted ? c + 1 : c;
	path->length = (size_t) (end - path->data);
	return true;
}

/* The path after the dollar sign. */
static inline fs_text
fs_partition_path(const fs_partition *partition)
{
	fs_text		path = {partition->key.data + 1, partition->key.length - 1};

	return path;
}

/* The value that the path leads to; false if there is none. */
static inline bool
fs_partition_value(const fs_partition *partition, fs_json payload, fs_json *value)
{
	fs_text		path = fs_partition_path(partition);
	fs_text		key;

	*value = payload;
	while (fs_partition_path_next(&path, &key))
	{
		if (fs_json_kind_of(*value) != FS_JSON_OBJECT || !fs_json_object_get(*value, key, value))
			return false;
	}
	return true;
}

static inline uint64_t
fs_partition_hash_of_string(fs_text string)
{
	return fs_hash_more_bytes(fs_hash_bytes("\"", 1), string.data, string.length);
}

static inline uint64_t
fs_partition_hash_of_word(const char *word)
{
	return fs_hash_bytes(word, strlen(word));
}

/* The same for equal values.  Arrays and objects are no keys, and count as null. */
static inline uint64_t
fs_partition_hash(fs_json value)
{
	fs_text		number;

	switch (fs_json_kind_of(value))
	{
		case FS_JSON_STRING:
			return fs_partition_hash_of_string(fs_json_string(value));
		case FS_JSON_NUMBER:
			number = fs_json_number_text(value);
			return fs_hash_bytes(number.data, number.length);
		case FS_JSON_BOOLEAN:
			return fs_partition_hash_of_word(fs_json_boolean(value) ? "true" : "false");
		default:
			return fs_partition_hash_of_word("null");
	}
}

/* Does a fact with this payload belong to the partition?  Without the key it counts as one with null. */
static inline bool
fs_partition_has(const fs_partition *partition, fs_json payload)
{
	fs_json		value;
	uint64_t	hash;

	if (partition->count == 0)
		return true;
	hash = fs_partition_value(partition, payload, &value) ? fs_partition_hash(value) :
		fs_partition_hash_of_word("null");
	return fs_hash_mix(hash) % (uint64_t) partition->count == (uint64_t) partition->number;
}

/* Do two paths have the same keys?  Quotes do not matter. */
static inline bool
fs_partition_key_equal(const fs_partition *a, const fs_partition *b)
{
	fs_text		path_a = fs_partition_path(a);
	fs_text		path_b = fs_partition_path(b);
	fs_text		key_a;
	fs_text		key_b;

	while (fs_partition_path_next(&path_a, &key_a))
	{
		if (!fs_partition_path_next(&path_b, &key_b) || fs_text_compare(key_a, key_b) != 0)
			return false;
	}
	return path_b.length == 0;
}

static inline bool
fs_partition_equal(const fs_partition *a, const fs_partition *b)
{
	return a->count == b->count && a->number == b->number &&
		(a->count == 0 || fs_partition_key_equal(a, b));
}

#endif							/* FACTSTR_PARTITION_H */
