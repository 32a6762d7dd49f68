/*
 * commit/own_heads.c
 *		The end of each log as seen by a transaction that has appended to it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "commit/own_heads.h"

/* The end of the log after the appends of one subtransaction. */
typedef struct HeadOfSubtransaction
{
	int64		sequence_number;
	SubTransactionId appended_in;
} HeadOfSubtransaction;

typedef struct OwnLog
{
	Oid			events;
	HeadOfSubtransaction *heads;
	int64		count;			/* 0 if rollbacks have undone all appends */
	int64		allocated;
} OwnLog;

/* In the transaction's memory.  There are few, so a search visits them one by one. */
static struct
{
	OwnLog	   *logs;			/* NULL if there are none */
	int			count;
	int			allocated;
} own;

static OwnLog *
find(Oid events)
{
	for (int i = 0; i < own.count; i++)
	{
		if (own.logs[i].events == events)
			return &own.logs[i];
	}
	return NULL;
}

static OwnLog *
add(Oid events)
{
	OwnLog	   *log;

	if (own.logs == NULL)
	{
		own.allocated = 4;
		own.logs = MemoryContextAlloc(TopTransactionContext, own.allocated * sizeof(OwnLog));
	}
	else if (own.count == own.allocated)
	{
		own.logs = repalloc(own.logs, 2 * own.allocated * sizeof(OwnLog));
		own.allocated *= 2;
	}
	log = &own.logs[own.count];
	log->events = events;
	log->count = 0;
	log->allocated = 8;
	log->heads = MemoryContextAlloc(TopTransactionContext, log->allocated * sizeof(HeadOfSubtransaction));
	own.count++;
	return log;
}

/* The transaction has written facts; this is the new head of the log. */
void
fs_own_heads_moved(Oid events, int64 head)
{
	SubTransactionId current = GetCurrentSubTransactionId();
	OwnLog	   *log = find(events);

	if (log == NULL)
		log = add(events);
	if (log->count == log->allocated)
	{
		log->heads = repalloc_huge(log->heads, 2 * log->allocated * sizeof(HeadOfSubtransaction));
		log->allocated *= 2;
	}
	if (log->count == 0 || log->heads[log->count - 1].appended_in != current)
		log->count++;
	log->heads[log->count - 1].sequence_number = head;
	log->heads[log->count - 1].appended_in = current;
}

static int64
head_of(const OwnLog *log)
{
	return log->count == 0 ? 0 : log->heads[log->count - 1].sequence_number;
}

/* 0 if the transaction has appended nothing there. */
int64
fs_own_heads_of(Oid events)
{
	const OwnLog *log = find(events);

	return log == NULL ? 0 : head_of(log);
}

/* The number of logs that the transaction has written to, including those whose appends were rolled back. */
int
fs_own_heads_count(void)
{
	return own.count;
}

OwnHead
fs_own_heads_get(int n)
{
	OwnHead		head = {own.logs[n].events, head_of(&own.logs[n])};

	return head;
}

/* The transaction has ended. */
void
fs_own_heads_forget(void)
{
	memset(&own, 0, sizeof(own));
}

/*
 * While a subtransaction runs, everything is appended in it or in one that started later, with a higher number. The
 * remaining appends were made under a lock that is still held.
 */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (int i = 0; i < own.count; i++)
	{
		OwnLog	   *log = &own.logs[i];

		while (log->count > 0 && log->heads[log->count - 1].appended_in >= subtransaction)
			log->count--;
	}
}

void
fs_own_heads_init(void)
{
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
