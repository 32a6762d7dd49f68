/*
 * sql/statements.h
 *		SQL statements that functions of factstr execute.
 */
#ifndef FACTSTR_SQL_STATEMENTS_H
#define FACTSTR_SQL_STATEMENTS_H

#include "executor/spi.h"

/* The role that executes them, and the state to restore afterwards. */
typedef struct Statements
{
	int			settings;
	Oid			user;
	int			security_context;
} Statements;

extern Statements fs_statements_begin(Oid role);
extern void fs_statements_set(const char *name, const char *value);
extern void fs_statement_execute(const char *format,...) pg_attribute_printf(1, 2);
extern SPITupleTable *fs_statement_select(const char *query, int count, Oid *types, Datum *values, uint64 *rows);
extern void fs_statement_delete(const char *statement, int count, Oid *types, Datum *values);
extern void fs_statements_execute_results(const char *query, int count, Oid *types, Datum *values);
extern void fs_statements_end(const Statements *statements);

#endif							/* FACTSTR_SQL_STATEMENTS_H */
