/*
 * sql/call.h
 *		A call of an SQL function: its arguments, and code shared by functions of one kind.
 */
#ifndef FACTSTR_SQL_CALL_H
#define FACTSTR_SQL_CALL_H

#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"

#include "read/matching.h"

extern void fs_call_refuse_read_only(const char *function);
extern TupleDesc fs_call_result_descriptor(FunctionCallInfo fcinfo);

extern void fs_argument_refuse_null(FunctionCallInfo fcinfo, int argument, const char *name);
extern fs_event_query *fs_argument_event_query(FunctionCallInfo fcinfo, int argument,
											   const char *name);
extern void fs_call_check_stream_name(text *name);
extern text *fs_argument_stream_name(FunctionCallInfo fcinfo, int argument);
extern int64 fs_argument_position(FunctionCallInfo fcinfo, int argument, const char *name);
extern int32 fs_argument_max_batches(FunctionCallInfo fcinfo, int argument);
extern bool fs_argument_nowait(FunctionCallInfo fcinfo, int argument);

/* Creates the state at the first call, in memory that lasts until the last one. */
typedef void *(*SetFunctionBegin) (FunctionCallInfo fcinfo);

extern FuncCallContext *fs_call_set_begin(FunctionCallInfo fcinfo, SetFunctionBegin begin,
										  ExprContextCallbackFunction end);
extern void fs_call_set_end(FunctionCallInfo fcinfo, ExprContextCallbackFunction end);

extern bool fs_call_is_atomic(FunctionCallInfo fcinfo);
extern void fs_call_release_snapshots(FunctionCallInfo fcinfo, const char *procedure);

#endif							/* FACTSTR_SQL_CALL_H */
