/*
 * api/partitions.h
 *		Opens one partition of a durable stream.
 */
#ifndef FACTSTR_API_PARTITIONS_H
#define FACTSTR_API_PARTITIONS_H

#include "streams/stream.h"

/* FACTSTR_MISUSE if the options do not go together. */
int			fs_check_partitions(const fs_stream_request *request, factstr_error *error);

/* For a request that has passed that check and has partitions; otherwise like fs_stream_open. */
int			fs_open_partition(factstr_store *store, const fs_stream_request *request,
							  factstr_stream **stream, factstr_error *error);

#endif							/* FACTSTR_API_PARTITIONS_H */
