/*
 * arguments.h
 *		The checks of calls that several SQL functions share.
 */
#ifndef FACTSTR_ARGUMENTS_H
#define FACTSTR_ARGUMENTS_H

#include "fmgr.h"

#include "matching.h"

extern void argument_refuse_null(FunctionCallInfo fcinfo, int argument, const char *name);
extern fs_event_query *argument_event_query(FunctionCallInfo fcinfo, int argument,
											const char *name);
extern text *argument_stream_name(FunctionCallInfo fcinfo, int argument);
extern int64 argument_position(FunctionCallInfo fcinfo, int argument, const char *name);
extern void factstr_refuse_read_only(const char *function);

#endif							/* FACTSTR_ARGUMENTS_H */
