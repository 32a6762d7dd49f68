/*
 * api/partitions.c
 *		Opens one partition of a durable stream: the requested one, or any free one.
 */
#include "api/partitions.h"
#include "api/store.h"
#include "base/threads.h"
#include "input/partitions.h"
#include "results/error.h"
#include "stores/hub.h"
#include "streams/list.h"

/* The interval between attempts to get a partition that other processes hold.  In ms. */
#define FS_LOOK_INTERVAL 25

int
fs_check_partitions(const fs_stream_request *request, factstr_error *error)
{
	const factstr_stream_options *options = &request->options;

	if (options->partitions == 0 && options->partition_key == NULL)
		return FACTSTR_OK;
	if (request->name == NULL)
		return fs_error(error, FACTSTR_MISUSE, "only a durable stream has partitions");
	if (options->partitions == 0 || options->partition_key == NULL)
		return fs_error(error, FACTSTR_MISUSE, "partitions and partition_key require each other");
	if (options->partitions > FS_MOST_PARTITIONS)
		return fs_error(error, FACTSTR_MISUSE, "partitions must be from 1 to %d",
						FS_MOST_PARTITIONS);
	if (options->partition < FACTSTR_ANY_PARTITION ||
		options->partition >= (int32_t) options->partitions)
		return fs_error(error, FACTSTR_MISUSE, "partition must be less than partitions, or any");
	return FACTSTR_OK;
}

/* The request for one of them. */
static int
fs_open_member(factstr_store *store, const fs_stream_request *request, const fs_partition_set *set,
			   size_t number, factstr_stream **stream, factstr_error *error)
{
	fs_stream_request one = *request;

	one.name = set->members[number].name;
	one.event_query = set->members[number].query.text;
	one.partitions = set;
	if (request->options.partition == FACTSTR_ANY_PARTITION)
		one.options.timeout_ms = 0;
	return fs_stream_open(store, &one, stream, error);
}

/* Opens the first free one; FACTSTR_STREAM_ACTIVE if none is free. */
static int
fs_open_free(factstr_store *store, const fs_stream_request *request, const fs_partition_set *set,
			 factstr_stream **stream, factstr_error *error)
{
	int			code = FACTSTR_STREAM_ACTIVE;

	for (size_t i = 0; i < set->count && code == FACTSTR_STREAM_ACTIVE; i++)
		code = fs_open_member(store, request, set, i, stream, error);
	return code;
}

static int
fs_await_free(factstr_store *store, const fs_stream_request *request, const fs_partition_set *set,
			  factstr_stream **stream, factstr_error *error)
{
	int64_t		deadline = fs_deadline(request->options.timeout_ms);

	for (;;)
	{
		uint64_t	count = fs_hub_cursor_count(store->hub);
		int			code = fs_open_free(store, request, set, stream, error);
		int64_t		left = fs_time_left(deadline);

		if (code != FACTSTR_STREAM_ACTIVE || left == 0)
			return code;
		code = fs_streams_check(store, error);
		if (code != FACTSTR_OK)
			return code;
		fs_hub_cursor_wait(store->hub, count, left < FS_LOOK_INTERVAL ? left : FS_LOOK_INTERVAL);
	}
}

int
fs_open_partition(factstr_store *store, const fs_stream_request *request,
				  factstr_stream **stream, factstr_error *error)
{
	const factstr_stream_options *options = &request->options;
	fs_partition_set set;
	int			code = fs_partition_set_init(&set, request->name, request->event_query,
											 options->partition_key, options->partitions, error);

	if (code != FACTSTR_OK)
		return code;
	code = fs_check_text(set.members[set.count - 1].name, "name", error);
	if (code == FACTSTR_OK && options->partition == FACTSTR_ANY_PARTITION)
		code = fs_await_free(store, request, &set, stream, error);
	else if (code == FACTSTR_OK)
		code = fs_open_member(store, request, &set, (size_t) options->partition, stream, error);
	fs_partition_set_release(&set);
	return code;
}
