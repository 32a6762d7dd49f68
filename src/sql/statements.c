/*
 * sql/statements.c
 *		SQL statements that functions of factstr execute.
 *
 * Their names are resolved in pg_catalog, whatever the session's search_path.  After an error the transaction, or
 * its subtransaction, restores the former state.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "sql/statements.h"

/* Executes the following statements as this role, and leaves nothing behind; InvalidOid: as the current role. */
Statements
fs_statements_begin(Oid role)
{
	Statements	statements = {.settings = NewGUCNestLevel()};

	GetUserIdAndSecContext(&statements.user, &statements.security_context);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, statements.security_context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the executor");
	return statements;
}

void
fs_statements_end(const Statements *statements)
{
	SPI_finish();
	AtEOXact_GUC(false, statements->settings);
	SetUserIdAndSecContext(statements->user, statements->security_context);
}

static void
execute(const char *statement)
{
	if (SPI_execute(statement, false, 0) < 0)
		elog(ERROR, "could not execute %s", statement);
}

/* A statement without a result.  Names in it have been quoted. */
void
fs_statement_execute(const char *format,...)
{
	StringInfoData statement;

	initStringInfo(&statement);
	for (;;)
	{
		va_list		arguments;
		int			needed;

		va_start(arguments, format);
		needed = appendStringInfoVA(&statement, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&statement, needed);
	}
	execute(statement.data);
	pfree(statement.data);
}

/* The result of a query, which sees earlier changes. */
SPITupleTable *
fs_statement_select(const char *query, int count, Oid *types, Datum *values, uint64 *rows)
{
	if (SPI_execute_with_args(query, count, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute %s", query);
	*rows = SPI_processed;
	return SPI_tuptable;
}

/* Executes the statements that are the result of a query. */
void
fs_statements_execute_results(const char *query, int count, Oid *types, Datum *values)
{
	uint64		rows;
	SPITupleTable *result = fs_statement_select(query, count, types, values, &rows);

	for (uint64 i = 0; i < rows; i++)
		execute(SPI_getvalue(result->vals[i], result->tupdesc, 1));
}
