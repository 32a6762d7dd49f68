/*
 * procedure.h
 *		What the functions that are called with CALL have in common.
 */
#ifndef FACTSTR_PROCEDURE_H
#define FACTSTR_PROCEDURE_H

#include "fmgr.h"

extern bool procedure_is_atomic(FunctionCallInfo fcinfo);
extern void procedure_release_snapshots(FunctionCallInfo fcinfo, const char *procedure);

#endif							/* FACTSTR_PROCEDURE_H */
