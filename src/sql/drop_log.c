/*
 * sql/drop_log.c
 *		Drops logs: one, by the SQL function, or all, with the extension.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "commit/wakeup.h"
#include "log_names.h"
#include "log_records.h"
#include "read/facts.h"
#include "rights.h"
#include "sql/call.h"
#include "sql/drop_log.h"
#include "sql/log_changes.h"
#include "sql/statements.h"
#include "streams/taking.h"

PG_FUNCTION_INFO_V1(factstr_drop_log);

/* True while this file drops tables of logs; other commands must not drop them (sql/log_guard.c). */
static bool is_dropping = false;

bool
fs_drop_log_is_under_way(void)
{
	return is_dropping;
}

static char *
qualified(Oid schema, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

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

	fs_statement_delete(statement, 1, &type, &value);
}

/* A hanging handler would keep the log from being dropped.  So workers that deliver its streams are interrupted. */
static void
take_streams_from_handlers(const FactstrStore *store, Oid schema)
{
	static const char *const subscribed = "SELECT name FROM %s WHERE log = $1 AND handler IS NOT NULL ORDER BY name";
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(store->log);
	Statements	statements = fs_statements_begin(fs_store_owner(store->streams));
	uint64		count;
	SPITupleTable *rows = fs_statement_select(psprintf(subscribed, qualified(schema, get_rel_name(store->streams))),
											  1, &type, &value, &count);

	for (uint64 i = 0; i < count; i++)
		fs_stream_take_from_handler(store, cstring_to_text(SPI_getvalue(rows->vals[i], rows->tupdesc, 1)), false);
	fs_statements_end(&statements);
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
	Statements	statements = fs_statements_begin(fs_store_owner(store->events));

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

	if (!OidIsValid(records))
		return NIL;
	LockRelationOid(records, ShareUpdateExclusiveLock);
	statements = fs_statements_begin(fs_store_owner(records));
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
fs_drop_log_count_others(Oid schema)
{
	return list_length(names_of_others(schema));
}

/* In any state of the log, with all objects that depend on it. */
static void
drop_whole_log(const char *log, Oid schema)
{
	Oid			events = fs_log_find_table(TABLE_EVENTS, log, schema);
	Statements	statements = fs_statements_begin(OidIsValid(events) ? fs_store_owner(events) : InvalidOid);

	fs_statement_execute("DROP VIEW IF EXISTS %s CASCADE", qualified(schema, fs_log_rights_name(log)));
	fs_statement_execute("DROP TABLE IF EXISTS %s, %s CASCADE",
						 qualified(schema, fs_log_table_name(TABLE_EVENTS, log)),
						 qualified(schema, fs_log_table_name(TABLE_REDACTIONS, log)));
	fs_statements_end(&statements);
	ereport(NOTICE, (errmsg("drop cascades to log \"%s\"", log)));
}

/* Before the extension is dropped: all others than main.  Their records go with it. */
void
fs_drop_log_others(Oid schema)
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
 * facts.  Interrupts handlers of the log, and waits for all other transactions that use it.
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
	records = fs_log_changes_open(schema);
	store = fs_store_of_call(fcinfo, 0, RIGHT_TO_ADMINISTER);
	refuse_main(store.log);
	require_confirmation(fcinfo, store.log);
	take_streams_from_handlers(&store, schema);
	LockRelationOid(store.events, AccessExclusiveLock);
	record = fs_log_record_get(records, store.log);
	if (record == NULL)
		fs_log_record_refuse_missing(store.log);
	facts = fs_fact_head_now_to_tell(&store);
	fs_log_changes_note(records, record, FACTSTR_RECORD_DROPPED_AT, facts);
	table_close(records, NoLock);
	drop_all(&store, schema);
	fs_wakeup_at_commit(fs_wakeup_of_facts());
	PG_RETURN_INT64(facts);
}
