/*
 * sql/repartition.c
 *		factstr_stream_repartition: another number of partitions, or another key, for a durable stream.
 *
 * A fact that one of four partitions has processed may belong to any of six.  So all of them must be at one
 * position, where the new ones begin.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "commit/wakeup.h"
#include "settings.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "streams/lock.h"
#include "streams/parking.h"
#include "streams/partitions.h"
#include "streams/streams.h"
#include "workers/launcher.h"

PG_FUNCTION_INFO_V1(factstr_stream_repartition);

static void
require_one_position(List *streams)
{
	const Stream *first = linitial(streams);
	ListCell   *cell;

	foreach(cell, streams)
	{
		const Stream *stream = lfirst(cell);

		if (stream->cursor != first->cursor)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the partitions are at different positions"),
					 errdetail("\"%s\" is at " INT64_FORMAT ", \"%s\" at " INT64_FORMAT ".",
							   text_to_cstring(first->name), first->cursor,
							   text_to_cstring(stream->name), stream->cursor),
					 errhint("Let their consumers reach the end while nothing is appended, or move all cursors to the lowest one with factstr_stream_seek, which delivers later facts again.")));
	}
}

/* A batch of one partition may fall to several of the new ones. */
static void
refuse_parked_batches(const FactstrStore *store, List *streams)
{
	ListCell   *cell;

	foreach(cell, streams)
	{
		text	   *name = ((const Stream *) lfirst(cell))->name;

		if (fs_parking_exists(store, name))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("durable stream \"%s\" has parked batches", text_to_cstring(name)),
					 errhint("Have them delivered with factstr_redeliver_parked, or discard them with factstr_discard_parked.")));
	}
}

/* The key of the partitions, NULL if there are none. */
static text *
present_key(const Stream *stream)
{
	const fs_partition *partition = &stream->query->partition;

	if (partition->count == 0)
		return NULL;
	return cstring_to_text_with_len(partition->key.data, (int) partition->key.length);
}

/* How the stream is opened without its partitions. */
static StreamOpening
whole_opening(text *name, const Stream *stream)
{
	StreamOpening opening = {0};
	Datum		query = DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(stream->query_document),
											CStringGetTextDatum("partition"));

	opening.name = name;
	opening.query_document = DatumGetJsonbP(query);
	opening.query = fs_query_parse(opening.query_document, "event_query");
	opening.start = stream->cursor;
	return opening;
}

static void
drop_all(const FactstrStore *store, List *streams)
{
	ListCell   *cell;

	foreach(cell, streams)
	{
		fs_stream_delete(store, lfirst(cell));
	}
}

static void
keep_park_after(const FactstrStore *store, text *name, const Stream *before)
{
	Stream		stream = fs_stream_get(store, name);

	if (before->park_after > 0)
		fs_stream_park_after(store, &stream, before->park_after);
}

/* The handler continues with the new ones. */
static void
subscribe_all(const FactstrStore *store, List *streams, const Stream *before)
{
	ListCell   *cell;

	if (before->handler == NULL)
		return;
	foreach(cell, streams)
	{
		const Stream *stream = lfirst(cell);

		fs_stream_subscribe(store, stream, before->handler, before->subscriber);
		keep_park_after(store, stream->name, before);
		if (factstr_background_delivery)
			fs_launcher_request_at_commit();
	}
}

/*
 * factstr_stream_repartition(name, partitions, partition_key): divides a stream differently, or, without
 * partitions, not at all.  Without a key, the present key stays.  Returns the common cursor.
 */
Datum
factstr_stream_repartition(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	List	   *before = fs_stream_take_whole(&store, name, false, "factstr_stream_repartition()");
	const Stream *first = linitial(before);
	StreamOpening opening = whole_opening(name, first);
	List	   *after;

	fs_argument_partitions(fcinfo, 1, present_key(first), &opening);
	require_one_position(before);
	refuse_parked_batches(&store, before);
	drop_all(&store, before);
	after = fs_stream_make(&store, &opening);
	subscribe_all(&store, after, first);
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_INT64(first->cursor);
}
