/*
 * streams/subscribed.c
 *		The durable streams with a handler.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat_scan.h"
#include "definition.h"
#include "rows.h"
#include "streams/subscribed.h"

static void
set_log(SubscribedStream *stream, TupleTableSlot *row)
{
	AttrNumber	column = fs_row_log_column(row->tts_tupleDescriptor);
	bool		isnull;

	if (column == InvalidAttrNumber)
		strlcpy(stream->log, FACTSTR_MAIN_LOG, sizeof(stream->log));
	else
		strlcpy(stream->log, TextDatumGetCString(slot_getattr(row, column, &isnull)), sizeof(stream->log));
}

static SubscribedStream *
subscribed_stream(TupleTableSlot *row)
{
	SubscribedStream *stream;
	bool		isnull;
	Datum		value;

	if (slot_attisnull(row, FACTSTR_STREAM_HANDLER))
		return NULL;
	stream = palloc0(sizeof(SubscribedStream));
	set_log(stream, row);
	stream->name = DatumGetTextPCopy(slot_getattr(row, FACTSTR_STREAM_NAME, &isnull));
	value = slot_getattr(row, FACTSTR_STREAM_SUBSCRIBER, &isnull);
	stream->role = isnull ? InvalidOid : get_role_oid(NameStr(*DatumGetName(value)), true);
	value = slot_getattr(row, FACTSTR_STREAM_CURSOR_MOVED_AT, &isnull);
	stream->served_at = isnull ? 0 : DatumGetTimestampTz(value);
	return stream;
}

/* All of them, of all logs. */
List *
fs_subscribed_list(const FactstrStore *store)
{
	Relation	streams = fs_store_open_streams(store, AccessShareLock);
	TupleTableSlot *row = table_slot_create(streams, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = compat_table_beginscan(streams, snapshot);
	List	   *subscribed = NIL;

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		SubscribedStream *stream = subscribed_stream(row);

		if (stream != NULL)
			subscribed = lappend(subscribed, stream);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	table_close(streams, NoLock);
	return subscribed;
}
