/*
 * stream_opening.c
 *		Makes durable streams, or finds them again.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "arguments.h"
#include "errors.h"
#include "fact_scan.h"
#include "stream_lock.h"
#include "stream_opening.h"

/* The query of a durable stream bounds no rows: its cursor does. */
static fs_event_query *
argument_stream_query(FunctionCallInfo fcinfo, int argument)
{
	fs_event_query *query = argument_event_query(fcinfo, argument, "event_query");

	if (query->has_min_sequence_number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid event_query: a durable stream has no min_sequence_number"),
				 errdetail("JSON path: $.min_sequence_number"),
				 errhint("Where the stream begins is its cursor: see factstr_stream_open and factstr_stream_seek.")));
	return query;
}

/* Where a new stream begins: before the first fact, or after the newest. */
static int64
argument_start(FunctionCallInfo fcinfo, int argument, const FactstrStore *store)
{
	char	   *start;

	argument_refuse_null(fcinfo, argument, "start");
	start = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strcmp(start, "first") == 0)
		return 0;
	if (strcmp(start, "now") == 0)
		return fact_head_now(store);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid start: it must be \"first\" or \"now\"")));
	return 0;
}

/* The arguments name, event_query, and at its place start. */
StreamOpening
argument_stream_opening(FunctionCallInfo fcinfo, const FactstrStore *store, int start_argument)
{
	StreamOpening opening;

	opening.name = argument_stream_name(fcinfo, 0);
	opening.query = argument_stream_query(fcinfo, 1);
	opening.query_document = PG_GETARG_JSONB_P(1);
	opening.start = argument_start(fcinfo, start_argument, store);
	return opening;
}

/* Makes the stream, or finds it with the same query. */
Stream
stream_open(const FactstrStore *store, const StreamOpening *opening, const char *function)
{
	Stream		stream = stream_find(store, opening->name);

	if (stream.row == NULL)
	{
		factstr_refuse_read_only(function);
		stream_lock(store, opening->name, false);
		stream = stream_find(store, opening->name);
	}
	if (stream.row == NULL)
	{
		stream_insert(store, opening->name, opening->query_document, opening->start);
		return stream_find(store, opening->name);
	}
	if (!factstr_queries_equal(stream.query, opening->query))
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_QUERY_DIFFERS),
				 errmsg("durable stream \"%s\" has a different query", text_to_cstring(opening->name)),
				 errhint("Open it with its own query, or choose another name, or drop the stream first.")));
	return stream;
}
