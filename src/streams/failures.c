/*
 * streams/failures.c
 *		What is recorded of a delivery that failed, and when it is tried again.
 *
 * Of whatever kind: an error of the handler, one that ended its transaction, the end of the process.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "streams/failures.h"
#include "streams/lock.h"
#include "streams/time_limit.h"
#include "workers/delivery_slots.h"

/* The pause before a failed batch is tried again doubles with each failure.  In ms. */
#define FIRST_PAUSE 250
#define LONGEST_PAUSE 60000

/*
 * The first if a process has ended while it delivered, which may have taken the server with it: not so often that
 * nobody else gets on.
 */
#define FIRST_PAUSE_AFTER_END 5000

/* In ms. */
static long
pause_after(int32 failures, long first_pause)
{
	long		pause = first_pause;

	while (--failures > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return Min(pause, LONGEST_PAUSE);
}

/* In ms.  If more were left of it than there was, the clock has been set back since, and it is over. */
long
fs_failure_rest_of_pause(const Stream *stream)
{
	long		rest = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), stream->retry_at);

	return rest > TimestampDifferenceMilliseconds(stream->last_failed_at, stream->retry_at) ? 0 : rest;
}

static void
record(const FactstrStore *store, Delivery *delivery, const Stream *stream, const char *description,
	   long pause)
{
	fs_stream_fail(store, stream, description,
				   TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause), delivery->oldest_unknown);
	delivery->is_announced = false;
}

/* A delivery that somebody has stopped has not failed. */
static void
record_failure(const FactstrStore *store, Delivery *delivery, const Stream *stream, const ErrorData *error)
{
	const char *message = error->message;

	if (!delivery->by_hand && fs_delivery_slots_is_to_stop())
	{
		fs_stream_withdraw(store, delivery->name);
		delivery->is_announced = false;
		return;
	}
	if (fs_time_limit_is_over() && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		message = "canceling handler due to factstr.handler_timeout";
	record(store, delivery, stream,
		   psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), message),
		   pause_after(stream->failure_count + 1, FIRST_PAUSE));
}

/* A process with this attempt on record is no more: it was killed, or the handler took it with it. */
void
fs_failure_record_lost_process(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	delivery->oldest_unknown = HeapTupleHeaderGetRawXmin(stream->row->t_data);
	record(store, delivery, stream, "57P02: the worker process ended during the delivery",
		   pause_after(stream->failure_count + 1, FIRST_PAUSE_AFTER_END));
}

/* For a process that is about to end, while it delivers. */
void
fs_failure_record_end(const FactstrStore *store, Delivery *delivery)
{
	Stream		stream;

	if (!fs_stream_lock_try(store, delivery->name))
		return;
	stream = fs_stream_find(store, delivery->name);
	if (stream.row != NULL && stream.handler != NULL)
		record(store, delivery, &stream, "57P01: the worker was terminated during the delivery",
			   pause_after(stream.failure_count + 1, FIRST_PAUSE));
}

/*
 * For an error that ended the transaction of a delivery, in another transaction.  If there were many batches, it
 * could be of any, so next time there are fewer.  The stream may have been another consumer's since, who is not waited
 * for.
 */
void
fs_failure_record(const FactstrStore *store, Delivery *delivery, const ErrorData *error)
{
	Stream		stream;

	if (delivery->delivered > 1)
	{
		delivery->most = delivery->delivered / 2;
		delivery->delivered = 0;
		return;
	}
	if (!fs_stream_lock_try(store, delivery->name))
		return;
	stream = fs_stream_find(store, delivery->name);
	if (stream.row != NULL && stream.handler != NULL)
		record_failure(store, delivery, &stream, error);
}
