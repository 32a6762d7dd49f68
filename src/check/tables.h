/*
 * check/tables.h
 *		Checks that a walk over the log cannot make.
 */
#ifndef FACTSTR_CHECK_TABLES_H
#define FACTSTR_CHECK_TABLES_H

#include "check/check.h"

/* These two compare with the counts of fs_check_log. */
extern void fs_check_table(Check *check);
extern void fs_check_event_types(Check *check);

extern void fs_check_streams(Check *check);
extern void fs_check_redactions(Check *check);

#endif							/* FACTSTR_CHECK_TABLES_H */
