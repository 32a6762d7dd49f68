/*
 * notify.c
 *		The notification that wakes consumers.
 *
 * It is a hint with the range of the batch; consumers read the log by position. So it may be left
 * out, and it must be when the server's notification queue is nearly full: a commit that finds the
 * queue full fails.
 */
#include "postgres.h"

#include "commands/async.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "notify.h"
#include "settings.h"

#define CHANNEL "factstr"

/* Beyond this share of the queue no hints are sent. */
#define NEARLY_FULL 0.9

/* The queue takes hours to fill, so a look at it now and then is enough.  In milliseconds. */
#define LOOK_INTERVAL 1000

static bool
queue_is_nearly_full(void)
{
	static TimestampTz looked_at = 0;
	static bool nearly_full = false;
	TimestampTz now = GetCurrentTimestamp();

	if (looked_at == 0 || TimestampDifferenceExceeds(looked_at, now, LOOK_INTERVAL))
	{
		nearly_full = DatumGetFloat8(DirectFunctionCall1(pg_notification_queue_usage,
														 (Datum) 0)) > NEARLY_FULL;
		looked_at = now;
	}
	return nearly_full;
}

/* Queues the notification of a batch; it is sent if and when the transaction commits. */
void
factstr_notify_batch(int64 first_sequence_number, int64 last_sequence_number)
{
	char		payload[96];

	if (!factstr_notify)
		return;
	if (queue_is_nearly_full())
	{
		ereport(WARNING,
				(errmsg("notification of facts " INT64_FORMAT " to " INT64_FORMAT " skipped",
						first_sequence_number, last_sequence_number),
				 errdetail("The notification queue is nearly full."),
				 errhint("Find the session that listens but stays in a transaction; consumers that read by position miss nothing.")));
		return;
	}
	snprintf(payload, sizeof(payload),
			 "{\"first_sequence_number\":" INT64_FORMAT ",\"last_sequence_number\":" INT64_FORMAT "}",
			 first_sequence_number, last_sequence_number);
	Async_Notify(CHANNEL, payload);
}
