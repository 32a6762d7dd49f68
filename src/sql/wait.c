/*
 * sql/wait.c
 *		Waiting until the log, or the cursor of a durable stream, is beyond a position.
 *
 * Processes of this server are woken by the commit itself (commit/wakeup.c), without a notification.
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

#include "clock.h"
#include "commit/durability.h"
#include "commit/wakeup.h"
#include "errors.h"
#include "read/facts.h"
#include "sql/call.h"
#include "streams/lock.h"
#include "streams/partitions.h"
#include "streams/streams.h"

PG_FUNCTION_INFO_V1(factstr_wait);
PG_FUNCTION_INFO_V1(factstr_wait_for_stream);
PG_FUNCTION_INFO_V1(factstr_wait_for_facts);

/* The interval at which it looks without a wake-up.  Nothing wakes it on a standby.  In ms. */
#define LOOK_INTERVAL 1000
#define LOOK_INTERVAL_ON_STANDBY 20

#define NEVER PG_INT64_MAX

/* The time to give up; null means never.  The length of a month depends on today's date. */
static int64
argument_deadline(FunctionCallInfo fcinfo, int argument)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz then;

	if (PG_ARGISNULL(argument))
		return NEVER;
	then = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now),
												   PG_GETARG_DATUM(argument)));
	if (TIMESTAMP_NOT_FINITE(then))
		return TIMESTAMP_IS_NOEND(then) ? NEVER : 0;
	return fs_clock_now() + (then - now);
}

/* Facts of this transaction are delivered only after it has ended. */
static void
refuse_own_fact(const FactstrStore *store, int64 sequence_number)
{
	if (sequence_number > fs_durability_newest_committed(store))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("fact " INT64_FORMAT " is not committed yet", sequence_number),
				 errhint("Commit the append before waiting for a stream to reach it.")));
}

/* While the transaction holds the append lock, there will be no other facts. */
static void
refuse_after_append(const FactstrStore *store)
{
	if (fs_durability_newest_committed(store) != PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot wait for facts in a transaction that has appended"),
				 errhint("Commit first: other transactions cannot append until then.")));
}

/*
 * The current position: the cursor of a stream or, without a name, the newest fact.  It is read so often that it
 * must leave no memory behind.
 */
static int64
current_position(FunctionCallInfo fcinfo, int log_argument, text *stream)
{
	FactstrStore store = fs_store_of_call(fcinfo, log_argument, RIGHT_TO_READ);
	MemoryContext look = AllocSetContextCreate(CurrentMemoryContext, "factstr waits",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(look);
	int64		position = stream == NULL ? fs_fact_head_now_to_tell(&store) :
	fs_stream_get(&store, stream).cursor;

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(look);
	return position;
}

static long
time_to_look(int64 deadline)
{
	long		interval = RecoveryInProgress() ? LOOK_INTERVAL_ON_STANDBY : LOOK_INTERVAL;

	return Min(interval, fs_clock_until(deadline));
}

/* The names of a stream's partitions, or its own. */
static List *
names_of_stream(FunctionCallInfo fcinfo, int log_argument, text *name)
{
	FactstrStore store = fs_store_of_call(fcinfo, log_argument, RIGHT_TO_READ);
	List	   *names = fs_partitions_list(&store, name);

	return names != NIL ? names : list_make1(name);
}

/* Waits until the position is at least this; returns a lower one if the time runs out. */
static int64
wait_for_position(FunctionCallInfo fcinfo, int log_argument, text *stream, int64 sequence_number, int64 deadline)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	WakeupPoint *point;

	fs_store_argument_log(fcinfo, log_argument, log);
	point = stream == NULL ? fs_wakeup_of_facts() : fs_wakeup_of_stream(fs_stream_lock_hash(log, stream));

	for (;;)
	{
		uint64		generation = fs_wakeup_generation(point);
		int64		position = current_position(fcinfo, log_argument, stream);
		long		timeout = time_to_look(deadline);

		if (position >= sequence_number || timeout == 0)
			return position;
		CHECK_FOR_INTERRUPTS();
		InvalidateCatalogSnapshot();
		(void) fs_wakeup_wait(point, generation, timeout);
	}
}

static void
raise_timeout(text *name, int64 sequence_number, int64 cursor)
{
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_WAIT_TIMED_OUT),
			 errmsg("durable stream \"%s\" did not reach fact " INT64_FORMAT " before the timeout",
					text_to_cstring(name), sequence_number),
			 errdetail("Its cursor is at " INT64_FORMAT ".", cursor),
			 errhint("The view factstr_stream_status shows whether it is consumed, and the last error of its handler.")));
}

/*
 * For reading one's own writes: append, wait until the projection has processed the facts, in all of its
 * partitions, read it.
 */
static void
wait_for_stream(FunctionCallInfo fcinfo, int name_argument, int number_argument)
{
	int64		sequence_number = fs_argument_position(fcinfo, number_argument, "sequence_number");
	text	   *name = fs_argument_stream_name(fcinfo, name_argument);
	int64		deadline = argument_deadline(fcinfo, 2);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_READ);
	ListCell   *cell;

	refuse_own_fact(&store, sequence_number);
	fs_call_release_snapshots(fcinfo, "factstr_wait()");
	foreach(cell, names_of_stream(fcinfo, 3, name))
	{
		int64		cursor = wait_for_position(fcinfo, 3, lfirst(cell), sequence_number, deadline);

		if (cursor < sequence_number)
			raise_timeout(lfirst(cell), sequence_number, cursor);
	}
}

/* factstr_wait(name, sequence_number, timeout, log) */
Datum
factstr_wait_for_stream(PG_FUNCTION_ARGS)
{
	wait_for_stream(fcinfo, 0, 1);
	PG_RETURN_VOID();
}

/* factstr_wait(sequence_number, name, timeout), as it was in 0.1.0 */
Datum
factstr_wait(PG_FUNCTION_ARGS)
{
	wait_for_stream(fcinfo, 1, 0);
	PG_RETURN_VOID();
}

/*
 * factstr_wait_for_facts(after_sequence_number, timeout, log)
 *
 * It returns nothing: for a result of a procedure, PostgreSQL holds a snapshot.
 */
Datum
factstr_wait_for_facts(PG_FUNCTION_ARGS)
{
	int64		after = fs_argument_position(fcinfo, 0, "after_sequence_number");
	int64		deadline = argument_deadline(fcinfo, 1);
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_READ);

	refuse_after_append(&store);
	fs_call_release_snapshots(fcinfo, "factstr_wait_for_facts()");
	(void) wait_for_position(fcinfo, 2, NULL, fs_fact_next_number(after), deadline);
	PG_RETURN_VOID();
}
