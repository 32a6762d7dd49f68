/*
 * sql/guard_call.h
 *		The call of an event trigger that protects the tables.
 */
#ifndef FACTSTR_SQL_GUARD_CALL_H
#define FACTSTR_SQL_GUARD_CALL_H

#include "fmgr.h"
#include "nodes/nodes.h"

#include "log_names.h"

extern Node *fs_guard_command_of_call(FunctionCallInfo fcinfo, const char *function);
extern bool fs_guard_is_own_script(void);
extern bool fs_guard_is_log(FunctionCallInfo fcinfo, const char *log);
extern bool fs_guard_is_table_of_other_log(FunctionCallInfo fcinfo, const char *table, TableId *id);

#endif							/* FACTSTR_SQL_GUARD_CALL_H */
