/*
 * stores/memory/partitions.c
 *		Creates durable streams: one, or all partitions of one.
 */
#include <stdlib.h>

#include "results/error.h"
#include "stores/memory/backend.h"
#include "stores/memory/facts.h"
#include "stores/memory/stream_table.h"

/* A name is that of a stream, or of one with partitions. */
static int
fs_refuse_other_form(const fs_memory_streams *streams, const fs_claim *claim, factstr_error *error)
{
	const char *name = claim->partitions != NULL ? claim->partitions->name : claim->name;
	char	   *first = fs_partition_name(name, 0);
	const fs_memory_stream *found;
	bool		is_taken;

	if (first == NULL)
		return fs_error_no_memory(error);
	found = fs_memory_stream_find(streams, claim->partitions != NULL ? name : first);
	is_taken = found != NULL && (claim->partitions != NULL || found->query.parsed.partition.count > 0);
	free(first);
	return is_taken ? fs_error_stream_query_differs(error, name) : FACTSTR_OK;
}

/* Finds one partition with the same query, or makes it: then it is in *made. */
static int
fs_find_or_make(fs_memory_streams *streams, const fs_claim *claim, uint64_t cursor,
				fs_memory_stream **made, factstr_error *error)
{
	const fs_memory_stream *found = fs_memory_stream_find(streams, claim->name);
	bool		equal;
	int			code;

	if (found == NULL)
		return fs_memory_stream_make(streams, claim, cursor, made, error);
	code = fs_query_equal(&found->query, claim->query, &equal, error);
	return code != FACTSTR_OK || equal ? code : fs_error_stream_query_differs(error, claim->name);
}

/* All of them, or none. */
static int
fs_make_partitions(fs_memory_streams *streams, const fs_claim *claim, uint64_t cursor,
				   factstr_error *error)
{
	const fs_partition_set *set = claim->partitions;
	fs_memory_stream **made = calloc(set->count, sizeof(fs_memory_stream *));
	int			code = made == NULL ? fs_error_no_memory(error) : FACTSTR_OK;

	for (size_t i = 0; code == FACTSTR_OK && i < set->count; i++)
	{
		fs_claim	one = *claim;

		one.name = set->members[i].name;
		one.query = &set->members[i].query;
		code = fs_find_or_make(streams, &one, cursor, &made[i], error);
	}
	for (size_t i = 0; made != NULL && code != FACTSTR_OK && i < set->count; i++)
	{
		if (made[i] != NULL)
			fs_memory_stream_remove(streams, made[i]);
	}
	free(made);
	return code;
}

int
fs_memory_stream_make_claimed(fs_backend *backend, const fs_claim *claim,
							  fs_memory_stream **stream, factstr_error *error)
{
	fs_memory_streams *streams = &backend->streams;
	uint64_t	cursor = claim->start == FACTSTR_FROM_NOW ? fs_memory_log_head(&backend->log) : 0;
	int			code = fs_refuse_other_form(streams, claim, error);

	if (code != FACTSTR_OK)
		return code;
	if (claim->partitions == NULL)
		return fs_memory_stream_make(streams, claim, cursor, stream, error);
	code = fs_make_partitions(streams, claim, cursor, error);
	*stream = fs_memory_stream_find(streams, claim->name);
	return code;
}
