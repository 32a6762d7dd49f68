/*
 * sql/holds.c
 *		The SQL functions that hold a durable stream for longer than a transaction.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "sql/call.h"
#include "sql/streams.h"
#include "streams/lock.h"
#include "streams/streams.h"

PG_FUNCTION_INFO_V1(factstr_stream_hold);
PG_FUNCTION_INFO_V1(factstr_stream_try_hold);
PG_FUNCTION_INFO_V1(factstr_stream_release);
PG_FUNCTION_INFO_V1(factstr_stream_fail);

/* Is it the token of the stream's last consumer, or none? */
static bool
continues(FunctionCallInfo fcinfo, int argument, const Stream *stream)
{
	return PG_ARGISNULL(argument) || PG_GETARG_INT64(argument) == stream->token;
}

/* Keeps a locked stream for the session; returns the token of the hold. */
static int64
hold(FunctionCallInfo fcinfo, int argument, const FactstrStore *store, const Stream *stream)
{
	int64		token = stream->token;

	if (PG_ARGISNULL(argument) && !fs_stream_lock_is_held(store, stream->name))
		token = fs_stream_hand_over(store, stream);
	fs_stream_lock_hold(store, stream->name);
	return token;
}

/*
 * factstr_stream_hold(name, nowait, token, log): holds the stream for the session until it releases it or ends.
 * Returns the token of this hold.  The token of an earlier hold continues that one, unless the stream has had
 * another consumer since.
 */
Datum
factstr_stream_hold(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	bool		nowait = fs_argument_nowait(fcinfo, 1);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	Stream		stream = fs_stream_take(&store, name, nowait, "factstr_stream_hold()");

	if (!continues(fcinfo, 2, &stream))
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_ACTIVE),
				 errmsg("durable stream \"%s\" has had another consumer since",
						text_to_cstring(name)),
				 errhint("Leave it to that consumer, or take it over: hold it without a token, and continue after its cursor.")));
	PG_RETURN_INT64(hold(fcinfo, 2, &store, &stream));
}

/* factstr_stream_try_hold(name, token, log): the same, but null if another consumer has it, or has had it. */
Datum
factstr_stream_try_hold(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	FactstrStore store = fs_store_of_call(fcinfo, 2, RIGHT_TO_CONSUME);
	Stream		stream;

	fs_call_refuse_read_only("factstr_stream_try_hold()");
	if (!fs_stream_lock_try(&store, name))
		PG_RETURN_NULL();
	stream = fs_stream_get(&store, name);
	if (!continues(fcinfo, 1, &stream))
		PG_RETURN_NULL();
	PG_RETURN_INT64(hold(fcinfo, 1, &store, &stream));
}

/* factstr_stream_release(name, log): was it held? */
Datum
factstr_stream_release(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	FactstrStore store = fs_store_of_call(fcinfo, 1, RIGHT_TO_CONSUME);

	PG_RETURN_BOOL(fs_stream_lock_release(&store, name));
}

/*
 * factstr_stream_fail(name, error, retry_at, log): the holder of the stream has failed on the batch after the
 * cursor. Returns the number of consecutive failures.
 */
Datum
factstr_stream_fail(PG_FUNCTION_ARGS)
{
	text	   *name = fs_argument_stream_name(fcinfo, 0);
	TimestampTz retry_at = PG_ARGISNULL(2) ? 0 : PG_GETARG_TIMESTAMPTZ(2);
	FactstrStore store = fs_store_of_call(fcinfo, 3, RIGHT_TO_CONSUME);
	Stream		stream;

	fs_argument_refuse_null(fcinfo, 1, "error");
	stream = fs_stream_take(&store, name, false, "factstr_stream_fail()");
	if (!fs_stream_lock_is_held(&store, name))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("durable stream \"%s\" is not held by this session", text_to_cstring(name)),
				 errhint("Hold it with factstr_stream_hold.")));
	fs_stream_fail(&store, &stream, 0, text_to_cstring(PG_GETARG_TEXT_PP(1)), retry_at,
				   GetActiveSnapshot()->xmin);
	PG_RETURN_INT32(stream.failure_count + 1);
}
