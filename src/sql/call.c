/*
 * sql/call.c
 *		A call of an SQL function: its arguments, and code shared by functions of one kind.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/proc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "sql/call.h"

/* For functions that write: an error in read-only transactions, parallel workers and on standbys. */
void
fs_call_refuse_read_only(const char *function)
{
	/*
	 * First, because transactions on a standby are read-only too, and that error would not name
	 * the solution.
	 */
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s on a standby", function),
				 errhint("Connect to the primary; a client that names all servers finds it with target_session_attrs=read-write.")));
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
}

/* The row type that the call is to return. */
TupleDesc
fs_call_result_descriptor(FunctionCallInfo fcinfo)
{
	TupleDesc	descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(descriptor);
}

/*
 * Arguments
 */

/* The functions are not strict: a strict one would return null for a null, and append nothing. */
void
fs_argument_refuse_null(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be null", name)));
}

fs_event_query *
fs_argument_event_query(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be null", name),
				 errhint("The event query for every fact is '{}'.")));
	return fs_query_parse(PG_GETARG_JSONB_P(argument), name);
}

/* The name of a stream is the key of an index.  In bytes. */
#define MAX_NAME_BYTES 2000

void
fs_call_check_stream_name(text *name)
{
	if (VARSIZE_ANY_EXHDR(name) == 0 || VARSIZE_ANY_EXHDR(name) > MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name: it must have 1 to %d bytes", MAX_NAME_BYTES)));
}

text *
fs_argument_stream_name(FunctionCallInfo fcinfo, int argument)
{
	text	   *name;

	fs_argument_refuse_null(fcinfo, argument, "name");
	name = PG_GETARG_TEXT_PP(argument);
	fs_call_check_stream_name(name);
	return name;
}

int64
fs_argument_position(FunctionCallInfo fcinfo, int argument, const char *name)
{
	fs_argument_refuse_null(fcinfo, argument, name);
	if (PG_GETARG_INT64(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be negative", name),
				 errhint("Facts are numbered from 1; 0 is the position before the first.")));
	return PG_GETARG_INT64(argument);
}

int32
fs_argument_max_batches(FunctionCallInfo fcinfo, int argument)
{
	fs_argument_refuse_null(fcinfo, argument, "max_batches");
	if (PG_GETARG_INT32(argument) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid max_batches: it must be at least 1")));
	return PG_GETARG_INT32(argument);
}

/* False if the called function does not have it. */
bool
fs_argument_nowait(FunctionCallInfo fcinfo, int argument)
{
	if (PG_NARGS() <= argument)
		return false;
	fs_argument_refuse_null(fcinfo, argument, "nowait");
	return PG_GETARG_BOOL(argument);
}

/*
 * Functions that return a set, one row a call.  Their state holds scans and snapshots, which have to be
 * given back also when the query stops reading before the end.
 */

static ExprContext *
calling_context(FunctionCallInfo fcinfo)
{
	return ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
}

/* To begin each call with.  The state is in user_fctx; end is called with it when it is not needed. */
FuncCallContext *
fs_call_set_begin(FunctionCallInfo fcinfo, SetFunctionBegin begin,
				  ExprContextCallbackFunction end)
{
	if (SRF_IS_FIRSTCALL())
	{
		FuncCallContext *call = SRF_FIRSTCALL_INIT();
		MemoryContext caller = MemoryContextSwitchTo(call->multi_call_memory_ctx);

		call->user_fctx = begin(fcinfo);
		MemoryContextSwitchTo(caller);
		RegisterExprContextCallback(calling_context(fcinfo), end,
									PointerGetDatum(call->user_fctx));
	}
	return SRF_PERCALL_SETUP();
}

/* After the last row, before SRF_RETURN_DONE, with which the state's memory goes. */
void
fs_call_set_end(FunctionCallInfo fcinfo, ExprContextCallbackFunction end)
{
	Datum		state = PointerGetDatum(SRF_PERCALL_SETUP()->user_fctx);

	UnregisterExprContextCallback(calling_context(fcinfo), end, state);
	end(state);
}

/*
 * Functions that are called with CALL
 */

/* Is the call part of a transaction that it must not end? */
bool
fs_call_is_atomic(FunctionCallInfo fcinfo)
{
	return fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic;
}

/*
 * Releases the snapshot of the call, so that waiting does not hold back vacuum.  PostgreSQL takes a new one when it
 * needs it.
 */
void
fs_call_release_snapshots(FunctionCallInfo fcinfo, const char *procedure)
{
	if (!fs_call_is_atomic(fcinfo))
		ForgetPortalSnapshots();
	else if (ActiveSnapshotSet())
		PopActiveSnapshot();
	InvalidateCatalogSnapshot();
	if (TransactionIdIsValid(compat_my_xmin()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot wait with a snapshot", procedure),
				 errdetail("The snapshot would hold back vacuum and hide the facts it waits for."),
				 errhint("CALL it by itself, at READ COMMITTED, with no cursor open, and not within a function.")));
}
