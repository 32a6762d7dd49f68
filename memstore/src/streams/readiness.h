/*
 * streams/readiness.h
 *		Is there something for the next call of a pulled stream?  With the stream's mutex.
 */
#ifndef FACTSTR_STREAMS_READINESS_H
#define FACTSTR_STREAMS_READINESS_H

#include "streams/stream.h"

void		fs_readiness_set(factstr_stream *stream);

/* Does nothing once the stream has been stopped: every call then reports that. */
void		fs_readiness_clear(factstr_stream *stream);

/* Creates the pipe, whose first end is readable while it is set. */
int			fs_readiness_open(factstr_stream *stream, factstr_error *error);
void		fs_readiness_close(factstr_stream *stream);

#endif							/* FACTSTR_STREAMS_READINESS_H */
