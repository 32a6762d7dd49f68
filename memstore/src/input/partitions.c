/*
 * input/partitions.c
 *		Durable streams in partitions, each of which is a durable stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_text.h"
#include "input/partitions.h"
#include "results/error.h"

/* A number sign and 64 bits. */
#define FS_PARTITION_SUFFIX 24

char *
fs_partition_name(const char *name, size_t number)
{
	size_t		size = strlen(name) + FS_PARTITION_SUFFIX;
	char	   *made = malloc(size);

	if (made != NULL)
		(void) snprintf(made, size, "%s#%zu", name, number);
	return made;
}

size_t
fs_partition_shared_length(const char *stream, const fs_event_query *query)
{
	char		suffix[FS_PARTITION_SUFFIX];
	size_t		length = strlen(stream);
	size_t		suffix_length;

	(void) snprintf(suffix, sizeof(suffix), "#%" PRId64, query->partition.number);
	suffix_length = strlen(suffix);
	if (query->partition.count == 0 || length <= suffix_length ||
		strcmp(stream + length - suffix_length, suffix) != 0)
		return 0;
	return length - suffix_length;
}

bool
fs_is_stream_or_partition(const char *stream, const fs_event_query *query, const char *name)
{
	size_t		shared = fs_partition_shared_length(stream, query);

	return strcmp(stream, name) == 0 ||
		(shared > 0 && shared == strlen(name) && strncmp(stream, name, shared) == 0);
}

/* A query's text ends with the brace of its object, before which there is room for another member. */
static char *
fs_text_of_partition(const fs_partition_set *set, size_t number)
{
	const char *text = set->query.text;
	fs_buffer	out = {0};

	fs_buffer_append(&out, text, (size_t) (strrchr(text, '}') - text));
	if (fs_json_count(set->query.document) > 0)
		fs_buffer_append_text(&out, ", ");
	fs_buffer_append_text(&out, "\"partition\": {\"key\": ");
	fs_write_string(&out, set->key);
	fs_buffer_append_text(&out, ", \"count\": ");
	fs_write_integer(&out, set->count);
	fs_buffer_append_text(&out, ", \"number\": ");
	fs_write_integer(&out, number);
	fs_buffer_append_text(&out, "}}");
	return fs_finish_text(&out);
}

static int
fs_init_member(const fs_partition_set *set, size_t number, factstr_error *error)
{
	fs_partition_member *member = &set->members[number];
	char	   *text = fs_text_of_partition(set, number);
	int			code;

	member->name = fs_partition_name(set->name, number);
	if (text == NULL || member->name == NULL)
		code = fs_error_no_memory(error);
	else
		code = fs_query_parse_named(text, "partition_key", &member->query, error);
	free(text);
	return code;
}

static int
fs_init_members(fs_partition_set *set, factstr_error *error)
{
	int			code = FACTSTR_OK;

	if (set->query.parsed.partition.count > 0)
	{
		(void) fs_error(error, FACTSTR_MALFORMED,
						"invalid event_query at $.partition: it has a partition already");
		fs_error_hint(error, "Open all partitions together, or one stream without them.");
		return FACTSTR_MALFORMED;
	}
	set->members = calloc(set->count, sizeof(fs_partition_member));
	if (set->members == NULL)
		return fs_error_no_memory(error);
	for (size_t i = 0; i < set->count && code == FACTSTR_OK; i++)
		code = fs_init_member(set, i, error);
	return code;
}

int
fs_partition_set_init(fs_partition_set *set, const char *name, const char *event_query,
					  const char *key, size_t count, factstr_error *error)
{
	int			code;

	*set = (fs_partition_set) {.name = name, .key = key, .count = count};
	code = fs_query_parse_for_stream(event_query, &set->query, error);
	if (code == FACTSTR_OK)
		code = fs_init_members(set, error);
	if (code != FACTSTR_OK)
		fs_partition_set_release(set);
	return code;
}

void
fs_partition_set_release(fs_partition_set *set)
{
	for (size_t i = 0; set->members != NULL && i < set->count; i++)
	{
		free(set->members[i].name);
		fs_query_release(&set->members[i].query);
	}
	free(set->members);
	fs_query_release(&set->query);
	*set = (fs_partition_set) {0};
}
