/*
 * sql/statements.c
 *		SQL statements that functions of factstr execute.
 *
 * Their names are resolved in pg_catalog, not by the session's search_path.  After an error the transaction, or
 * its subtransaction, restores the former state.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "sql/statements.h"

/* Changes a setting until the end of the statements. */
void
fs_statements_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Executes the following statements as this role, and leaves nothing behind; InvalidOid: as the current role. */
Statements
fs_statements_begin(Oid role)
{
	Statements	statements = {.settings = NewGUCNestLevel()};

	GetUserIdAndSecContext(&statements.user, &statements.security_context);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, statements.security_context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
	fs_statements_set("search_path", "pg_catalog, pg_temp");
	fs_statements_set("client_min_messages", "warning");
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

/* Sees earlier changes, those of others too, even if the transaction has only one snapshot. */
static void
execute_on_newest(const char *statement, int count, Oid *types, Datum *values, int expected)
{
	SPIPlanPtr	plan = SPI_prepare(statement, count, types);
	Snapshot	snapshot;

	if (plan == NULL)
		elog(ERROR, "could not prepare %s", statement);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (SPI_execute_snapshot(plan, values, NULL, snapshot, InvalidSnapshot, false, true, 0) != expected)
		elog(ERROR, "could not execute %s", statement);
	UnregisterSnapshot(snapshot);
	SPI_freeplan(plan);
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

/* The result of a query. */
SPITupleTable *
fs_statement_select(const char *query, int count, Oid *types, Datum *values, uint64 *rows)
{
	execute_on_newest(query, count, types, values, SPI_OK_SELECT);
	*rows = SPI_processed;
	return SPI_tuptable;
}

/* Deletes rows. */
void
fs_statement_delete(const char *statement, int count, Oid *types, Datum *values)
{
	execute_on_newest(statement, count, types, values, SPI_OK_DELETE);
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
