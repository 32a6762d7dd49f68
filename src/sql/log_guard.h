/*
 * sql/log_guard.h
 *		Rejects commands that would drop parts of a log, or take them away from it.
 */
#ifndef FACTSTR_SQL_LOG_GUARD_H
#define FACTSTR_SQL_LOG_GUARD_H

#include "fmgr.h"
#include "nodes/nodes.h"

extern void fs_log_guard_refuse_move(FunctionCallInfo fcinfo, Node *command);

#endif							/* FACTSTR_SQL_LOG_GUARD_H */
