/*
 * sql/grants.h
 *		The functions and views that belong to a right on a log.
 */
#ifndef FACTSTR_SQL_GRANTS_H
#define FACTSTR_SQL_GRANTS_H

#include "rights.h"

/* The names as a text array in PostgreSQL's notation. */
extern const char *fs_grant_functions(LogRight right);

#endif							/* FACTSTR_SQL_GRANTS_H */
