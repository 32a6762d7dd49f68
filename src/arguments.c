/*
 * arguments.c
 *		The checks of calls that several SQL functions share.
 */
#include "postgres.h"

#include "access/xlog.h"
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

/* The name of a stream is the key of an index.  In bytes. */
#define MAX_NAME_BYTES 2000

text *
argument_stream_name(FunctionCallInfo fcinfo, int argument)
{
	text	   *name;

	argument_refuse_null(fcinfo, argument, "name");
	name = PG_GETARG_TEXT_PP(argument);
	if (VARSIZE_ANY_EXHDR(name) == 0 || VARSIZE_ANY_EXHDR(name) > MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name: it must have 1 to %d bytes", MAX_NAME_BYTES)));
	return name;
}

int64
argument_position(FunctionCallInfo fcinfo, int argument, const char *name)
{
	argument_refuse_null(fcinfo, argument, name);
	if (PG_GETARG_INT64(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s: it must not be negative", name),
				 errhint("Facts are numbered from 1; 0 is the position before the first.")));
	return PG_GETARG_INT64(argument);
}

/* For functions that write: an error in read-only transactions, parallel workers and on standbys. */
void
factstr_refuse_read_only(const char *function)
{
	/* First, since transactions on a standby are read-only too, which would not say what to do. */
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s on a standby", function),
				 errhint("Connect to the primary; a client that names all servers finds it with target_session_attrs=read-write.")));
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
}
