/*
 * sql/grants.c
 *		The SQL functions for rights on logs.
 *
 * They execute GRANT and REVOKE as their caller, which must have the right to do so.  EXECUTE on the functions of a
 * right is granted with the right on the first log, and revoked with that on the last.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "log_names.h"
#include "relations.h"
#include "rights.h"
#include "sql/call.h"
#include "sql/grants.h"
#include "sql/statements.h"
#include "store.h"

PG_FUNCTION_INFO_V1(factstr_grant);
PG_FUNCTION_INFO_V1(factstr_revoke);
PG_FUNCTION_INFO_V1(factstr_has_right);

/* The functions of each right, and the views that are read with it. */
static const char *const functions_of_rights[LOG_RIGHTS] = {
	[RIGHT_TO_READ] = "{factstr_query,factstr_read,factstr_newest,factstr_context_version,factstr_batches,factstr_export,"
	"factstr_position_at,factstr_pending_pages,factstr_wait,factstr_wait_for_facts}",
	[RIGHT_TO_APPEND] = "{factstr_append,factstr_append_event,factstr_append_if,factstr_try_append_if,"
	"factstr_append_unless,factstr_try_append_unless,factstr_last_append}",
	[RIGHT_TO_CONSUME] = "{factstr_stream_open,factstr_stream_next,factstr_stream_ack,factstr_stream_hold,"
	"factstr_stream_try_hold,factstr_stream_release,factstr_stream_fail,factstr_stream_take_partition,"
	"factstr_stream_repartition,factstr_stream_seek,factstr_stream_set_query,factstr_stream_drop,factstr_subscribe,"
	"factstr_unsubscribe,factstr_deliver,factstr_park_after,factstr_redeliver_parked,factstr_discard_parked}",
	[RIGHT_TO_ADMINISTER] = "{factstr_import,factstr_import_redactions,factstr_redact,factstr_check,factstr_seal_log,"
	"factstr_drop_log}",
};

static const char *const views_of_rights[LOG_RIGHTS] = {
	[RIGHT_TO_READ] = "{factstr_logs,factstr_status}",
	[RIGHT_TO_APPEND] = "{}",
	[RIGHT_TO_CONSUME] = "{factstr_stream_status}",
	[RIGHT_TO_ADMINISTER] = "{}",
};

const char *
fs_grant_functions(LogRight right)
{
	return functions_of_rights[right];
}

/* Statements for the schema $1, the functions $2 and the views $3, to or from the role $4. */
#define STATEMENTS_FOR_ROLE(action, preposition) \
	"SELECT format('" action " EXECUTE ON ROUTINE %s " preposition " %s', p.oid::regprocedure, $4) " \
	"FROM pg_proc p WHERE p.pronamespace = $1 AND p.proname = ANY ($2::name[]) " \
	"UNION ALL SELECT format('" action " SELECT ON TABLE %s " preposition " %s', c.oid::regclass, $4) " \
	"FROM pg_class c WHERE c.relnamespace = $1 AND c.relname = ANY ($3::name[])"

/* Has the role $2, itself, the privilege $3 on the view of some log in the schema $1? */
static const char *const is_left =
"SELECT EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a "
"WHERE c.relnamespace = $1 AND c.relkind = 'v' AND c.relname LIKE 'factstr\\_%\\_log' "
"AND a.grantee = $2 AND a.privilege_type = $3)";

/* May the role $3 execute all of the functions $2 of the schema $1? */
static const char *const are_executable =
"SELECT coalesce(bool_and(has_function_privilege($3, p.oid, 'EXECUTE')), true) "
"FROM pg_proc p WHERE p.pronamespace = $1 AND p.proname = ANY ($2::name[])";

typedef struct Grant
{
	Oid			role;			/* ACL_ID_PUBLIC for everybody */
	const char *role_name;		/* quoted */
	LogRight	right;
	FactstrStore store;
	Oid			schema;
} Grant;

static LogRight
argument_right(FunctionCallInfo fcinfo, int argument)
{
	LogRight	right;

	fs_argument_refuse_null(fcinfo, argument, "right");
	if (!fs_right_find(text_to_cstring(PG_GETARG_TEXT_PP(argument)), &right))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid right: \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(argument))),
				 errhint("The rights are read, append, consume and admin.")));
	return right;
}

/* The arguments role, right and log. */
static Grant
argument_grant(FunctionCallInfo fcinfo, const char *function)
{
	Grant		grant = {0};
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	char	   *role;

	fs_call_refuse_read_only(function);
	fs_argument_refuse_null(fcinfo, 0, "role");
	role = NameStr(*PG_GETARG_NAME(0));
	grant.role = strcmp(role, "public") == 0 ? ACL_ID_PUBLIC : get_role_oid(role, false);
	grant.role_name = grant.role == ACL_ID_PUBLIC ? "PUBLIC" : quote_identifier(role);
	grant.right = argument_right(fcinfo, 1);
	fs_store_argument_log(fcinfo, 2, log);
	grant.schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	grant.store = fs_store_of_name(grant.schema, log);
	return grant;
}

/* Reports it before anything is done: GRANT by another role would end with a warning. */
static void
require_owner(const Grant *grant)
{
	if (!compat_is_owner_of_relation(grant->store.rights, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of log \"%s\"", grant->store.log)));
}

static void
change_functions(const Grant *grant, const char *statements)
{
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		ObjectIdGetDatum(grant->schema),
		CStringGetTextDatum(functions_of_rights[grant->right]),
		CStringGetTextDatum(views_of_rights[grant->right]),
		CStringGetTextDatum(grant->role_name)
	};

	fs_statements_execute_results(statements, lengthof(types), types, values);
}

/* Can the role of another log already execute the functions of the right? */
static bool
has_functions(const Grant *grant)
{
	Oid			types[] = {OIDOID, TEXTOID, OIDOID};
	Datum		values[] = {
		ObjectIdGetDatum(grant->schema),
		CStringGetTextDatum(functions_of_rights[grant->right]),
		ObjectIdGetDatum(grant->role)
	};
	uint64		rows;
	bool		isnull;
	SPITupleTable *result = fs_statement_select(are_executable, lengthof(types), types, values, &rows);

	return DatumGetBool(SPI_getbinval(result->vals[0], result->tupdesc, 1, &isnull));
}

/*
 * An update from 0.1.0 may have given a role, or public, a right on main for single functions.  The grant for
 * another log has added the others.
 */
static void
tell_of_main(const Grant *grant)
{
	FactstrStore main_store = fs_store_of_name(grant->schema, FACTSTR_MAIN_LOG);

	if (!fs_right_has(main_store.rights, grant->role, grant->right))
		return;
	ereport(NOTICE,
			(errmsg("role %s has the right \"%s\" on log \"main\", too", grant->role_name,
					fs_right_name(grant->right)),
			 errhint("factstr_revoke takes it away, from public if public has it.")));
}

/* factstr_grant(role, right, log) */
Datum
factstr_grant(PG_FUNCTION_ARGS)
{
	Grant		grant = argument_grant(fcinfo, "factstr_grant()");
	Statements	statements;
	bool		opens_main;

	require_owner(&grant);
	statements = fs_statements_begin(InvalidOid);
	opens_main = !fs_store_is_main(&grant.store) && grant.role != ACL_ID_PUBLIC && !has_functions(&grant);
	change_functions(&grant, STATEMENTS_FOR_ROLE("GRANT", "TO"));
	fs_statement_execute("GRANT %s ON TABLE %s TO %s", fs_right_privilege(grant.right),
						 quote_qualified_identifier(get_namespace_name(grant.schema),
													get_rel_name(grant.store.rights)), grant.role_name);
	fs_statements_end(&statements);
	CommandCounterIncrement();
	if (opens_main)
		tell_of_main(&grant);
	PG_RETURN_VOID();
}

static bool
has_right_left(const Grant *grant)
{
	Oid			types[] = {OIDOID, OIDOID, TEXTOID};
	Datum		values[] = {
		ObjectIdGetDatum(grant->schema), ObjectIdGetDatum(grant->role),
		CStringGetTextDatum(fs_right_privilege(grant->right))
	};
	uint64		rows;
	bool		isnull;
	SPITupleTable *result = fs_statement_select(is_left, lengthof(types), types, values, &rows);

	return DatumGetBool(SPI_getbinval(result->vals[0], result->tupdesc, 1, &isnull));
}

/* factstr_revoke(role, right, log) */
Datum
factstr_revoke(PG_FUNCTION_ARGS)
{
	Grant		grant = argument_grant(fcinfo, "factstr_revoke()");
	Statements	statements;

	require_owner(&grant);
	statements = fs_statements_begin(InvalidOid);
	fs_statement_execute("REVOKE %s ON TABLE %s FROM %s", fs_right_privilege(grant.right),
						 quote_qualified_identifier(get_namespace_name(grant.schema),
													get_rel_name(grant.store.rights)), grant.role_name);
	if (!has_right_left(&grant))
		change_functions(&grant, STATEMENTS_FOR_ROLE("REVOKE", "FROM"));
	fs_statements_end(&statements);
	PG_RETURN_VOID();
}

/*
 * factstr_has_right(right, log): does the log give the current user this right?  For the views, which ask for
 * many logs, so it looks at nothing but the log's view.  Null if there is none.
 */
Datum
factstr_has_right(PG_FUNCTION_ARGS)
{
	LogRight	right = argument_right(fcinfo, 0);
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	Oid			view;

	fs_store_argument_log(fcinfo, 1, log);
	view = fs_relation_named(fs_log_rights_name(log), get_func_namespace(fcinfo->flinfo->fn_oid));
	if (!OidIsValid(view))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(fs_right_has(view, GetUserId(), right));
}
