/*
 * sql/guard.c
 *		Rejects statements that would change permanent rows.
 *
 * Rights do not stop the owner, nor a superuser.  Triggers do:
 * - a trigger of the table, for statements that update, delete or truncate; inserts, and with them appends and
 *   restores, do not fire it.  It is a statement trigger: the functions of factstr, and the workers of logical
 *   replication, change rows without a statement;
 * - event triggers of the database, for commands that would bypass it: those that give the table a parent, for
 *   example, or rewrite its rows; for the one that drops everything; and for those that drop a part of another
 *   log.
 *
 * An owner who really wants such a change disables the trigger first.  factstr_check reports disabled triggers
 * (check/guard.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "commands/user.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "check/guard.h"
#include "compat.h"
#include "definition.h"
#include "log_names.h"
#include "log_records.h"
#include "rows.h"
#include "sql/guard.h"
#include "sql/guard_call.h"
#include "sql/log_guard.h"
#include "sql/statements.h"
#include "store.h"

PG_FUNCTION_INFO_V1(factstr_refuse_change);
PG_FUNCTION_INFO_V1(factstr_refuse_table_change);
PG_FUNCTION_INFO_V1(factstr_refuse_rewrite);

/*
 * Statements
 */

static const char *
command_of_event(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* The trigger's argument is the hint: the alternative. */
Datum
factstr_refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *call = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || call->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("factstr_refuse_change is a trigger function with one argument")));
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot execute %s on append-only table \"%s\"",
					command_of_event(call->tg_event), RelationGetRelationName(call->tg_relation)),
			 errhint("%s", call->tg_trigger->tgargs[0])));
}

/*
 * Commands
 */

/* Main's or the shared table of this id in the schema of the called function, InvalidOid if there is none. */
static Oid
table_of_call(FunctionCallInfo fcinfo, TableId id)
{
	return get_relname_relid(fs_log_table_name(id, FACTSTR_MAIN_LOG),
							 get_func_namespace(fcinfo->flinfo->fn_oid));
}

static bool
is_table_of_call(FunctionCallInfo fcinfo, Oid table)
{
	TableId		id;

	for (id = 0; id < TABLES; id++)
	{
		if (table == table_of_call(fcinfo, id))
			return true;
	}
	return get_rel_namespace(table) == get_func_namespace(fcinfo->flinfo->fn_oid) &&
		fs_guard_is_table_of_other_log(fcinfo, get_rel_name(table), &id);
}

/*
 * A command that changes a table, or creates a child of it, holds such a lock until the transaction ends.  So the
 * locks show which tables the transaction may have changed, and commands on other tables pass immediately.
 */
static bool
may_have_changed(Oid table)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	for (LOCKMODE mode = ShareUpdateExclusiveLock; mode <= AccessExclusiveLock; mode++)
	{
		if (compat_lock_held_by_me(&tag, mode))
			return true;
	}
	return false;
}

static void
refuse_flaw(Oid table)
{
	TableFlaw	flaw;

	if (fs_guard_find_flaw(table, &flaw))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" of extension factstr must not have %s", get_rel_name(table),
						flaw.what),
				 errdetail("%s", flaw.why),
				 errhint("The command has changed nothing. If the table had it before: %s.",
						 flaw.remedy)));
}

static void
refuse_wrong_columns(TableId id, Oid table)
{
	Relation	relation = table_open(table, NoLock);
	char	   *detail;
	char	   *remedy;

	if (fs_definition_find_wrong_column(id, relation, &detail, &remedy))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot change a column of table \"%s\" of extension factstr",
						RelationGetRelationName(relation)),
				 errdetail("%s", detail),
				 remedy == NULL ? errhint("The command has changed nothing.") :
				 errhint("The command has changed nothing. If the table was like this before: %s.",
						 remedy)));
	table_close(relation, NoLock);
}

static void
refuse_changes_of(TableId id, Oid table)
{
	refuse_flaw(table);
	refuse_wrong_columns(id, table);
	fs_guard_keep_triggers_on(table);
}

/*
 * Tables that the command has changed or created, and their parents and children, in a schema.  There may be many
 * other logs, so their locks are not checked one by one.  For the same reason OFFSET keeps each table looked up by its
 * number: the planner expects a thousand of them, and would read pg_class.
 */
static const char *const touched_tables =
"WITH touched AS MATERIALIZED (SELECT CASE classid "
"WHEN 'pg_class'::regclass THEN objid "
"WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite r WHERE r.oid = objid) "
"WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger t WHERE t.oid = objid) END AS relation "
"FROM pg_event_trigger_ddl_commands()) "
"SELECT c.relname FROM ("
"SELECT relation FROM touched "
"UNION SELECT inhparent FROM pg_inherits WHERE inhrelid IN (SELECT relation FROM touched) "
"UNION SELECT inhrelid FROM pg_inherits WHERE inhparent IN (SELECT relation FROM touched)) t "
"CROSS JOIN LATERAL (SELECT relname FROM pg_class "
"WHERE oid = t.relation AND relnamespace = $1 AND relkind = 'r' OFFSET 0) c";

static void
refuse_changes_of_other_logs(FunctionCallInfo fcinfo)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(schema);
	Statements	statements;
	SPITupleTable *result;
	uint64		rows;

	if (!fs_log_records_exist(schema))
		return;
	statements = fs_statements_begin(InvalidOid);
	result = fs_statement_select(touched_tables, 1, &type, &value, &rows);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = SPI_getvalue(result->vals[i], result->tupdesc, 1);
		TableId		id;

		if (fs_guard_is_table_of_other_log(fcinfo, name, &id) && may_have_changed(get_relname_relid(name, schema)))
			refuse_changes_of(id, get_relname_relid(name, schema));
	}
	fs_statements_end(&statements);
}

/* After a command that may have changed a table, or made one. */
Datum
factstr_refuse_table_change(PG_FUNCTION_ARGS)
{
	Node	   *command = fs_guard_command_of_call(fcinfo, "factstr_refuse_table_change");

	if (fs_guard_is_own_script())
		PG_RETURN_NULL();
	fs_log_guard_refuse_move(fcinfo, command);
	for (TableId id = 0; id < TABLES; id++)
	{
		Oid			table = table_of_call(fcinfo, id);

		if (OidIsValid(table) && may_have_changed(table))
			refuse_changes_of(id, table);
	}
	refuse_changes_of_other_logs(fcinfo);
	PG_RETURN_NULL();
}

/* An unlogged table may become permanent. */
static bool
is_becoming_logged(Oid table)
{
	int			reason = DatumGetInt32(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_REASON));

	return reason == AT_REWRITE_ALTER_PERSISTENCE &&
		get_rel_persistence(table) == RELPERSISTENCE_UNLOGGED;
}

/* Before a command that rewrites the rows of a table. */
Datum
factstr_refuse_rewrite(PG_FUNCTION_ARGS)
{
	Oid			table;

	(void) fs_guard_command_of_call(fcinfo, "factstr_refuse_rewrite");
	table = DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID));
	if (is_table_of_call(fcinfo, table) && !fs_guard_is_own_script() && !is_becoming_logged(table))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot rewrite table \"%s\" of extension factstr", get_rel_name(table)),
				 errdetail("Its rows must stay unchanged and crash-safe."),
				 errhint("VACUUM FULL and CLUSTER are allowed: they do not change the rows.")));
	PG_RETURN_NULL();
}

/*
 * A column is dropped with its dependent objects: if one is a view of the extension, then with the whole extension.
 * A CASCADE that is meant for another view must not do this.
 */
void
fs_guard_refuse_drop_of_column(FunctionCallInfo fcinfo, AlterTableStmt *command)
{
	Oid			table = RangeVarGetRelid(command->relation, NoLock, true);
	ListCell   *cell;

	if (!OidIsValid(table) || !is_table_of_call(fcinfo, table))
		return;
	foreach(cell, command->cmds)
	{
		AlterTableCmd *part = lfirst(cell);

		if (part->subtype == AT_DropColumn && part->behavior == DROP_CASCADE)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop a column of table \"%s\" of extension factstr with CASCADE",
							get_rel_name(table)),
					 errdetail("It could drop the extension, and with it every fact."),
					 errhint("Drop what depends on column \"%s\" first.", part->name)));
	}
}
