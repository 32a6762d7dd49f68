/*
 * append/conflict.c
 *		The error of an append whose context is not as its condition says.
 */
#include "postgres.h"

#include "append/conflict.h"
#include "errors.h"

static char *
version_as_json(int64 version)
{
	return version == 0 ? pstrdup("null") : psprintf(INT64_FORMAT, version);
}

static void
raise_newer(const AppendRequest *request, const AppendOutcome *outcome)
{
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_APPEND_CONFLICT),
			 errmsg("conditional append conflict"),
			 errdetail("{\"after_sequence_number\": " INT64_FORMAT
					   ", \"actual_context_version\": " INT64_FORMAT "}",
					   request->context_number, outcome->actual_context_version),
			 errhint("Query the context again, decide again, and append after the newest fact that was read.")));
}

void
fs_append_raise_conflict(const AppendRequest *request, const AppendOutcome *outcome)
{
	if (request->condition == APPEND_UNLESS_NEWER)
		raise_newer(request, outcome);
	ereport(ERROR,
			(errcode(FACTSTR_ERRCODE_APPEND_CONFLICT),
			 errmsg("conditional append conflict"),
			 errdetail("{\"expected_context_version\": %s, \"actual_context_version\": %s}",
					   version_as_json(request->context_number),
					   version_as_json(outcome->actual_context_version)),
			 errhint("Query the context again, decide again, and append with its current version.")));
}
