/*
 * arguments.c
 *		The checks of SQL arguments that several functions share.
 */
#include "postgres.h"

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
