/*
 * sql/update.c
 *		The parts of update scripts for which SQL has no command.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "log_names.h"
#include "rights.h"
#include "sql/grants.h"
#include "sql/statements.h"

PG_FUNCTION_INFO_V1(factstr_carry_over_rights);
PG_FUNCTION_INFO_V1(factstr_carry_over_rights_to_main);
PG_FUNCTION_INFO_V1(factstr_extend_function);

/* Statements that grant on function $2 the privileges of other roles than the owner on function $1. */
static const char *const grants =
"SELECT pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %s%s', $2, "
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
 * PostgreSQL takes the grants of a script for a part of the extension, and leaves them out of dumps.  These are
 * grants of users, so meanwhile the script does not count as one.
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

/*
 * Statements that give the privilege $2 on the view $3 to the roles with EXECUTE on one of the functions $4 of the
 * schema $1, or SELECT on its view $5.
 */
static const char *const grants_on_main =
"SELECT format('GRANT %s ON TABLE %s TO %s%s', $2, $3, "
"CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, "
"CASE WHEN bool_or(a.is_grantable) THEN ' WITH GRANT OPTION' END) FROM ("
"SELECT a.*, p.proowner AS owner FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a "
"WHERE p.pronamespace = $1 AND p.proname = ANY ($4::name[]) "
"UNION ALL SELECT a.*, c.relowner FROM pg_class c, aclexplode(c.relacl) a "
"WHERE c.relnamespace = $1 AND c.relname = $5 AND a.privilege_type = 'SELECT') a "
"WHERE a.grantee <> a.owner GROUP BY a.grantee";

/* The view of streams needs a right to read or to consume; that to read cannot move or drop a stream. */
static void
execute_grants_on_main(LogRight right, Oid schema)
{
	char	   *view = fs_log_rights_name(FACTSTR_MAIN_LOG);
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		ObjectIdGetDatum(schema),
		CStringGetTextDatum(fs_right_privilege(right)),
		CStringGetTextDatum(quote_qualified_identifier(get_namespace_name(schema), view)),
		CStringGetTextDatum(fs_grant_functions(right)),
		CStringGetTextDatum(right == RIGHT_TO_READ ? "factstr_stream_status" : "")
	};

	fs_statements_execute_results(grants_on_main, lengthof(types), types, values);
}

/*
 * factstr_carry_over_rights_to_main()
 *
 * In 0.1.0 no function required the right to administer.  These are grants of users, too.
 */
Datum
factstr_carry_over_rights_to_main(PG_FUNCTION_ARGS)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Statements	statements = fs_statements_begin(InvalidOid);
	bool		in_script = creating_extension;

	creating_extension = false;
	PG_TRY();
	{
		for (LogRight right = 0; right < RIGHT_TO_ADMINISTER; right++)
			execute_grants_on_main(right, schema);
	}
	PG_FINALLY();
	{
		creating_extension = in_script;
	}
	PG_END_TRY();
	fs_statements_end(&statements);
	PG_RETURN_VOID();
}

/* The columns of pg_proc that describe arguments. */
static const AttrNumber argument_columns[] = {
	Anum_pg_proc_pronargs, Anum_pg_proc_pronargdefaults, Anum_pg_proc_proargtypes, Anum_pg_proc_proallargtypes,
	Anum_pg_proc_proargmodes, Anum_pg_proc_proargnames, Anum_pg_proc_proargdefaults
};

/* The row of a function with the arguments of another. */
static HeapTuple
with_arguments_of(Relation functions, HeapTuple old, HeapTuple other)
{
	Datum		values[Natts_pg_proc] = {0};
	bool		nulls[Natts_pg_proc] = {false};
	bool		replaced[Natts_pg_proc] = {false};

	for (int i = 0; i < lengthof(argument_columns); i++)
	{
		int			column = argument_columns[i] - 1;

		values[column] = heap_getattr(other, column + 1, RelationGetDescr(functions), &nulls[column]);
		replaced[column] = true;
	}
	return heap_modify_tuple(old, RelationGetDescr(functions), values, nulls, replaced);
}

static HeapTuple
row_of_function(Oid function)
{
	HeapTuple	row = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for function %u", function);
	return row;
}

/*
 * factstr_extend_function(old regprocedure, new regprocedure)
 *
 * Gives a function the arguments of a new one, which begin with the same and have defaults for the rest, and drops
 * the new one. No command does this.  Dropping the old function and carrying over its rights would not be the same:
 * users' views may depend on it, and then PostgreSQL supplies the defaults.
 */
Datum
factstr_extend_function(PG_FUNCTION_ARGS)
{
	Oid			old_function = PG_GETARG_OID(0);
	ObjectAddress new_function = {ProcedureRelationId, PG_GETARG_OID(1), 0};
	Relation	functions = table_open(ProcedureRelationId, RowExclusiveLock);
	HeapTuple	old_row = row_of_function(old_function);
	HeapTuple	extended = with_arguments_of(functions, old_row, row_of_function(new_function.objectId));

	performDeletion(&new_function, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
	CatalogTupleUpdate(functions, &extended->t_self, extended);
	table_close(functions, RowExclusiveLock);
	CommandCounterIncrement();
	PG_RETURN_VOID();
}
