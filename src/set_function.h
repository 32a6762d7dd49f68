/*
 * set_function.h
 *		What the functions that return a set, one row a call, have in common.
 */
#ifndef FACTSTR_SET_FUNCTION_H
#define FACTSTR_SET_FUNCTION_H

#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"

/* Makes the state at the first call, in memory that lasts until the last. */
typedef void *(*SetFunctionBegin) (FunctionCallInfo fcinfo);

extern FuncCallContext *set_function_call(FunctionCallInfo fcinfo, SetFunctionBegin begin,
										  ExprContextCallbackFunction end);
extern void set_function_end(FunctionCallInfo fcinfo, ExprContextCallbackFunction end);

#endif							/* FACTSTR_SET_FUNCTION_H */
