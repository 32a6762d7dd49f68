/*
 * sql/guard.h
 *		Rejects statements that would change permanent rows.
 */
#ifndef FACTSTR_SQL_GUARD_H
#define FACTSTR_SQL_GUARD_H

#include "fmgr.h"
#include "nodes/parsenodes.h"

extern void fs_guard_refuse_drop_of_column(FunctionCallInfo fcinfo, AlterTableStmt *command);

#endif							/* FACTSTR_SQL_GUARD_H */
