/*
 * match/partition_parser.h
 *		From a JSON document to the partition of an event query.
 *
 * Include a binding first (json_value.h defines bindings).
 */
#ifndef FACTSTR_PARTITION_PARSER_H
#define FACTSTR_PARTITION_PARSER_H

#include "match/event_query.h"
#include "match/input_error.h"

#define FS_PARTITION_KEYS "\"partition\" is {\"key\": path, \"count\": n, \"number\": i}, or absent for every fact."
#define FS_PARTITION_KEY_SHAPE \
	"A partition's key is a path such as $.account or $.customer.\"e-mail\": keys of objects, " \
	"in quotes unless they consist of letters, digits and underscores."
#define FS_PARTITION_COUNT_SHAPE "There may be 1 to 1024 partitions."
#define FS_PARTITION_NUMBER_SHAPE "Partitions are numbered from 0, so the last one of four is 3."

static inline bool
fs_is_plain_in_path(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c >= 0x80;
}

/* The length of a point and a key, including its quotes if there are any; 0 if the text does not begin so. */
static size_t
fs_partition_step_length(fs_text path)
{
	size_t		i = 1;

	if (path.length < 2 || path.data[0] != '.')
		return 0;
	if (path.data[1] != '"')
	{
		while (i < path.length && fs_is_plain_in_path((unsigned char) path.data[i]))
			i++;
		return i > 1 ? i : 0;
	}
	for (i = 2; i < path.length && path.data[i] != '\\'; i++)
	{
		fs_check_interrupts();
		if (path.data[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Is it a dollar sign with at least one key behind it? */
static bool
fs_is_partition_path(fs_text path)
{
	size_t		length = 1;

	if (path.length < 2 || path.data[0] != '$')
		return false;
	while (path.length > 0 && length > 0)
	{
		path.data += length;
		path.length -= length;
		length = fs_partition_step_length(path);
	}
	return path.length == 0;
}

static bool
fs_parse_partition_key(fs_json value, fs_partition *partition, fs_input_error *error)
{
	const char *path = "$.partition.key";

	if (fs_json_kind_of(value) != FS_JSON_STRING)
		return fs_wrong_kind(error, path, FS_PARTITION_KEY_SHAPE, "the key of a partition",
							 FS_JSON_STRING, fs_json_kind_of(value));
	partition->key = fs_json_string(value);
	return fs_is_partition_path(partition->key) ||
		fs_malformed(error, path, FS_PARTITION_KEY_SHAPE, "the key of a partition is not a path");
}

/* An integer from lowest on; the name is the last key of its path. */
static bool
fs_parse_partition_integer(fs_json value, const char *name, const char *shape, int lowest,
						   int64_t *result, fs_input_error *error)
{
	int			highest = lowest + FS_MOST_PARTITIONS - 1;
	char		path[32];

	(void) snprintf(path, sizeof(path), "$.partition.%s", name);
	if (fs_json_kind_of(value) != FS_JSON_NUMBER)
		return fs_wrong_kind(error, path, shape, name, FS_JSON_NUMBER, fs_json_kind_of(value));
	if (fs_json_int64(value, result) == FS_INT64_OK && *result >= lowest &&
		*result <= highest)
		return true;
	return fs_malformed(error, path, shape, "%s must be an integer from %d to %d", name, lowest,
						highest);
}

static bool
fs_parse_partition_member(fs_text name, fs_json value, fs_partition *partition,
						  fs_input_error *error)
{
	if (fs_text_is(name, "key"))
		return fs_parse_partition_key(value, partition, error);
	if (fs_text_is(name, "count"))
		return fs_parse_partition_integer(value, "count", FS_PARTITION_COUNT_SHAPE, 1,
										  &partition->count, error);
	if (fs_text_is(name, "number"))
		return fs_parse_partition_integer(value, "number", FS_PARTITION_NUMBER_SHAPE, 0,
										  &partition->number, error);
	return fs_unknown_key(error, "$.partition", name, FS_PARTITION_KEYS);
}

/* The members may come in any order, and all are required. */
static bool
fs_parse_partition(fs_json document, fs_partition *partition, fs_input_error *error)
{
	fs_json_iterator members;
	fs_text		name;
	fs_json		value;

	if (fs_json_kind_of(document) != FS_JSON_OBJECT)
		return fs_wrong_kind(error, "$.partition", FS_PARTITION_KEYS, "partition",
							 FS_JSON_OBJECT, fs_json_kind_of(document));
	partition->number = -1;
	fs_json_iterate(document, &members);
	while (fs_json_next_member(&members, &name, &value))
	{
		if (!fs_parse_partition_member(name, value, partition, error))
			return false;
	}
	if (partition->count == 0 || partition->number < 0 || partition->key.length == 0)
		return fs_malformed(error, "$.partition", FS_PARTITION_KEYS,
							"a partition must have \"key\", \"count\" and \"number\"");
	return partition->number < partition->count ||
		fs_malformed(error, "$.partition.number", FS_PARTITION_NUMBER_SHAPE,
					 "number must be less than count");
}

#endif							/* FACTSTR_PARTITION_PARSER_H */
