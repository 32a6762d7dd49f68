/*
 * commit/notify.c
 *		Announces new facts: to processes of this server by wakeup.c, to clients by a notification.
 *
 * The notification is a hint with the range of the batch; consumers read the log by position.  So it may be
 * omitted: if nobody listens (listeners.c), and if the server's notification queue is nearly full, because a
 * commit that finds the queue full fails.
 *
 * A notification that was passed to PostgreSQL cannot be withdrawn, and the queue is filled at the commit,
 * perhaps long after the append.  So the batches are remembered, and passed on just before the commit, when the
 * state of the queue counts.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "clock.h"
#include "commit/durability.h"
#include "commit/listeners.h"
#include "commit/notify.h"
#include "commit/wakeup.h"
#include "compat.h"
#include "settings.h"

/* The channel of main.  For another log, a point and the name of the log follow. */
#define CHANNEL "factstr"

/*
 * If more than this share of the queue is in use, no hints are sent.  The rest is for notifications that other
 * transactions add between this check and the commit.
 */
#define NEARLY_FULL 0.9

/*
 * Checking the queue takes locks.  Below this share, one check per interval, in milliseconds, is enough: the rest is
 * gigabytes.
 */
#define HARDLY_USED 0.25
#define LOOK_INTERVAL 1000

/* A queue of fewer pages than this could fill up between two checks. */
#define SMALL_QUEUE 0x10000

/* More than the size of a hint in the queue. */
#define HINT_SIZE 192

typedef struct Batch
{
	int64		first_sequence_number;
	int64		last_sequence_number;
	SubTransactionId appended_in;
	const char *log;
} Batch;

/* The batches of the current transaction that need a notification. */
static struct
{
	bool		has_appended;	/* whether or not a notification is needed */
	Batch	   *batches;		/* in the transaction's memory, NULL if there are none */
	int64		count;
	int64		allocated;
	const char *log;			/* of the last batch that belongs to another log than main */
} pending;

/* A copy of the name that lasts as long as the transaction; usually the copy of the previous batch. */
static const char *
name_of_log(const FactstrStore *store)
{
	if (fs_store_is_main(store))
		return FACTSTR_MAIN_LOG;
	if (pending.log == NULL || strcmp(pending.log, store->log) != 0)
		pending.log = MemoryContextStrdup(TopTransactionContext, store->log);
	return pending.log;
}

/* Remembers a batch, which is announced if and when the transaction commits. */
void
fs_notify_batch(const FactstrStore *store, int64 first_sequence_number, int64 last_sequence_number)
{
	Batch	   *batch;

	pending.has_appended = true;
	if (!factstr_notify)
		return;
	if (pending.batches == NULL)
	{
		pending.allocated = 8;
		pending.batches = MemoryContextAlloc(TopTransactionContext,
											 pending.allocated * sizeof(Batch));
	}
	else if (pending.count == pending.allocated)
	{
		pending.batches = repalloc_huge(pending.batches, 2 * pending.allocated * sizeof(Batch));
		pending.allocated *= 2;
	}
	batch = &pending.batches[pending.count++];
	batch->first_sequence_number = first_sequence_number;
	batch->last_sequence_number = last_sequence_number;
	batch->appended_in = GetCurrentSubTransactionId();
	batch->log = name_of_log(store);
}

static double
queue_usage(void)
{
	static int64 look_at = 0;
	static double usage = 0;

	if (usage > HARDLY_USED || compat_notify_queue_pages < SMALL_QUEUE ||
		fs_clock_until(look_at) == 0)
	{
		usage = DatumGetFloat8(DirectFunctionCall1(pg_notification_queue_usage, (Datum) 0));
		look_at = fs_clock_after(LOOK_INTERVAL);
	}
	return usage;
}

/* Is there room for the pending hints?  The transaction's other notifications are not counted. */
static bool
queue_has_room(void)
{
	double		wanted = (double) pending.count * HINT_SIZE / BLCKSZ / compat_notify_queue_pages;

	return queue_usage() + wanted <= NEARLY_FULL;
}

static void
send_hint(const Batch *batch)
{
	char		channel[sizeof(CHANNEL) + 1 + FACTSTR_LOG_NAME_LENGTH];
	char		payload[96];

	snprintf(payload, sizeof(payload),
			 "{\"first_sequence_number\":" INT64_FORMAT ",\"last_sequence_number\":" INT64_FORMAT "}",
			 batch->first_sequence_number, batch->last_sequence_number);
	if (strcmp(batch->log, FACTSTR_MAIN_LOG) == 0)
		strlcpy(channel, CHANNEL, sizeof(channel));
	else
		snprintf(channel, sizeof(channel), "%s.%s", CHANNEL, batch->log);
	Async_Notify(channel, payload);
}

static void
send_pending_hints(void)
{
	if (!queue_has_room())
	{
		ereport(WARNING,
				(errmsg("notification of facts " INT64_FORMAT " to " INT64_FORMAT " skipped",
						pending.batches[0].first_sequence_number,
						pending.batches[pending.count - 1].last_sequence_number),
				 errdetail("The notification queue is nearly full."),
				 errhint("Find the listening session that stays in a transaction; consumers that read by position miss nothing.")));
		return;
	}
	fs_durability_commit_sends_notifications();
	for (int64 i = 0; i < pending.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		send_hint(&pending.batches[i]);
	}
}

static void
make_known(bool becomes_visible)
{
	if (pending.has_appended)
		fs_wakeup_at_commit(fs_wakeup_of_facts());
	if (pending.count > 0 && !(becomes_visible && fs_listeners_begin_silent_commit()))
		send_pending_hints();
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			make_known(true);
			break;
		case XACT_EVENT_PRE_PREPARE:
			make_known(false);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			memset(&pending, 0, sizeof(pending));
			break;
		default:
			break;
	}
}

/*
 * The rolled-back batches are at the end: while a subtransaction runs, everything is appended in it or in one that
 * started later, with a higher number.
 */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (pending.count > 0 && pending.batches[pending.count - 1].appended_in >= subtransaction)
		pending.count--;
}

void
fs_notify_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
