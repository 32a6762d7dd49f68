/*
 * append/at_commit.c
 *		Appends that their transaction makes at its commit.
 *
 * An append holds the append lock to the end of its transaction, so all others wait while its client
 * thinks and writes its own rows.  An append at commit takes the lock when nothing is left to do but
 * the commit itself.  Its input is checked by the call, and most of its context too: at the commit only
 * the facts that came in since are looked at.
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

/* The transaction may have been made a read-only one since. */
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
 * Puts the append off, unless the answer is known already: a repeated call, or a conflict, which the
 * commit could not undo.  Then returns true.  What the request points to must last as long as the
 * transaction (fs_pre_commit_memory).
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
