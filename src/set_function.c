/*
 * set_function.c
 *		What the functions that return a set, one row a call, have in common.
 *
 * Their state holds scans and snapshots, which have to be given back also when the query stops
 * reading before the end.
 */
#include "postgres.h"

#include "set_function.h"

static ExprContext *
calling_context(FunctionCallInfo fcinfo)
{
	return ((ReturnSetInfo *) fcinfo->resultinfo)->econtext;
}

/* To begin each call with.  The state is in user_fctx; end is called with it when it is not needed. */
FuncCallContext *
set_function_call(FunctionCallInfo fcinfo, SetFunctionBegin begin,
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
set_function_end(FunctionCallInfo fcinfo, ExprContextCallbackFunction end)
{
	Datum		state = PointerGetDatum(SRF_PERCALL_SETUP()->user_fctx);

	UnregisterExprContextCallback(calling_context(fcinfo), end, state);
	end(state);
}
