/*
 * store_of_call.c
 *		The log for which a function of factstr is called.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "errors.h"
#include "log_names.h"
#include "rights.h"
#include "store.h"

static void
check_log_name(text *name)
{
	if (fs_log_name_is_valid(VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid log: \"%s\" is not the name of a log", text_to_cstring(name)),
			 errhint("A name has 1 to %d of the characters a-z, 0-9, _ and -.", FACTSTR_LOG_NAME_LENGTH)));
}

/*
 * The log argument of the called function, always the last one.  Functions from before there were several logs do
 * not have it.
 */
void
fs_store_argument_log(FunctionCallInfo fcinfo, int argument, char *log)
{
	text	   *name;

	if (PG_NARGS() <= argument)
	{
		strcpy(log, FACTSTR_MAIN_LOG);
		return;
	}
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid log: it must not be null"),
				 errhint("The log that exists from the start is 'main'.")));
	name = PG_GETARG_TEXT_PP(argument);
	check_log_name(name);
	memcpy(log, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	log[VARSIZE_ANY_EXHDR(name)] = '\0';
}

/* The log that a function was called for, once the caller's right has been checked. */
FactstrStore
fs_store_of_call(FunctionCallInfo fcinfo, int log_argument, LogRight right)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
	FactstrStore store;

	fs_store_argument_log(fcinfo, log_argument, log);
	if (unlikely(!fs_store_of_known(log, &store)))
		store = fs_store_of_name(get_func_namespace(fcinfo->flinfo->fn_oid), log);
	fs_right_require(store.log, store.rights, GetUserId(), right);
	return store;
}
