/*
 * arguments.c
 *		The checks of calls that several SQL functions share.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "arguments.h"

/* The functions are not strict: a strict one would answer null to a null, and append nothing. */
void
argument_refuse_null(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be null", name)));
}

fs_event_query *
argument_event_query(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be null", name),
				 errhint("The event query for every fact is '{}'.")));
	return factstr_parse_event_query(PG_GETARG_JSONB_P(argument), name);
}

/* For functions that write: an error in read-only transactions, parallel workers and on standbys. */
void
factstr_refuse_read_only(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	PreventCommandDuringRecovery(function);
}
