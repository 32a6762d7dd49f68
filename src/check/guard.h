/*
 * check/guard.h
 *		The protection of facts against changes, and ways around it, as the catalogs show them.
 */
#ifndef FACTSTR_CHECK_GUARD_H
#define FACTSTR_CHECK_GUARD_H

#include "check/check.h"

/* A property of a table that the extension's tables must not have. */
typedef struct TableFlaw
{
	char	   *what;			/* it is */
	const char *why;			/* the table must not have it, in a sentence */
	char	   *remedy;			/* the statement that takes it away */
} TableFlaw;

extern bool fs_guard_find_flaw(Oid table, TableFlaw *flaw);
extern void fs_guard_keep_triggers_on(Oid table);
extern void fs_check_guard(Check *check);

#endif							/* FACTSTR_CHECK_GUARD_H */
