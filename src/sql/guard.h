/*
 * sql/guard.h
 *		Shared code of the event triggers that protect the tables.
 */
#ifndef FACTSTR_SQL_GUARD_H
#define FACTSTR_SQL_GUARD_H

#include "fmgr.h"
#include "nodes/parsenodes.h"

#include "log_names.h"

extern Node *fs_guard_command_of_call(FunctionCallInfo fcinfo, const char *function);
extern bool fs_guard_is_own_script(void);
extern bool fs_guard_is_log(FunctionCallInfo fcinfo, const char *log);
extern bool fs_guard_is_table_of_other_log(FunctionCallInfo fcinfo, const char *table, TableId *id);
extern void fs_guard_refuse_drop_of_column(FunctionCallInfo fcinfo, AlterTableStmt *command);

#endif							/* FACTSTR_SQL_GUARD_H */
