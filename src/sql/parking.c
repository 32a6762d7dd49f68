/*
 * sql/parking.c
 *		The SQL functions for batches that handlers cannot process: set aside, delivered again, discarded.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "commit/wakeup.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "streams/deferred.h"
#include "streams/delivery.h"
#include "streams/lock.h"
#include "streams/parking.h"
#include "streams/taking.h"

PG_FUNCTION_INFO_V1(factstr_park_after);
PG_FUNCTION_INFO_V1(factstr_redeliver_parked);
PG_FUNCTION_INFO_V1(factstr_discard_parked);

/* How many failures; null, which is 0: never. */
static int32
argument_failures(FunctionCallInfo fcinfo, int argument)
{
	int32		failures;

	if (PG_ARGISNULL(argument))
		return 0;
	failures = PG_GETARG_INT32(argument);
	if (failures < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid failures: %d is not positive", failures),
				 errhint("Pass null for a stream that never parks a batch.")));
	return failures;
}

/*
 * factstr_park_after(name, failures): after this many consecutive failures the stream, or each of its partitions,
 * continues without the batch.
 */
Datum
factstr_park_after(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int32		failures = argument_failures(fcinfo, 1);
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	List	   *streams = fs_stream_take_whole(&store, name, false, "factstr_park_after()");
	ListCell   *cell;

	foreach(cell, streams)
	{
		fs_delivery_refuse_foreign_subscription(lfirst(cell));
		fs_stream_park_after(&store, lfirst(cell), failures);
	}
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_VOID();
}

/* The stream, to do something about a batch that it has set aside. */
static Stream
take_stream(const FactstrStore *store, text *name, const char *function)
{
	fs_call_refuse_read_only(function);
	fs_stream_take_from_handler(store, name, false);
	return fs_stream_get(store, name);
}

/* factstr_redeliver_parked(stream, first_sequence_number): calls the handler; was there such a batch? */
Datum
factstr_redeliver_parked(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int64		first = fs_argument_position(fcinfo, 1, "first_sequence_number");
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	Stream		stream = take_stream(&store, name, "factstr_redeliver_parked()");

	fs_stream_refuse_unsubscribed(&stream);
	fs_delivery_refuse_foreign_subscription(&stream);
	fs_deferred_refuse("factstr_redeliver_parked()");
	PG_RETURN_BOOL(fs_delivery_redeliver(&store, &stream, first));
}

/* factstr_discard_parked(stream, first_sequence_number): forgets it; was there such a batch? */
Datum
factstr_discard_parked(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	int64		first = fs_argument_position(fcinfo, 1, "first_sequence_number");
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	Stream		stream = take_stream(&store, name, "factstr_discard_parked()");
	int64		last;

	fs_delivery_refuse_foreign_subscription(&stream);
	PG_RETURN_BOOL(fs_parking_take(&store, stream.name, first, &last));
}
