/*
 * streams/handler.c
 *		Functions that are subscribed to durable streams.
 *
 * A handler is a function with one argument, jsonb: the array of a batch's event records.  It is stored by name,
 * not by OID, so that it survives a dump, and can be dropped and created again.  Then it must not become another
 * role's function: otherwise every role that may create functions in the schema of a dropped handler could run
 * its own with the subscriber's rights.  So a handler must be owned by the subscriber, by a role of which it is a
 * member, or by a superuser.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "streams/deferred.h"
#include "streams/handler.h"
#include "streams/time_limit.h"

static void
refuse_form(Form_pg_proc function, const char *name)
{
	const char *detail = NULL;

	if (function->prokind != PROKIND_FUNCTION)
		detail = "It is not a plain function.";
	else if (function->pronargs != 1 || function->proargtypes.values[0] != JSONBOID)
		detail = "It does not take one argument of type jsonb.";
	else if (function->proretset)
		detail = "It returns a set.";
	else if (isAnyTempNamespace(function->pronamespace))
		detail = "It is temporary.";
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid handler: function %s cannot take batches", name),
				 errdetail("%s", detail),
				 errhint("A handler takes the event records of a batch as one jsonb; its result is ignored.")));
}

static void
refuse_foreign(Oid owner, Oid subscriber, const char *name)
{
	if (superuser_arg(owner) || is_member_of_role_nosuper(subscriber, owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("handler %s belongs to role \"%s\"", name, GetUserNameFromId(owner, false)),
			 errdetail("It would run with the rights of role \"%s\", which subscribed it.",
					   GetUserNameFromId(subscriber, false)),
			 errhint("Let its owner subscribe it (SET ROLE), or make it a function of the subscriber's own.")));
}

/* Can the function process batches, and may it run with the rights of this role? */
void
fs_handler_check(Oid function, Oid subscriber)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("invalid handler: function with OID %u does not exist", function)));
	name = fs_handler_name(function);
	refuse_form((Form_pg_proc) GETSTRUCT(tuple), name);
	refuse_foreign(((Form_pg_proc) GETSTRUCT(tuple))->proowner, subscriber, name);
	ReleaseSysCache(tuple);
	if (compat_function_aclcheck(function, subscriber) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
}

/* The name under which a function is kept. */
char *
fs_handler_name(Oid function)
{
	return quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
									  get_func_name(function));
}

/* Does the function still exist unchanged? */
static bool
is_current(Handler *handler)
{
	HeapTuple	tuple;
	bool		is_same;

	if (!OidIsValid(handler->function.fn_oid))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(handler->function.fn_oid));
	if (!HeapTupleIsValid(tuple))
		return false;
	is_same = HeapTupleHeaderGetRawXmin(tuple->t_data) == handler->version &&
		ItemPointerEquals(&tuple->t_self, &handler->place);
	ReleaseSysCache(tuple);
	return is_same;
}

/* The statement_timeout in the function's own settings (ALTER FUNCTION ... SET), in ms; -1: none. */
static int
own_statement_timeout(HeapTuple function)
{
	bool		isnull;
	Datum		settings = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &isnull);
	Datum	   *each;
	int			count;
	int			time = -1;

	if (isnull)
		return -1;
	deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT, &each, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name;
		char	   *value;

		ParseLongOption(TextDatumGetCString(each[i]), &name, &value);
		if (value != NULL && pg_strcasecmp(name, "statement_timeout") == 0)
			(void) parse_int(value, &time, GUC_UNIT_MS, NULL);
	}
	return time;
}

/* The relevant columns of the function's row in the catalog. */
static void
keep_version(Handler *handler)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(handler->function.fn_oid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", handler->function.fn_oid);
	handler->version = HeapTupleHeaderGetRawXmin(tuple->t_data);
	handler->place = tuple->t_self;
	handler->statement_timeout = own_statement_timeout(tuple);
	ReleaseSysCache(tuple);
}

/*
 * Looks up the handler for calls by the subscriber, which is the current user, unless the function was looked up
 * before and is unchanged.  The shared state of the calls is in the current memory context.
 */
void
fs_handler_find(const char *name, Oid subscriber, Handler *handler)
{
	Oid			argument_types[] = {JSONBOID};
	Oid			function;

	if (is_current(handler))
		return;
	function = LookupFuncName(textToQualifiedNameList(cstring_to_text(name)), 1, argument_types, false);
	fs_handler_check(function, subscriber);
	InvokeFunctionExecuteHook(function);
	fmgr_info(function, &handler->function);
	keep_version(handler);
}

/*
 * Calls the handler.  Deferred constraints are checked immediately: a violation is the handler's failure, not that
 * of the commit.  Returns whether there were any.
 */
bool
fs_handler_call(Handler *handler, Jsonb *event_records)
{
	volatile bool has_deferred = false;

	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, &handler->function, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(event_records);
	fcinfo->args[0].isnull = false;
	fs_time_limit_begin(handler->statement_timeout);
	PG_TRY();
	{
		(void) FunctionCallInvoke(fcinfo);
		has_deferred = fs_deferred_fire();
	}
	PG_FINALLY();
	{
		fs_time_limit_end();
	}
	PG_END_TRY();
	return has_deferred;
}
