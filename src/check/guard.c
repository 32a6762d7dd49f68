/*
 * check/guard.c
 *		The protection of facts against changes, and ways around it, as the catalogs show them.
 *
 * The triggers are on the table, so no statement on another table may lead to its rows: it must have no parents,
 * whose statements would change its rows without firing them.  Nor may statements on it have another meaning than
 * expected, for readers of the table that do not call the functions.
 *
 * Nothing here locks a table: it is called at the end of commands that hold their locks.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "check/guard.h"
#include "definition.h"

/* BEFORE ... FOR EACH STATEMENT. */
#define GUARDING_TRIGGER \
	(TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE)

static char *
qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/*
 * Tables
 */

/* Some relative of a table: a parent if the column is that of the child, or a child; InvalidOid if none. */
static Oid
some_relative(Oid table, bool is_parent_wanted)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	Oid			relative = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, is_parent_wanted ? Anum_pg_inherits_inhrelid : Anum_pg_inherits_inhparent,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(inherits,
							  is_parent_wanted ? InheritsRelidSeqnoIndexId : InheritsParentIndexId,
							  true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		relative = is_parent_wanted ? form->inhparent : form->inhrelid;
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return relative;
}

/* The name of some rule of the table, or NULL. */
static char *
some_rule(Oid table)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	char	   *name = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		name = pstrdup(NameStr(((Form_pg_rewrite) GETSTRUCT(tuple))->rulename));
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return name;
}

static bool
find_relative(Oid table, bool is_partition, TableFlaw *flaw)
{
	Oid			parent = some_relative(table, true);
	Oid			child = some_relative(table, false);

	if (OidIsValid(parent))
	{
		flaw->what = psprintf("parent \"%s\"", get_rel_name(parent));
		flaw->why = "A statement on the parent would change rows of the table, past the trigger that refuses it.";
		flaw->remedy = psprintf(is_partition ? "ALTER TABLE %s DETACH PARTITION %s" :
								"ALTER TABLE %2$s NO INHERIT %1$s",
								qualified_name(parent), qualified_name(table));
	}
	else if (OidIsValid(child))
	{
		flaw->what = psprintf("child \"%s\"", get_rel_name(child));
		flaw->why = "A SELECT on the table would return the rows of the child too.";
		flaw->remedy = psprintf("ALTER TABLE %s NO INHERIT %s", qualified_name(child),
								qualified_name(table));
	}
	return OidIsValid(parent) || OidIsValid(child);
}

/* Has the table a forbidden property? */
bool
fs_guard_find_flaw(Oid table, TableFlaw *flaw)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	FormData_pg_class form = *(Form_pg_class) GETSTRUCT(tuple);
	char	   *rule = some_rule(table);

	ReleaseSysCache(tuple);
	if (find_relative(table, form.relispartition, flaw))
		return true;
	if (rule != NULL)
	{
		flaw->what = psprintf("rule \"%s\"", rule);
		flaw->why = "A rule rewrites statements, and the functions of factstr execute none.";
		flaw->remedy = psprintf("DROP RULE %s ON %s", quote_identifier(rule), qualified_name(table));
		return true;
	}
	if (form.relrowsecurity || form.relforcerowsecurity)
	{
		flaw->what = "row security";
		flaw->why = "The functions of factstr do not know of it, so it would hide nothing.";
		flaw->remedy = psprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
								qualified_name(table));
		return true;
	}
	if (form.relpersistence != RELPERSISTENCE_PERMANENT)
	{
		flaw->what = "unlogged storage";
		flaw->why = "A crash would leave it empty.";
		flaw->remedy = psprintf("ALTER TABLE %s SET LOGGED", qualified_name(table));
		return true;
	}
	return false;
}

/*
 * Triggers
 */

/* A function of the extension without arguments, InvalidOid if it is missing. */
static Oid
find_function(Oid schema, const char *name)
{
	oidvector  *no_arguments = buildoidvector(NULL, 0);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						   PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));
}

static SysScanDesc
begin_triggers(Relation triggers, Oid table)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	return systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
}

static void
set_trigger_state(Relation triggers, HeapTuple tuple, char state)
{
	HeapTuple	changed = heap_copytuple(tuple);

	((Form_pg_trigger) GETSTRUCT(changed))->tgenabled = state;
	CatalogTupleUpdate(triggers, &changed->t_self, changed);
	CacheInvalidateRelcacheByRelid(((Form_pg_trigger) GETSTRUCT(changed))->tgrelid);
}

/*
 * A trigger that was enabled in the ordinary way, for example by a restore that had disabled it, does not fire for
 * a replica.  The protecting ones are set to fire again automatically.  A disabled one stays disabled.
 */
void
fs_guard_keep_triggers_on(Oid table)
{
	Oid			function = find_function(get_rel_namespace(table), "factstr_refuse_change");
	Relation	triggers = table_open(TriggerRelationId, RowExclusiveLock);
	SysScanDesc scan = begin_triggers(triggers, table);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (trigger->tgfoid == function && trigger->tgenabled != TRIGGER_DISABLED &&
			trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
			set_trigger_state(triggers, tuple, TRIGGER_FIRES_ALWAYS);
	}
	systable_endscan(scan);
	table_close(triggers, RowExclusiveLock);
}

/* Does the trigger reject everything that it should, if it is enabled? */
static bool
is_guarding(Relation triggers, HeapTuple tuple)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

	return (trigger->tgtype & GUARDING_TRIGGER) == GUARDING_TRIGGER &&
		!TRIGGER_FOR_ROW(trigger->tgtype) && trigger->tgattr.dim1 == 0 &&
		heap_attisnull(tuple, Anum_pg_trigger_tgqual, RelationGetDescr(triggers));
}

/* Might it change or suppress a row that is written? */
static bool
is_changing(Form_pg_trigger trigger)
{
	return !trigger->tgisinternal && trigger->tgenabled != TRIGGER_DISABLED &&
		TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
		(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype));
}

static void
check_triggers(Check *check, Oid table, const char *guarding_trigger)
{
	Oid			function = find_function(get_rel_namespace(table), "factstr_refuse_change");
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = begin_triggers(triggers, table);
	bool		is_guarded = false;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		char	   *name = NameStr(trigger->tgname);

		if (trigger->tgfoid == function && is_guarding(triggers, tuple))
		{
			is_guarded = true;
			if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
				fs_check_found(check, CHECK_GUARD,
							   "trigger \"%s\" does not always fire: ALTER TABLE %s ENABLE ALWAYS TRIGGER %s",
							   name, qualified_name(table), quote_identifier(name));
		}
		else if (is_changing(trigger))
			fs_check_found(check, CHECK_GUARD,
						   "trigger \"%s\" of table \"%s\" may change rows: DROP TRIGGER %s ON %s",
						   name, get_rel_name(table), quote_identifier(name), qualified_name(table));
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	if (!is_guarded)
		fs_check_found(check, CHECK_GUARD,
					   "table \"%s\" has no trigger that refuses changes: DROP TRIGGER IF EXISTS %s ON %s; "
					   "CREATE TRIGGER %s BEFORE UPDATE OR DELETE OR TRUNCATE ON %s "
					   "EXECUTE FUNCTION %s('Facts stay.')",
					   get_rel_name(table), guarding_trigger, qualified_name(table),
					   guarding_trigger, qualified_name(table),
					   quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
												  "factstr_refuse_change"));
}

/*
 * Event triggers
 */

/* The event triggers are identified by their functions. */
static const char *const event_trigger_functions[] = {
	"factstr_refuse_drop", "factstr_refuse_log_drop", "factstr_refuse_rewrite", "factstr_refuse_table_change"
};

static void
check_event_trigger(Check *check, Relation event_triggers, const char *function_name)
{
	Oid			function = find_function(get_rel_namespace(check->store.events), function_name);
	SysScanDesc scan = systable_beginscan(event_triggers, InvalidOid, false, NULL, 0, NULL);
	bool		is_there = false;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_event_trigger trigger = (Form_pg_event_trigger) GETSTRUCT(tuple);
		char	   *name = NameStr(trigger->evtname);

		if (trigger->evtfoid != function)
			continue;
		is_there = true;
		if (trigger->evtenabled != TRIGGER_FIRES_ALWAYS)
			fs_check_found(check, CHECK_GUARD,
						   "event trigger \"%s\" does not always fire: ALTER EVENT TRIGGER %s ENABLE ALWAYS",
						   name, quote_identifier(name));
	}
	systable_endscan(scan);
	if (!is_there)
		fs_check_found(check, CHECK_GUARD, "the event trigger that calls %s is missing",
					   function_name);
}

static void
check_event_triggers(Check *check)
{
	Relation	event_triggers = table_open(EventTriggerRelationId, AccessShareLock);

	for (int i = 0; i < lengthof(event_trigger_functions); i++)
		check_event_trigger(check, event_triggers, event_trigger_functions[i]);
	table_close(event_triggers, AccessShareLock);
}

static void
check_table(Check *check, Oid table)
{
	TableFlaw	flaw;

	if (fs_guard_find_flaw(table, &flaw))
		fs_check_found(check, CHECK_GUARD, "table \"%s\" has %s: %s", get_rel_name(table), flaw.what,
					   flaw.remedy);
}

/* Would an attempt to change a fact, deliberate or not, be stopped? */
void
fs_check_guard(Check *check)
{
	fs_check_begin_part(check, "the guard", 0);
	check_table(check, check->store.events);
	check_table(check, check->store.streams);
	check_table(check, check->store.redactions);
	check_triggers(check, check->store.events, "factstr_events_stay");
	check_triggers(check, check->store.redactions, "factstr_redactions_stay");
	check_event_triggers(check);
	check->findings[CHECK_GUARD].summary = "triggers and event triggers are there, and always fire";
}
