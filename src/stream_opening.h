/*
 * stream_opening.h
 *		Makes durable streams, or finds them again.
 */
#ifndef FACTSTR_STREAM_OPENING_H
#define FACTSTR_STREAM_OPENING_H

#include "fmgr.h"

#include "streams.h"

typedef struct StreamOpening
{
	text	   *name;
	Jsonb	   *query_document;
	fs_event_query *query;
	int64		start;			/* the cursor of a new stream */
} StreamOpening;

extern StreamOpening argument_stream_opening(FunctionCallInfo fcinfo, const FactstrStore *store,
											 int start_argument);
extern Stream stream_open(const FactstrStore *store, const StreamOpening *opening,
						  const char *function);

#endif							/* FACTSTR_STREAM_OPENING_H */
