/*
 * streams/partitions.c
 *		Durable streams in partitions, each of which is a durable stream.
 *
 * A stream with partitions has no row.  Its partitions have names composed of its name and their numbers, and
 * their queries select their parts of the facts.  So everything about streams applies to each of them: cursor,
 * lock, token, handler and failures.  This file has only the calls for all of them.
 *
 * They are created and dropped together, under the lock of the name that they share.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "streams/lock.h"
#include "streams/partitions.h"

/* The same query for a part of its facts. */
Jsonb *
fs_partition_query(Jsonb *event_query, text *key, int count, int number)
{
	StringInfoData partition;
	Datum		document;

	initStringInfo(&partition);
	appendStringInfoString(&partition, "{\"partition\": {\"key\": ");
	escape_json(&partition, text_to_cstring(key));
	appendStringInfo(&partition, ", \"count\": %d, \"number\": %d}}", count, number);
	document = DirectFunctionCall1(jsonb_in, CStringGetDatum(partition.data));
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(event_query), document));
}

/* The number of partitions of a stream with this name; 0 if it has none. */
static int64
count_partitions(const FactstrStore *store, text *stream)
{
	Stream		first = fs_stream_find(store, fs_stream_partition_name(stream, 0));

	return first.row == NULL ? 0 : first.query->partition.count;
}

bool
fs_partitions_exist(const FactstrStore *store, text *stream)
{
	return count_partitions(store, stream) > 0;
}

/* The stream to which the partition with this name belongs; NULL if it is not a partition. */
text *
fs_partition_whole(const FactstrStore *store, text *name)
{
	Stream		stream = fs_stream_find(store, name);
	char	   *end = psprintf("#%d", stream.row == NULL ? 0 : (int) stream.query->partition.number);
	int			length = (int) VARSIZE_ANY_EXHDR(name) - (int) strlen(end);
	text	   *whole;

	if (stream.row == NULL || stream.query->partition.count == 0 || length < 1 ||
		memcmp(VARDATA_ANY(name) + length, end, strlen(end)) != 0)
		return NULL;
	whole = cstring_to_text_with_len(VARDATA_ANY(name), length);
	return fs_partitions_exist(store, whole) ? whole : NULL;
}

/* The names of a stream's partitions in order, or of the stream if it has none; NIL if there is no such stream. */
List *
fs_partitions_list(const FactstrStore *store, text *name)
{
	int64		count;
	List	   *names = NIL;

	if (fs_stream_find(store, name).row != NULL)
		return list_make1(name);
	count = count_partitions(store, name);
	for (int number = 0; number < count; number++)
		names = lappend(names, fs_stream_partition_name(name, number));
	return names;
}

/*
 * Free partitions
 */

/* The partitions that are not in a pause, starting with the one that lags most. */
static int
compare_cursors(const ListCell *a, const ListCell *b)
{
	const Stream *left = lfirst(a);
	const Stream *right = lfirst(b);

	return (left->cursor > right->cursor) - (left->cursor < right->cursor);
}

static List *
list_by_cursor(const FactstrStore *store, List *names)
{
	List	   *partitions = NIL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell   *cell;

	foreach(cell, names)
	{
		Stream	   *partition = palloc(sizeof(Stream));

		*partition = fs_stream_find(store, lfirst(cell));
		if (partition->row != NULL && partition->retry_at <= now)
			partitions = lappend(partitions, partition);
	}
	list_sort(partitions, compare_cursors);
	return partitions;
}

/*
 * Takes a free partition until the end of the transaction and returns its name; NULL if there is none.
 * The one that lags most comes first, so that a few consumers serve all of them.
 */
text *
fs_partition_take_free(const FactstrStore *store, text *stream)
{
	List	   *names = fs_partitions_list(store, stream);
	ListCell   *cell;

	if (names == NIL)
		(void) fs_stream_get(store, stream);
	foreach(cell, list_by_cursor(store, names))
	{
		Stream	   *partition = lfirst(cell);

		if (fs_stream_lock_try_free(store, partition->name) &&
			fs_stream_find(store, partition->name).row != NULL)
			return partition->name;
	}
	return NULL;
}
