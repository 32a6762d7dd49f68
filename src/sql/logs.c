/*
 * sql/logs.c
 *		The SQL functions that make, seal and drop logs.
 *
 * The tables of a log are ordinary ones, made like those of main, owned by the same role, and dumped and restored with
 * the database.  That they are a log's, a record says, which stays when the log is dropped.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "append/lock.h"
#include "commit/wakeup.h"
#include "log_names.h"
#include "log_records.h"
#include "read/facts.h"
#include "rights.h"
#include "rows.h"
#include "sql/call.h"
#include "sql/logs.h"
#include "sql/statements.h"
#include "streams/group.h"

PG_FUNCTION_INFO_V1(factstr_create_log);
PG_FUNCTION_INFO_V1(factstr_seal_log);
PG_FUNCTION_INFO_V1(factstr_drop_log);

/* Does factstr_drop_log drop the tables of a log?  Nobody else may (sql/guard.c). */
static bool is_dropping = false;

bool
fs_logs_is_dropping(void)
{
	return is_dropping;
}

/*
 * Records
 */

/*
 * One transaction at a time creates, seals or drops logs; reads continue.  Calls take this lock
 * before they lock a log: one that drops a log, and has this, would wait for one that has the log, and waits for this.
 */
static Relation
open_records(Oid schema)
{
	return table_open(fs_definition_require_table(TABLE_LOG_RECORDS, FACTSTR_MAIN_LOG, schema),
					  ShareUpdateExclusiveLock);
}

/* The role and the time, in two columns next to each other. */
static void
set_deed(Datum *values, bool *nulls, int time_column)
{
	Name		by = palloc0(sizeof(NameData));

	namestrcpy(by, GetUserNameFromId(fs_group_login_user(), false));
	values[time_column - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[time_column] = NameGetDatum(by);
	nulls[time_column - 1] = nulls[time_column] = false;
}

static HeapTuple
new_record(Relation records, const char *log, int time_column)
{
	Datum		values[FACTSTR_RECORD_COLUMNS] = {0};
	bool		nulls[FACTSTR_RECORD_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	values[FACTSTR_RECORD_LOG - 1] = CStringGetTextDatum(log);
	nulls[FACTSTR_RECORD_LOG - 1] = false;
	set_deed(values, nulls, time_column);
	return heap_form_tuple(RelationGetDescr(records), values, nulls);
}

static HeapTuple
changed_record(Relation records, HeapTuple record, int time_column, int64 facts)
{
	Datum		values[FACTSTR_RECORD_COLUMNS] = {0};
	bool		nulls[FACTSTR_RECORD_COLUMNS] = {false};
	bool		replaced[FACTSTR_RECORD_COLUMNS] = {false};

	set_deed(values, nulls, time_column);
	replaced[time_column - 1] = replaced[time_column] = true;
	if (facts >= 0)
	{
		values[FACTSTR_RECORD_DROPPED_FACTS - 1] = Int64GetDatum(facts);
		replaced[FACTSTR_RECORD_DROPPED_FACTS - 1] = true;
	}
	return heap_modify_tuple(record, RelationGetDescr(records), values, nulls, replaced);
}

/*
 * Making
 */

static char *
qualified(Oid schema, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* A table of the log like that of main, with the same parameters for storage and vacuum. */
static Oid
make_table(TableId id, const char *log, Oid schema)
{
	static const char *const options = "SELECT ' WITH (' || array_to_string(c.reloptions, ', ') || ')' "
	"FROM pg_class c WHERE c.oid = $1 AND c.reloptions IS NOT NULL";
	char	   *name = fs_log_table_name(id, log);
	char	   *name_of_main = fs_log_table_name(id, FACTSTR_MAIN_LOG);
	Oid			type = OIDOID;
	Datum		of_main = ObjectIdGetDatum(get_relname_relid(name_of_main, schema));
	uint64		rows;
	SPITupleTable *result = fs_statement_select(options, 1, &type, &of_main, &rows);

	fs_statement_execute("CREATE TABLE %s (LIKE %s INCLUDING COMMENTS)%s", qualified(schema, name),
						 qualified(schema, name_of_main),
						 rows == 0 ? "" : SPI_getvalue(result->vals[0], result->tupdesc, 1));
	return get_relname_relid(name, schema);
}

static void
make_indexes(const char *log, Oid events, Oid redactions)
{
	for (IndexId id = 0; id < INDEXES_OF_A_LOG; id++)
		fs_statement_execute("%s", fs_definition_index_statement(id, log,
																 id == INDEX_OF_REDACTIONS ? redactions : events));
}

/* As on the table of main, fires at any session_replication_role. */
static void
guard_table(Oid table, Oid schema, const char *trigger, const char *hint)
{
	char	   *name = qualified(schema, get_rel_name(table));

	fs_statement_execute("CREATE TRIGGER %s BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT "
						 "EXECUTE FUNCTION %s(%s)", trigger, name,
						 qualified(schema, "factstr_refuse_change"), quote_literal_cstr(hint));
	fs_statement_execute("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", name, trigger);
}

static Oid
make_rights(const char *log, Oid schema)
{
	char	   *name = fs_log_rights_name(log);

	fs_statement_execute("CREATE VIEW %s AS SELECT %s::text AS log", qualified(schema, name),
						 quote_literal_cstr(log));
	return get_relname_relid(name, schema);
}

/* Revokes default privileges: only factstr_grant gives rights on a log. */
static void
take_rights(Oid relation)
{
	static const char *const revokes = "SELECT format('REVOKE ALL ON TABLE %s FROM %s', c.oid::regclass, "
	"CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
	"FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1 AND a.grantee <> c.relowner GROUP BY c.oid, a.grantee";
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(relation);

	fs_statements_execute_results(revokes, 1, &type, &value);
}

static void
comment_on(const char *kind, Oid schema, Oid relation, const char *comment)
{
	fs_statement_execute("COMMENT ON %s %s IS %s", kind, qualified(schema, get_rel_name(relation)),
						 quote_literal_cstr(comment));
}

/* Everything that the log consists of, as the owner of main's. */
static void
make_log(const char *log, Oid schema, Oid owner)
{
	Statements	statements = fs_statements_begin(owner);
	Oid			events = make_table(TABLE_EVENTS, log, schema);
	Oid			redactions = make_table(TABLE_REDACTIONS, log, schema);
	Oid			rights;

	make_indexes(log, events, redactions);
	guard_table(events, schema, "factstr_events_stay",
				"Facts stay. factstr_redact replaces the payload of one, for the sake of erasure.");
	guard_table(redactions, schema, "factstr_redactions_stay", "The record of redactions stays.");
	rights = make_rights(log, schema);
	take_rights(events);
	take_rights(redactions);
	take_rights(rights);
	comment_on("TABLE", schema, events, psprintf("the facts of log \"%s\", written by the functions of factstr only", log));
	comment_on("TABLE", schema, redactions, psprintf("the redactions of log \"%s\"", log));
	comment_on("VIEW", schema, rights,
			   psprintf("stands for log \"%s\": SELECT on it is the right to read, INSERT to append, UPDATE to consume, DELETE to administer",
						log));
	fs_statements_end(&statements);
}

static Oid
owner_of(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;

	ReleaseSysCache(tuple);
	return owner;
}

/* factstr_create_log(log) */
Datum
factstr_create_log(PG_FUNCTION_ARGS)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	FactstrStore main_store;
	Relation	records;

	fs_call_refuse_read_only("factstr_create_log()");
	fs_store_argument_log(fcinfo, 0, log);
	main_store = fs_store_of_name(schema, FACTSTR_MAIN_LOG);
	records = open_records(schema);
	if (strcmp(log, FACTSTR_MAIN_LOG) == 0 || fs_log_record_get(records, log) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("log \"%s\" already exists", log)));
	fs_row_change_as_owner(records, NULL, new_record(records, log, FACTSTR_RECORD_CREATED_AT));
	table_close(records, NoLock);
	make_log(log, schema, owner_of(main_store.events));
	PG_RETURN_VOID();
}

/*
 * Sealing
 */

/*
 * factstr_seal_log(log): nothing is appended to it any more.  Was it open before?
 *
 * Waits for appends in progress.  Appends that get the append lock after this find the log sealed.
 */
Datum
factstr_seal_log(PG_FUNCTION_ARGS)
{
	FactstrStore store;
	Relation	records;
	HeapTuple	record;

	fs_call_refuse_read_only("factstr_seal_log()");
	records = open_records(get_func_namespace(fcinfo->flinfo->fn_oid));
	store = fs_store_of_call(fcinfo, 0, RIGHT_TO_ADMINISTER);
	record = fs_log_record_get(records, store.log);
	if (record != NULL && !heap_attisnull(record, FACTSTR_RECORD_SEALED_AT, RelationGetDescr(records)))
	{
		table_close(records, NoLock);
		PG_RETURN_BOOL(false);
	}
	fs_append_lock_acquire(&store);
	if (record == NULL)
		fs_row_change_as_owner(records, NULL, new_record(records, store.log, FACTSTR_RECORD_SEALED_AT));
	else
		fs_row_change_as_owner(records, record, changed_record(records, record, FACTSTR_RECORD_SEALED_AT, -1));
	CacheInvalidateRelcacheByRelid(store.events);
	table_close(records, NoLock);
	PG_RETURN_BOOL(true);
}

/*
 * Dropping
 */

static void
require_confirmation(FunctionCallInfo fcinfo, const char *log)
{
	if (!PG_ARGISNULL(1) && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(1)), log) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid confirmation: it must be the name of the log, once more"),
			 errdetail("Its facts, streams and cursors would be gone for good.")));
}

static void
refuse_main(const char *log)
{
	if (strcmp(log, FACTSTR_MAIN_LOG) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot drop log \"main\""),
			 errhint("It exists as long as the extension: DROP EXTENSION factstr CASCADE drops it, too.")));
}

static void
drop_rows(TableId id, Oid schema, const char *log)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(log);
	char	   *statement = psprintf("DELETE FROM %s WHERE log = $1",
									 qualified(schema, fs_log_table_name(id, log)));

	if (SPI_execute_with_args(statement, 1, &type, &value, NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not execute %s", statement);
}

static void
drop_tables(const FactstrStore *store, Oid schema)
{
	is_dropping = true;
	PG_TRY();
	{
		fs_statement_execute("DROP VIEW %s", qualified(schema, get_rel_name(store->rights)));
		fs_statement_execute("DROP TABLE %s", qualified(schema, get_rel_name(store->redactions)));
		fs_statement_execute("DROP TABLE %s", qualified(schema, get_rel_name(store->events)));
	}
	PG_FINALLY();
	{
		is_dropping = false;
	}
	PG_END_TRY();
}

/* The objects of the log are not in use any more: no session has a lock on its table. */
static void
drop_all(const FactstrStore *store, Oid schema)
{
	Statements	statements = fs_statements_begin(owner_of(store->events));

	drop_rows(TABLE_PARKED, schema, store->log);
	drop_rows(TABLE_STREAMS, schema, store->log);
	drop_tables(store, schema);
	fs_statements_end(&statements);
}

/* The names of all others than main, of which there may be none.  No other one is made until the transaction ends. */
static List *
names_of_others(Oid schema)
{
	static const char *const others = "SELECT log FROM %s WHERE dropped_at IS NULL AND log <> 'main' ORDER BY log";
	MemoryContext caller = CurrentMemoryContext;
	Oid			records = fs_log_find_table(TABLE_LOG_RECORDS, FACTSTR_MAIN_LOG, schema);
	Statements	statements;
	SPITupleTable *rows;
	uint64		count;
	List	   *names = NIL;

	if (!fs_log_records_exist(schema))
		return NIL;
	LockRelationOid(records, ShareUpdateExclusiveLock);
	statements = fs_statements_begin(owner_of(records));
	rows = fs_statement_select(psprintf(others, qualified(schema, get_rel_name(records))), 0, NULL, NULL, &count);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		names = lappend(names, SPI_getvalue(rows->vals[i], rows->tupdesc, 1));
		MemoryContextSwitchTo(spi);
	}
	fs_statements_end(&statements);
	return names;
}

int
fs_logs_count_others(Oid schema)
{
	return list_length(names_of_others(schema));
}

/* In any state of the log, with all objects that depend on it. */
static void
drop_whole_log(const char *log, Oid schema)
{
	Oid			events = fs_log_find_table(TABLE_EVENTS, log, schema);
	Statements	statements = fs_statements_begin(OidIsValid(events) ? owner_of(events) : InvalidOid);

	fs_statement_execute("DROP VIEW IF EXISTS %s CASCADE", qualified(schema, fs_log_rights_name(log)));
	fs_statement_execute("DROP TABLE IF EXISTS %s, %s CASCADE",
						 qualified(schema, fs_log_table_name(TABLE_EVENTS, log)),
						 qualified(schema, fs_log_table_name(TABLE_REDACTIONS, log)));
	fs_statements_end(&statements);
	ereport(NOTICE, (errmsg("drop cascades to log \"%s\"", log)));
}

/* Before the extension is dropped: all others than main.  Their records go with it. */
void
fs_logs_drop_others(Oid schema)
{
	List	   *names = names_of_others(schema);

	is_dropping = true;
	PG_TRY();
	{
		for (int i = 0; i < list_length(names); i++)
			drop_whole_log(list_nth(names, i), schema);
	}
	PG_FINALLY();
	{
		is_dropping = false;
	}
	PG_END_TRY();
}

/*
 * factstr_drop_log(log, confirmation): drops it with all its facts, streams and cursors, and returns the number of its
 * facts.  Waits for all transactions that use the log.
 */
Datum
factstr_drop_log(PG_FUNCTION_ARGS)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	FactstrStore store;
	Relation	records;
	HeapTuple	record;
	int64		facts;

	fs_call_refuse_read_only("factstr_drop_log()");
	records = open_records(schema);
	store = fs_store_of_call(fcinfo, 0, RIGHT_TO_ADMINISTER);
	refuse_main(store.log);
	require_confirmation(fcinfo, store.log);
	LockRelationOid(store.events, AccessExclusiveLock);
	record = fs_log_record_get(records, store.log);
	if (record == NULL)
		fs_log_record_refuse_missing(store.log);
	facts = fs_fact_head_now_to_tell(&store);
	fs_row_change_as_owner(records, record, changed_record(records, record, FACTSTR_RECORD_DROPPED_AT, facts));
	table_close(records, NoLock);
	drop_all(&store, schema);
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_INT64(facts);
}
