/*
 * wait_api.c
 *		factstr_wait: until a durable stream has got to a position.
 *
 * For reading one's own writes: append, wait until the projection has seen that, read it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "arguments.h"
#include "durability.h"
#include "errors.h"
#include "procedure.h"
#include "stream_lock.h"
#include "streams.h"
#include "wakeup.h"

PG_FUNCTION_INFO_V1(factstr_wait);

/* So often it looks without having been woken.  Nobody wakes it on a standby.  In ms. */
#define LOOK_INTERVAL 1000
#define LOOK_INTERVAL_ON_STANDBY 20

/* When to give up; null stands for never. */
static TimestampTz
argument_deadline(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return DT_NOEND;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   PG_GETARG_DATUM(argument)));
}

/* What the transaction appended itself is delivered only after it has ended. */
static void
refuse_own_fact(int64 sequence_number)
{
	if (sequence_number > factstr_newest_committed())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("fact " INT64_FORMAT " is not committed yet", sequence_number),
				 errhint("Commit the append before waiting for a stream to get there.")));
}

/* The cursor of the stream as of now.  It is asked for so often that it must leave no memory behind. */
static int64
current_cursor(FunctionCallInfo fcinfo, text *name)
{
	FactstrStore store = factstr_store(fcinfo);
	MemoryContext look = AllocSetContextCreate(CurrentMemoryContext, "factstr_wait",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(look);
	int64		cursor = stream_get(&store, name).cursor;

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(look);
	return cursor;
}

static void
raise_timeout(text *name, int64 sequence_number, int64 cursor)
{
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_WAIT_TIMED_OUT),
			 errmsg("durable stream \"%s\" has not got to fact " INT64_FORMAT " in time",
					text_to_cstring(name), sequence_number),
			 errdetail("Its cursor is at " INT64_FORMAT ".", cursor),
			 errhint("The view factstr_stream_status shows whether it is consumed, and the last error of its handler.")));
}

static long
time_to_look(TimestampTz deadline)
{
	long		interval = RecoveryInProgress() ? LOOK_INTERVAL_ON_STANDBY : LOOK_INTERVAL;

	if (deadline == DT_NOEND)
		return interval;
	return Min(interval, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline));
}

/* factstr_wait(sequence_number, stream, timeout) */
Datum
factstr_wait(PG_FUNCTION_ARGS)
{
	int64		sequence_number = argument_position(fcinfo, 0, "sequence_number");
	text	   *name = argument_stream_name(fcinfo, 1);
	TimestampTz deadline = argument_deadline(fcinfo, 2);
	WakeupPoint *point = wakeup_of_stream(stream_hash(name));

	refuse_own_fact(sequence_number);
	procedure_release_snapshots(fcinfo, "factstr_wait()");
	for (;;)
	{
		uint64		generation = wakeup_generation(point);
		int64		cursor = current_cursor(fcinfo, name);
		long		timeout = time_to_look(deadline);

		if (cursor >= sequence_number)
			break;
		if (timeout <= 0)
			raise_timeout(name, sequence_number, cursor);
		CHECK_FOR_INTERRUPTS();
		InvalidateCatalogSnapshot();
		(void) wakeup_wait(point, generation, timeout);
	}
	PG_RETURN_VOID();
}
