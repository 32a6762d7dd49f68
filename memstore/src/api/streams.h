/*
 * api/streams.h
 *		Opens a stream, for all functions that do so.
 */
#ifndef FACTSTR_API_STREAMS_H
#define FACTSTR_API_STREAMS_H

#include "streams/stream.h"

/* The options have been taken; *stream is NULL.  *error is filled on failure. */
int			fs_open_stream(factstr_store *store, const fs_stream_request *request,
						   factstr_stream **stream, factstr_error *error);

#endif							/* FACTSTR_API_STREAMS_H */
