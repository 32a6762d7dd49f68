/*
 * commit/pre_commit.c
 *		Work that a transaction defers to its commit.
 *
 * It runs after deferred constraints have been checked and before the commit record is written, in the order in
 * which it was deferred.  If it fails, so does the commit.  Work that was deferred in a savepoint is forgotten if
 * that is rolled back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "commit/pre_commit.h"

typedef struct Item
{
	PreCommitWork work;
	void	   *argument;
	SubTransactionId put_off_in;
} Item;

/* In the transaction's memory; the oldest first. */
static List *items = NIL;

/* The memory for the arguments of deferred work: it lasts as long as the transaction. */
MemoryContext
fs_pre_commit_memory(void)
{
	return TopTransactionContext;
}

void
fs_pre_commit_add(PreCommitWork work, void *argument)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	Item	   *item = palloc(sizeof(Item));

	item->work = work;
	item->argument = argument;
	item->put_off_in = GetCurrentSubTransactionId();
	items = lappend(items, item);
	MemoryContextSwitchTo(caller);
}

/*
 * Runs all work from an index of the list to its end.  Work may defer more work.  If it fails, the list ends with the
 * transaction.
 */
static void
run_from(int first)
{
	MemoryContext memory;
	MemoryContext caller;

	if (first >= list_length(items))
		return;
	memory = AllocSetContextCreate(TopTransactionContext, "factstr work at commit",
								   ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(memory);
	for (int i = first; i < list_length(items); i++)
	{
		Item	   *item = list_nth(items, i);

		PushActiveSnapshot(GetTransactionSnapshot());
		item->work(item->argument);
		PopActiveSnapshot();
		MemoryContextReset(memory);
	}
	items = list_truncate(items, first);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
}

/* Runs the deferred work of the current subtransaction now, for a caller that must know whether it fails. */
void
fs_pre_commit_run_current(void)
{
	SubTransactionId current = GetCurrentSubTransactionId();
	int			first = 0;

	while (first < list_length(items) &&
		   ((Item *) list_nth(items, first))->put_off_in < current)
		first++;
	run_from(first);
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			run_from(0);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			items = NIL;
			break;
		default:
			break;
	}
}

/* While a subtransaction runs, all work is deferred in it or in one that started later, with a higher number. */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (items != NIL && ((Item *) llast(items))->put_off_in >= subtransaction)
		items = list_delete_last(items);
}

/* Call after the other callbacks for the commit are registered: it then runs before them, and they see its writes. */
void
fs_pre_commit_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
