/*
 * check/tables.h
 *		Checks of what a walk over the log cannot see.
 */
#ifndef FACTSTR_CHECK_TABLES_H
#define FACTSTR_CHECK_TABLES_H

#include "check/check.h"

/* These two compare with what fs_check_log has counted. */
extern void fs_check_table(Check *check);
extern void fs_check_event_types(Check *check);

extern void fs_check_streams(Check *check);
extern void fs_check_redactions(Check *check);

#endif							/* FACTSTR_CHECK_TABLES_H */
