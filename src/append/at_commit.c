/*
 * append/at_commit.c
 *		Appends that their transaction makes at its commit.
 *
 * An append holds the append lock until the end of its transaction, so all others wait while its client thinks
 * and writes other rows.  An append at commit takes the lock when only the commit itself is left.  The call
 * checks its input, and most of its context too: at the commit, only newer facts are examined.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "append/at_commit.h"
#include "append/conflict.h"
#include "commit/pre_commit.h"

/* Only its own transaction can have dropped the log since the call, which has locked it. */
static void
find_log_again(AppendRequest *request)
{
	Oid			events = request->store.events;

	if (!fs_store_of_database(request->store.log, &request->store) ||
		request->store.events != events)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot append at commit: the transaction has dropped the log"),
				 errhint("Drop it in a transaction that appends nothing.")));
}

/* The transaction may have become read-only since. */
static void
append_now(void *argument)
{
	AppendRequest *request = argument;
	AppendOutcome outcome;

	PreventCommandIfReadOnly("an append at commit");
	find_log_again(request);
	outcome = fs_append_facts(request);
	if (outcome.conflict)
		fs_append_raise_conflict(request, &outcome);
}

/*
 * Defers the append, unless the answer is already known: a repeated call, or a conflict, which the commit could not
 * undo.  Then returns true.  The data of the request must last as long as the transaction (fs_pre_commit_memory).
 */
bool
fs_append_at_commit(const AppendRequest *request, AppendOutcome *outcome)
{
	AppendRequest *put_off = MemoryContextAlloc(fs_pre_commit_memory(), sizeof(AppendRequest));

	*put_off = *request;
	if (fs_append_answer_early(put_off, outcome))
		return true;
	fs_pre_commit_add(append_now, put_off);
	return false;
}
