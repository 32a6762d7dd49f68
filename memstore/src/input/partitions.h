/*
 * input/partitions.h
 *		Durable streams in partitions, each of which is a durable stream.
 *
 * No store has the stream itself.  Its partitions have names composed of its name and their numbers, NAME#0 and
 * so on, and the same query except for their part of the facts.
 */
#ifndef FACTSTR_INPUT_PARTITIONS_H
#define FACTSTR_INPUT_PARTITIONS_H

#include "input/query.h"

typedef struct fs_partition_member
{
	char	   *name;
	fs_query	query;
} fs_partition_member;

/* All partitions of a stream, which are created together. */
typedef struct fs_partition_set
{
	const char *name;			/* that they share */
	const char *key;
	fs_query	query;			/* of all of them */
	size_t		count;
	fs_partition_member *members;
} fs_partition_set;

/*
 * name and key are borrowed.  FACTSTR_MALFORMED if the query already has a partition, or the key is not a path; on
 * success the caller releases *set, on failure it is zeroed.
 */
int			fs_partition_set_init(fs_partition_set *set, const char *name, const char *event_query,
								  const char *key, size_t count, factstr_error *error);
void		fs_partition_set_release(fs_partition_set *set);

/* A new text, NULL if out of memory. */
char	   *fs_partition_name(const char *name, size_t number);

/* Is the stream this one, or one of its partitions? */
bool		fs_is_stream_or_partition(const char *stream, const fs_event_query *query,
									  const char *name);

/* The length of the name that a partition shares with others; 0 if the stream is not a partition. */
size_t		fs_partition_shared_length(const char *stream, const fs_event_query *query);

#endif							/* FACTSTR_INPUT_PARTITIONS_H */
