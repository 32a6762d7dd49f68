/*
 * sql/drop_guard.c
 *		Keeps facts from being dropped together with the extension by mistake.
 *
 * The tables of main are the extension's.  Those of other logs are not, so that they are dumped and restored, and
 * PostgreSQL would leave them behind, without their triggers.  So they are dropped here, before the extension is, by
 * the same transaction.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_extension.h"
#include "commands/user.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "compat_scan.h"
#include "log_names.h"
#include "rows.h"
#include "sql/guard.h"
#include "sql/guard_call.h"
#include "sql/drop_log.h"
#include "store.h"

PG_FUNCTION_INFO_V1(factstr_refuse_drop);

/* Does the command drop the extension, and how? */
static bool
drops_extension(Node *command, Oid owner, DropBehavior * behavior)
{
	ListCell   *cell;

	if (IsA(command, DropOwnedStmt))
	{
		*behavior = ((DropOwnedStmt *) command)->behavior;
		return list_member_oid(roleSpecsToIds(((DropOwnedStmt *) command)->roles), owner);
	}
	if (!IsA(command, DropStmt) || ((DropStmt *) command)->removeType != OBJECT_EXTENSION)
		return false;
	*behavior = ((DropStmt *) command)->behavior;
	foreach(cell, ((DropStmt *) command)->objects)
	{
		if (strcmp(strVal(lfirst(cell)), "factstr") == 0)
			return true;
	}
	return false;
}

/* Works with indexes in any state. */
static bool
has_facts(Relation events, Snapshot snapshot)
{
	TupleTableSlot *row = table_slot_create(events, NULL);
	TableScanDesc scan = compat_table_beginscan(events, snapshot);
	bool		found = table_scan_getnextslot(scan, ForwardScanDirection, row);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	return found;
}

/* The newest number, which is that of the facts too; 0 without a primary key. */
static int64
number_of_facts(Relation events, Snapshot snapshot)
{
	Oid			oid = compat_primary_key(events);
	TupleTableSlot *row = table_slot_create(events, NULL);
	int64		number = 0;

	if (OidIsValid(oid))
	{
		Relation	index = index_open(oid, AccessShareLock);
		IndexScanDesc scan = compat_index_beginscan(events, index, snapshot, 0);

		index_rescan(scan, NULL, 0, NULL, 0);
		if (index_getnext_slot(scan, BackwardScanDirection, row))
			number = fs_row_sequence_number(row);
		index_endscan(scan);
		index_close(index, AccessShareLock);
	}
	ExecDropSingleTupleTableSlot(row);
	return number;
}

static void
raise_has_facts(int64 number)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension factstr because its log has facts"),
			 number == 0 ? errdetail("All of them would be deleted.") :
			 errdetail("All " INT64_FORMAT " of them would be deleted.", number),
			 errhint("If they are still needed, export them first. Then DROP EXTENSION factstr CASCADE.")));
}

/* The lock is released: the command will take its own, in its own order. */
static void
refuse_facts(Oid table)
{
	Relation	events = table_open(table, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	if (has_facts(events, snapshot))
		raise_has_facts(number_of_facts(events, snapshot));
	UnregisterSnapshot(snapshot);
	table_close(events, AccessShareLock);
}

/* Even if they have no facts: they were created on purpose. */
static void
refuse_other_logs(Oid schema)
{
	int			count = fs_drop_log_count_others(schema);

	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop extension factstr because logs other than \"main\" exist"),
				 errdetail("It would delete %d of them, with all their facts.", count),
				 errhint("factstr_drop_log drops a log. DROP EXTENSION factstr CASCADE drops all.")));
}

/*
 * Before a command that may drop the extension.  Only a role that could drop it learns the number of facts.  A log
 * that looks empty is checked again when no append is running, and stays locked.
 */
Datum
factstr_refuse_drop(PG_FUNCTION_ARGS)
{
	Node	   *command = fs_guard_command_of_call(fcinfo, "factstr_refuse_drop");
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			events = fs_log_find_table(TABLE_EVENTS, FACTSTR_MAIN_LOG, schema);
	FormData_pg_extension extension;
	DropBehavior behavior;

	if (IsA(command, AlterTableStmt))
		fs_guard_refuse_drop_of_column(fcinfo, (AlterTableStmt *) command);
	else if (OidIsValid(events) && fs_store_find_extension(&extension) &&
			 has_privs_of_role(GetUserId(), extension.extowner) &&
			 drops_extension(command, extension.extowner, &behavior))
	{
		if (behavior == DROP_CASCADE)
			fs_drop_log_others(schema);
		else
		{
			refuse_facts(events);
			refuse_other_logs(schema);
			LockRelationOid(events, AccessExclusiveLock);
			refuse_facts(events);
		}
	}
	PG_RETURN_NULL();
}
