/*
 * procedure.c
 *		What the functions that are called with CALL have in common.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "storage/proc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "procedure.h"

/* Is the call part of a transaction that it must not end? */
bool
procedure_is_atomic(FunctionCallInfo fcinfo)
{
	return fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic;
}

/*
 * Gives back the snapshot that the call came with, so that waiting does not hold back vacuum.
 * PostgreSQL takes a new one when it needs it.
 */
void
procedure_release_snapshots(FunctionCallInfo fcinfo, const char *procedure)
{
	if (!procedure_is_atomic(fcinfo))
		ForgetPortalSnapshots();
	else if (ActiveSnapshotSet())
		PopActiveSnapshot();
	InvalidateCatalogSnapshot();
	if (TransactionIdIsValid(factstr_my_xmin()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot wait with a snapshot", procedure),
				 errdetail("It would hold back vacuum, and the transaction would not see what it waited for."),
				 errhint("CALL it by itself, at READ COMMITTED, with no cursor open, and not within a function.")));
}
