/*
 * streams/failures.c
 *		Records failed deliveries of every kind, and the time of the next attempt: an error of the handler,
 *		an error that ended its transaction, the end of the process.
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
 * The first pause if a process has ended while it delivered, which may have crashed the server: long enough for
 * other streams to make progress.
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

/* In ms.  If more were left than the whole pause, the clock has been set back, and the pause is over. */
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
	bool		is_known = delivery->first_version == HeapTupleHeaderGetRawXmin(stream->row->t_data);

	fs_stream_fail(store, stream, is_known ? delivery->first : 0, description,
				   TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause), delivery->oldest_unknown);
	delivery->is_announced = false;
}

/* A delivery that somebody stopped has not failed. */
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

/* The process that announced this attempt is gone: it was killed, or the handler ended it. */
void
fs_failure_record_lost_process(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	delivery->oldest_unknown = HeapTupleHeaderGetRawXmin(stream->row->t_data);
	record(store, delivery, stream, "57P02: the worker process ended during the delivery",
		   pause_after(stream->failure_count + 1, FIRST_PAUSE_AFTER_END));
}

/* For a process that is about to end while it delivers; its transaction has the stream. */
void
fs_failure_record_end(const FactstrStore *store, Delivery *delivery)
{
	Stream		stream = fs_stream_find(store, delivery->name);

	if (stream.handler != NULL)
		record(store, delivery, &stream, "57P01: the worker was terminated during the delivery",
			   pause_after(stream.failure_count + 1, FIRST_PAUSE));
}

/*
 * For an error that ended the transaction of a delivery: records it in another transaction.  If there were many
 * batches, it could be of any of them, so next time there are fewer.  If another consumer has the stream, it is not
 * waited for.
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
