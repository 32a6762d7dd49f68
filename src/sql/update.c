/*
 * sql/update.c
 *		What update scripts do that SQL has no command for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(factstr_carry_over_rights);

/* Statements that grant on function $2 what others than its owner may do with function $1. */
static const char *const grants =
"SELECT pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %s%s', $2, "
"CASE a.grantee WHEN 0::pg_catalog.oid THEN 'PUBLIC' "
"ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, "
"CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END) "
"FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a "
"WHERE p.oid = $1::pg_catalog.oid AND a.grantee <> p.proowner";

static void
execute_grants(Oid old_function, Oid new_function)
{
	Oid			types[] = {REGPROCEDUREOID, REGPROCEDUREOID};
	Datum		functions[] = {ObjectIdGetDatum(old_function), ObjectIdGetDatum(new_function)};
	SPITupleTable *statements;

	if (SPI_execute_with_args(grants, 2, types, functions, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the rights of function %u", old_function);
	statements = SPI_tuptable;
	for (uint64 i = 0; i < statements->numvals; i++)
	{
		char	   *grant = SPI_getvalue(statements->vals[i], statements->tupdesc, 1);

		if (SPI_execute(grant, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute %s", grant);
	}
}

/*
 * factstr_carry_over_rights(old regprocedure, new regprocedure)
 *
 * What a script grants, PostgreSQL takes for a part of the extension, and leaves it out of dumps.  These
 * are grants of users, so for their time the script is none.
 */
Datum
factstr_carry_over_rights(PG_FUNCTION_ARGS)
{
	Oid			old_function = PG_GETARG_OID(0);
	Oid			new_function = PG_GETARG_OID(1);
	bool		in_script = creating_extension;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the executor");
	creating_extension = false;
	PG_TRY();
	{
		execute_grants(old_function, new_function);
	}
	PG_FINALLY();
	{
		creating_extension = in_script;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
