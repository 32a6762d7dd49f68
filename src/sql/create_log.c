/*
 * sql/create_log.c
 *		The SQL function that creates a log.
 *
 * The tables of a log are ordinary ones, created like those of main, owned by the same role, and dumped and restored
 * with the database.  A record says that they belong to a log; it stays when the log is dropped.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "log_names.h"
#include "log_records.h"
#include "sql/call.h"
#include "sql/log_changes.h"
#include "sql/statements.h"
#include "store.h"

PG_FUNCTION_INFO_V1(factstr_create_log);

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

/* As on the table of main, the trigger fires with any session_replication_role. */
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

/*
 * In the tablespace of main's table, not in the caller's default_tablespace: the tables are created with the rights of
 * main's owner.
 */
static void
store_like_main(const FactstrStore *main_store)
{
	char	   *tablespace = get_tablespace_name(get_rel_tablespace(main_store->events));
	Relation	events = table_open(main_store->events, NoLock);

	fs_statements_set("default_tablespace", tablespace == NULL ? "" : tablespace);
	fs_statements_set("default_table_access_method", get_am_name(events->rd_rel->relam));
	table_close(events, NoLock);
}

/* Everything that the log consists of, as the owner of main's. */
static void
make_log(const char *log, Oid schema, const FactstrStore *main_store)
{
	Statements	statements = fs_statements_begin(fs_store_owner(main_store->events));
	Oid			events;
	Oid			redactions;
	Oid			rights;

	store_like_main(main_store);
	events = make_table(TABLE_EVENTS, log, schema);
	redactions = make_table(TABLE_REDACTIONS, log, schema);
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
	records = fs_log_changes_open(schema);
	if (strcmp(log, FACTSTR_MAIN_LOG) == 0 || fs_log_record_get(records, log) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("log \"%s\" already exists", log)));
	fs_log_changes_add(records, log, FACTSTR_RECORD_CREATED_AT);
	table_close(records, NoLock);
	make_log(log, schema, &main_store);
	PG_RETURN_VOID();
}
