/*
 * sql/guard_call.c
 *		The call of an event trigger that protects the tables.
 */
#include "postgres.h"

#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "log_names.h"
#include "log_records.h"
#include "sql/guard_call.h"

/* The command that an event trigger is called for. */
Node *
fs_guard_command_of_call(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s is an event trigger function", function)));
	return ((EventTriggerData *) fcinfo->context)->parsetree;
}

/* The extension's scripts, and pg_upgrade, are exempt. */
bool
fs_guard_is_own_script(void)
{
	return IsBinaryUpgrade ||
		(creating_extension && CurrentExtensionObject == get_extension_oid("factstr", true));
}

bool
fs_guard_is_log(FunctionCallInfo fcinfo, const char *log)
{
	bool		is_sealed;

	return fs_log_record_find(get_func_namespace(fcinfo->flinfo->fn_oid), log, &is_sealed);
}

/* Is it a table of a log other than main?  Only if that has a record: names alone mean nothing. */
bool
fs_guard_is_table_of_other_log(FunctionCallInfo fcinfo, const char *table, TableId *id)
{
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];

	return fs_log_parse_table_name(table, id, log) &&
		fs_guard_is_log(fcinfo, log);
}
