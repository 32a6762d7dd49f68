/*
 * streams/partitions.h
 *		Durable streams in partitions, each of which is a durable stream.
 */
#ifndef FACTSTR_STREAMS_PARTITIONS_H
#define FACTSTR_STREAMS_PARTITIONS_H

#include "streams/streams.h"

extern Jsonb *fs_partition_query(Jsonb *event_query, text *key, int count, int number);
extern bool fs_partitions_exist(const FactstrStore *store, text *stream);
extern text *fs_partition_whole(const FactstrStore *store, text *name);
extern List *fs_partitions_list(const FactstrStore *store, text *name);
extern text *fs_partition_take_free(const FactstrStore *store, text *stream);

#endif							/* FACTSTR_STREAMS_PARTITIONS_H */
