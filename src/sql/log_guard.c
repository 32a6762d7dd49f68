/*
 * sql/log_guard.c
 *		Rejects commands that would drop parts of a log, or take them away from it.
 *
 * The tables of main belong to the extension, so PostgreSQL drops them only with it.  Those of other logs do not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "log_names.h"
#include "log_records.h"
#include "sql/drop_log.h"
#include "sql/guard_call.h"
#include "sql/log_guard.h"
#include "sql/statements.h"

PG_FUNCTION_INFO_V1(factstr_refuse_log_drop);

/*
 * Tables with a trigger of a log that the command has changed: the name, and whether the schema is that of the
 * extension.  Those of main belong to the extension.
 */
static const char *const changed_tables =
"SELECT c.relname, c.relnamespace = $1 FROM pg_event_trigger_ddl_commands() d "
"JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'r' "
"WHERE EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
"WHERE t.tgrelid = c.oid AND p.pronamespace = $1 AND p.proname = 'factstr_refuse_change') "
"AND NOT EXISTS (SELECT FROM pg_depend e "
"WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')";

/* ALTER INDEX renames tables, too. */
static bool
may_move_table(Node *command)
{
	if (IsA(command, RenameStmt))
		return ((RenameStmt *) command)->renameType == OBJECT_TABLE ||
			((RenameStmt *) command)->renameType == OBJECT_INDEX;
	return IsA(command, AlterObjectSchemaStmt);
}

/*
 * After a command that may have renamed a table, or moved it to another schema.  A table of a log is recognized by its
 * name, so under another name it would be unprotected.
 */
void
fs_log_guard_refuse_move(FunctionCallInfo fcinfo, Node *command)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(schema);
	Statements	statements;
	SPITupleTable *result;
	uint64		rows;

	if (!may_move_table(command) || !fs_log_records_exist(schema))
		return;
	statements = fs_statements_begin(InvalidOid);
	result = fs_statement_select(changed_tables, 1, &type, &value, &rows);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = SPI_getvalue(result->vals[i], result->tupdesc, 1);
		bool		isnull;
		TableId		id;

		if (!DatumGetBool(SPI_getbinval(result->vals[i], result->tupdesc, 2, &isnull)) ||
			!fs_guard_is_table_of_other_log(fcinfo, name, &id))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot rename or move a table of a log"),
					 errdetail("The table of a log is found by its name, in the schema of the extension."),
					 errhint("The command has changed nothing.")));
	}
	fs_statements_end(&statements);
}

/* Dropped tables, views and triggers of a schema: the name of the table or view, and of the trigger. */
static const char *const dropped_parts =
"SELECT address_names[2], address_names[3], object_type FROM pg_event_trigger_dropped_objects() "
"WHERE object_type IN ('table', 'view', 'trigger') AND address_names[1] = $1";

/* Is it part of a log that still exists? */
static bool
is_part_of_log(FunctionCallInfo fcinfo, const char *name, const char *trigger, const char *object_type)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	TableId		id;

	if (strcmp(object_type, "view") == 0)
		return fs_log_parse_rights_name(name, log) &&
			fs_guard_is_log(fcinfo, log);
	if (!fs_guard_is_table_of_other_log(fcinfo, name, &id))
		return false;
	return strcmp(object_type, "table") == 0 || strcmp(trigger, "factstr_events_stay") == 0 ||
		strcmp(trigger, "factstr_redactions_stay") == 0;
}

/* After a command that may have dropped a table, view or trigger of another log than main. */
Datum
factstr_refuse_log_drop(PG_FUNCTION_ARGS)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(get_namespace_name(schema));
	Statements	statements;
	SPITupleTable *result;
	uint64		rows;

	(void) fs_guard_command_of_call(fcinfo, "factstr_refuse_log_drop");
	if (fs_guard_is_own_script() || fs_drop_log_is_under_way() || !fs_log_records_exist(schema))
		PG_RETURN_NULL();
	statements = fs_statements_begin(InvalidOid);
	result = fs_statement_select(dropped_parts, 1, &type, &value, &rows);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = SPI_getvalue(result->vals[i], result->tupdesc, 1);
		char	   *trigger = SPI_getvalue(result->vals[i], result->tupdesc, 2);
		char	   *object_type = SPI_getvalue(result->vals[i], result->tupdesc, 3);

		if (is_part_of_log(fcinfo, name, trigger, object_type))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop %s \"%s\" because it is part of a log", object_type,
							strcmp(object_type, "trigger") == 0 ? trigger : name),
					 errhint("factstr_drop_log drops a log.")));
	}
	fs_statements_end(&statements);
	PG_RETURN_NULL();
}
