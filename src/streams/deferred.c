/*
 * streams/deferred.c
 *		Triggers deferred to the end of the transaction, mainly those of deferred constraints.
 *
 * PostgreSQL fires all deferred triggers of a transaction together, with SET CONSTRAINTS ALL IMMEDIATE, which
 * also stays in effect.  It does not report whether there are any, only whether a table has such triggers.  So
 * the session keeps a list of the tables that could have some, until any table changes.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "streams/deferred.h"

/* The tables with a deferrable trigger, as of one of the changes that are counted here. */
static List *tables = NIL;
static uint64 tables_are_of = 0;
static uint64 changes = 0;

static void
count_change(Datum argument, Oid relation)
{
	changes++;
}

static void
find_tables(void)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(triggers, 0, NULL);
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	uint64		changes_before = changes;
	HeapTuple	tuple;

	list_free(tables);
	tables = NIL;
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (trigger->tgdeferrable)
			tables = lappend_oid(tables, trigger->tgrelid);
	}
	list_sort(tables, list_oid_cmp);
	list_deduplicate_oid(tables);
	tables_are_of = changes_before;
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
	table_close(triggers, AccessShareLock);
}

static void
know_tables(void)
{
	if (changes == 0)
	{
		CacheRegisterRelcacheCallback(count_change, (Datum) 0);
		changes = 1;
	}
	while (tables_are_of != changes)
		find_tables();
}

/* Has the transaction changed rows of the table?  Then it holds this lock. */
static bool
is_changed(Oid table)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	return compat_lock_held_by_me(&tag, RowExclusiveLock);
}

/* Are there any? */
bool
fs_deferred_pending(void)
{
	ListCell   *cell;

	know_tables();
	foreach(cell, tables)
	{
		if (is_changed(lfirst_oid(cell)) && AfterTriggerPendingOnRel(lfirst_oid(cell)))
			return true;
	}
	return false;
}

/*
 * A handler's deferred triggers fire when it returns.  Those of the caller's statements in the same session must
 * not be among them: the handler would fail for them, and the caller's checks would come too early.
 */
void
fs_deferred_refuse(const char *function)
{
	if (fs_deferred_pending())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot run while deferred constraints are to be checked", function),
				 errdetail("They would be checked together with those of the handler."),
				 errhint("Call it outside the transaction block, or execute SET CONSTRAINTS ALL IMMEDIATE first.")));
}

/* Fires them, if there are any.  From then on, nothing is deferred in this transaction. */
bool
fs_deferred_fire(void)
{
	if (!fs_deferred_pending())
		return false;
	AfterTriggerSetState(makeNode(ConstraintsSetStmt));
	return true;
}
