/*
 * sql/opening.c
 *		Opening durable streams, in one or in partitions; and giving them another query.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "commit/wakeup.h"
#include "errors.h"
#include "read/facts.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "streams/lock.h"
#include "streams/partitions.h"
#include "streams/streams.h"

PG_FUNCTION_INFO_V1(factstr_stream_open);
PG_FUNCTION_INFO_V1(factstr_stream_set_query);

/*
 * Arguments
 */

/* The query of a durable stream has no after: its cursor takes its place. */
static fs_event_query *
argument_stream_query(FunctionCallInfo fcinfo, int argument)
{
	fs_event_query *query = fs_argument_event_query(fcinfo, argument, "event_query");

	if (query->has_after)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid event_query: the query of a durable stream has no \"after\""),
				 errdetail("JSON path: $"),
				 errhint("The cursor sets the starting position: see factstr_stream_open and factstr_stream_seek.")));
	return query;
}

/* The start of a new stream: before the first fact, or after the newest. */
static int64
argument_start(FunctionCallInfo fcinfo, int argument, const FactstrStore *store)
{
	char	   *start;

	fs_argument_refuse_null(fcinfo, argument, "start");
	start = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strcmp(start, "first") == 0)
		return 0;
	if (strcmp(start, "now") == 0)
		return fs_fact_head_now_to_tell(store);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid start: it must be \"first\" or \"now\"")));
	return 0;
}

static void
refuse_partitioned_query(const fs_event_query *query)
{
	if (query->partition.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid event_query: it has a partition already"),
				 errdetail("JSON path: $.partition"),
				 errhint("Open all partitions together with partitions and partition_key, or one stream without them.")));
}

static void
require_both(FunctionCallInfo fcinfo, int argument, const text *key)
{
	bool		has_count = !PG_ARGISNULL(argument);

	if (has_count != (key != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be null", has_count ? "partition_key" : "partitions"),
				 errhint("Give both the number of partitions and the path of their key, such as $.account.")));
}

/*
 * The arguments partitions and partition_key, both null for a stream without partitions.  Only the key has a
 * default; the parser of the queries checks it.
 */
void
fs_argument_partitions(FunctionCallInfo fcinfo, int argument, text *default_key,
					   StreamOpening *opening)
{
	text	   *key = PG_ARGISNULL(argument + 1) ? NULL : PG_GETARG_TEXT_PP(argument + 1);

	if (key == NULL && !PG_ARGISNULL(argument))
		key = default_key;
	require_both(fcinfo, argument, key);
	if (key == NULL)
		return;
	opening->partitions = PG_GETARG_INT32(argument);
	opening->partition_key = key;
	if (opening->partitions < 1 || opening->partitions > FS_MOST_PARTITIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid partitions: it must be from 1 to %d", FS_MOST_PARTITIONS)));
	refuse_partitioned_query(opening->query);
}

/* The arguments name, event_query, and at their place start, partitions and partition_key. */
StreamOpening
fs_argument_stream_opening(FunctionCallInfo fcinfo, const FactstrStore *store, int start_argument)
{
	StreamOpening opening = {0};

	opening.name = fs_argument_stream_name(fcinfo, 0);
	opening.query = argument_stream_query(fcinfo, 1);
	opening.query_document = PG_GETARG_JSONB_P(1);
	opening.start = argument_start(fcinfo, start_argument, store);
	/* 0.1.0 has none. */
	if (PG_NARGS() > start_argument + 1)
		fs_argument_partitions(fcinfo, start_argument + 1, NULL, &opening);
	return opening;
}

/*
 * Opening
 */

/* A stream of this name, or one of its partitions. */
static StreamOpening
opening_of_partition(const StreamOpening *opening, int number)
{
	StreamOpening partition = *opening;

	if (opening->partitions == 0)
		return partition;
	partition.name = fs_stream_partition_name(opening->name, number);
	fs_call_check_stream_name(partition.name);
	partition.query_document = fs_partition_query(opening->query_document, opening->partition_key,
												  opening->partitions, number);
	partition.query = fs_query_parse(partition.query_document, "partition_key");
	return partition;
}

static void
refuse_different_query(const Stream *stream)
{
	const fs_partition *partition = &stream->query->partition;

	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_STREAM_QUERY_DIFFERS),
			 errmsg("durable stream \"%s\" has a different query", text_to_cstring(stream->name)),
			 partition->count == 0 ? 0 :
			 errdetail("It is one of %d partitions by %s.", (int) partition->count,
					   pnstrdup(partition->key.data, partition->key.length)),
			 errhint("Open it with its own query, or choose another name, or drop the stream first.")));
}

/* The stream, if there is one of that name, which must have the same query. */
static Stream
find(const FactstrStore *store, const StreamOpening *opening)
{
	Stream		stream = fs_stream_find(store, opening->name);

	if (stream.row != NULL && !fs_query_equal(stream.query, opening->query))
		refuse_different_query(&stream);
	return stream;
}

/* The lock of the name that partitions share is held, and this one may have the same name. */
static Stream
find_or_make(const FactstrStore *store, const StreamOpening *opening)
{
	Stream		stream = find(store, opening);

	if (stream.row != NULL)
		return stream;
	fs_stream_lock_acquire(store, opening->name, false);
	fs_stream_insert(store, opening->name, opening->query_document, opening->start);
	return fs_stream_find(store, opening->name);
}

/* A name is that of a stream, or of one with partitions. */
static void
refuse_other_form(const FactstrStore *store, const StreamOpening *opening)
{
	bool		has_partitions = opening->partitions == 0;

	if (has_partitions ? !fs_partitions_exist(store, opening->name) :
		fs_stream_find(store, opening->name).row == NULL)
		return;
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_STREAM_QUERY_DIFFERS),
			 errmsg("durable stream \"%s\" has %s", text_to_cstring(opening->name),
					has_partitions ? "partitions" : "no partitions"),
			 errhint("Open it as it is, or choose another name, or drop the stream first.")));
}

/* Called for each partition of a stream, or once for a stream without partitions. */
typedef Stream (*PartitionOpener) (const FactstrStore *store, const StreamOpening *opening);

/* In order; NIL if there is none for one of them. */
static List *
open_each(const FactstrStore *store, const StreamOpening *opening, PartitionOpener open)
{
	List	   *streams = NIL;

	for (int number = 0; number < Max(opening->partitions, 1); number++)
	{
		StreamOpening partition = opening_of_partition(opening, number);
		Stream	   *stream = palloc(sizeof(Stream));

		CHECK_FOR_INTERRUPTS();
		*stream = open(store, &partition);
		if (stream->row == NULL)
			return NIL;
		streams = lappend(streams, stream);
	}
	return streams;
}

/* Creates the stream, or all of its partitions, or finds them with the same query; in order. */
List *
fs_stream_open(const FactstrStore *store, const StreamOpening *opening, const char *function)
{
	List	   *streams = open_each(store, opening, find);

	if (streams != NIL)
		return streams;
	fs_call_refuse_read_only(function);
	fs_stream_lock_acquire(store, opening->name, false);
	refuse_other_form(store, opening);
	return open_each(store, opening, find_or_make);
}

/* The same for streams that the caller has just dropped, with the lock of their name. */
List *
fs_stream_make(const FactstrStore *store, const StreamOpening *opening)
{
	return open_each(store, opening, find_or_make);
}

/* The cursor of a stream; for partitions, the lowest of their cursors. */
int64
fs_streams_cursor(List *streams)
{
	int64		cursor = PG_INT64_MAX;
	ListCell   *cell;

	foreach(cell, streams)
	{
		cursor = Min(cursor, ((const Stream *) lfirst(cell))->cursor);
	}
	return cursor;
}

/* factstr_stream_open(name, event_query, start, partitions, partition_key): returns the cursor. */
Datum
factstr_stream_open(PG_FUNCTION_ARGS)
{
	FactstrStore store = fs_store_of_call(fcinfo, 5, RIGHT_TO_CONSUME);
	StreamOpening opening = fs_argument_stream_opening(fcinfo, &store, 2);

	PG_RETURN_INT64(fs_streams_cursor(fs_stream_open(&store, &opening, "factstr_stream_open()")));
}

/*
 * Another query
 */

/* A partition keeps its part. */
static void
set_query(const FactstrStore *store, const Stream *stream, Jsonb *event_query)
{
	const fs_partition *partition = &stream->query->partition;

	if (partition->count > 0)
		event_query = fs_partition_query(event_query,
										 cstring_to_text_with_len(partition->key.data, (int) partition->key.length),
										 (int) partition->count, (int) partition->number);
	if (!fs_query_equal(stream->query, fs_query_parse(event_query, "event_query")))
		fs_stream_set_query(store, stream, event_query);
}

/*
 * factstr_stream_set_query(name, event_query[, nowait]): changes the query at the present position.  Returns the
 * cursor.
 */
Datum
factstr_stream_set_query(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	fs_event_query *query = argument_stream_query(fcinfo, 1);
	bool		nowait = fs_argument_nowait(fcinfo, 2);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	List	   *streams = fs_stream_take_whole(&store, name, nowait, "factstr_stream_set_query()");
	ListCell   *cell;

	if (((const Stream *) linitial(streams))->query->partition.count > 0)
		refuse_partitioned_query(query);
	foreach(cell, streams)
	{
		set_query(&store, lfirst(cell), PG_GETARG_JSONB_P(1));
	}
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_INT64(fs_streams_cursor(streams));
}
