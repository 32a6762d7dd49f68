/*
 * streams/delivery.c
 *		Delivers the batches of a durable stream to its handler.
 *
 * The handler's writes and the move of the cursor commit together.  A stream that lags gets many batches in each
 * transaction, because a commit waits for the disk.  If one of them fails, the writes of all are rolled back, and
 * the batches before it are delivered again without it.  So a batch has failed only if it was the first of its
 * transaction: then the failure is recorded instead of the writes, with the time of the next attempt.  sharing.c
 * decides whether the effects of a batch must end its transaction.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "clock.h"
#include "commit/durability.h"
#include "read/batches.h"
#include "streams/delivery.h"
#include "streams/failures.h"
#include "streams/group.h"
#include "streams/lock.h"
#include "streams/parking.h"
#include "streams/sharing.h"
#include "streams/streams.h"
#include "workers/delivery_slots.h"

/* The maximum number of batches, or bytes of records, that are read for a transaction. */
#define MOST_BATCHES 1024
#define MOST_BYTES (1024 * 1024)

/*
 * Reads the next batches with a match, in the current memory context.  Every change of the stream discards the
 * knowledge of the log: the stream may have been dropped and created again with another query and the same cursor.
 */
static void
read_batches(const FactstrStore *store, Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		up_to = Min(delivery->up_to, fs_durability_newest_committed(store));
	TransactionId version = HeapTupleHeaderGetRawXmin(stream->row->t_data);
	BatchReader *reader;
	FactPosition head;
	Size		size = 0;

	delivery->oldest_unknown = snapshot->xmin;
	if (delivery->version != version)
	{
		delivery->version = version;
		delivery->nothing_up_to.sequence_number = stream->cursor;
	}
	reader = fs_batch_reader_begin(store, stream->query, snapshot,
								   delivery->nothing_up_to.sequence_number, up_to, delivery->most);
	group->batches = palloc(delivery->most * sizeof(FactBatch));
	while (size < MOST_BYTES && fs_batch_reader_next(reader, &group->batches[group->count]))
		size += VARSIZE(group->batches[group->count++].event_records);
	head = fs_batch_reader_head(reader);
	if (group->count == 0 && head.sequence_number > delivery->nothing_up_to.sequence_number)
		delivery->nothing_up_to = head;
	fs_batch_reader_end(reader);
	UnregisterSnapshot(snapshot);
}

static void
move_cursor(const FactstrStore *store, Delivery *delivery, const Stream *stream, int64 cursor)
{
	fs_stream_move(store, stream, cursor);
	delivery->version = InvalidTransactionId;
	delivery->skip_at = fs_clock_after(DELIVERY_SKIP_INTERVAL);
}

/*
 * Moves the cursor over facts that do not match, but not with every append.  A crash may undo that without a loss,
 * so it is not worth a flush.  But the facts must be on disk, because a cursor reveals them.
 */
static void
skip_unmatched(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	delivery->is_behind = delivery->nothing_up_to.sequence_number > stream->cursor;
	if (!delivery->is_behind)
		return;
	if (!delivery->by_hand)
	{
		if (fs_clock_until(delivery->skip_at) > 0)
			return;
		(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	}
	fs_durability_flush_before_answer(delivery->nothing_up_to.commit_position);
	move_cursor(store, delivery, stream, delivery->nothing_up_to.sequence_number);
	delivery->is_behind = false;
}

/* In a session, its user must be able to become the subscriber anyway, if there is one. */
void
fs_delivery_refuse_foreign_subscription(const Stream *stream)
{
	Oid			subscriber = stream->subscriber == NULL ? InvalidOid : get_role_oid(stream->subscriber, true);

	if (OidIsValid(subscriber) && !is_member_of_role(GetUserId(), subscriber))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to deliver to durable stream \"%s\"",
						text_to_cstring(stream->name)),
				 errdetail("Its handler runs with the rights of role \"%s\", of which the current user is no member.",
						   stream->subscriber)));
}

/* A worker's session belongs to one role.  If the subscriber no longer exists, no handler runs. */
static bool
is_for_another_role(Delivery *delivery, const Stream *stream)
{
	delivery->subscriber = get_role_oid(stream->subscriber, true);
	return OidIsValid(delivery->subscriber) && delivery->subscriber != delivery->role;
}

/* The handler's own changes of its stream, such as dropping it or moving its cursor, remain. */
static void
acknowledge(const FactstrStore *store, Delivery *delivery, int64 cursor_before, int64 last)
{
	Stream		stream = fs_stream_find(store, delivery->name);

	if (stream.row != NULL && stream.cursor == cursor_before)
		move_cursor(store, delivery, &stream, last);
}

/* Next time, at least as many batches as fitted this time. */
static void
adapt(Delivery *delivery, const BatchGroup *group, bool succeeded)
{
	if (succeeded && group->is_over)
		delivery->most = 1;
	else if (succeeded && group->delivered == group->count)
		delivery->most = Min(delivery->most * 2, MOST_BATCHES);
	else
		delivery->most = Max(group->delivered, 1);
}

static DeliveryResult
deliver_group(const FactstrStore *store, Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	bool		succeeded = fs_group_deliver(store, delivery, stream, group);

	adapt(delivery, group, succeeded);
	if (succeeded)
	{
		delivery->delivered = group->delivered;
		delivery->alone = Max(delivery->alone - group->delivered, 0);
		acknowledge(store, delivery, stream->cursor, group->batches[group->delivered - 1].last_sequence_number);
	}
	else if (group->delivered == 0)
		fs_failure_record(store, delivery, delivery->error);
	return succeeded || group->delivered > 0 ? DELIVERY_DONE : DELIVERY_FAILED;
}

/*
 * The first transaction has one batch, and so has the one after a failure.  If the server has crashed, a handler
 * may have caused it, with any of the batches that were delivered together: each of these gets its own transaction.
 */
static int
size_of_group(Delivery *delivery, const Stream *stream, bool is_streams_locked)
{
	if (delivery->most == 0 && !delivery->by_hand && fs_delivery_slots_are_new())
		delivery->alone = MOST_BATCHES;
	return stream->failure_count > 0 || delivery->alone > 0 || is_streams_locked ? 1 : Max(delivery->most, 1);
}

/* Sets the batch after the cursor aside: the stream continues behind it. */
static DeliveryResult
park(const FactstrStore *store, Delivery *delivery, const Stream *stream, const FactBatch *batch)
{
	move_cursor(store, delivery, stream, batch->last_sequence_number);
	fs_parking_add(store, stream, batch);
	return DELIVERY_DONE;
}

/*
 * A failed batch is directly behind the cursor.  If the next one is not, a redaction has taken the failed one from the
 * stream, and the next one begins with no failures.
 */
static bool
has_failures_of_another_batch(const Stream *stream, const FactBatch *next)
{
	return stream->failure_count > 0 && next->first_sequence_number > stream->cursor + 1;
}

/*
 * Before its first delivery, a worker's process announces it: if the process ends during the delivery for any reason,
 * the next process knows.
 */
static DeliveryResult
announce(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	fs_stream_announce(store, stream, delivery->first);
	ForceSyncCommit();
	/* No other worker may take this one for dead before it delivers. */
	(void) fs_stream_lock_keep(&delivery->lock);
	delivery->is_announced = true;
	delivery->version = InvalidTransactionId;
	return DELIVERY_ANNOUNCED;
}

/*
 * An announcement stays until the attempt is over, however it ends: if a worker left it when it released the
 * stream, the next one would take it for dead.
 */
static void
end_attempt(const FactstrStore *store, Delivery *delivery)
{
	if (delivery->is_announced)
		fs_stream_withdraw(store, delivery->name);
	delivery->is_announced = false;
}

/* This process may not deliver, or has yet to announce it. */
static DeliveryResult
prepare_in_worker(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	if (is_for_another_role(delivery, stream))
		return DELIVERY_FOR_ANOTHER_ROLE;
	if (!delivery->is_announced && !delivery->has_succeeded && OidIsValid(delivery->role))
		return announce(store, delivery, stream);
	return DELIVERY_DONE;
}

/* The reason that keeps a worker from looking or delivering; DELIVERY_DONE: none. */
static DeliveryResult
obstacle_in_worker(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	if (fs_delivery_slots_is_to_stop())
		return DELIVERY_STOPPED;
	if (!fs_parking_is_due(stream) && (delivery->pause = fs_failure_rest_of_pause(stream)) > 0)
		return DELIVERY_PAUSED;
	if (!stream->is_announced || delivery->is_announced)
		return DELIVERY_DONE;
	fs_failure_record_lost_process(store, delivery, stream);
	return DELIVERY_FAILED;
}

/* A session waits for the stream; a worker has other streams to serve. */
static bool
take_stream(const FactstrStore *store, Delivery *delivery)
{
	if (!delivery->by_hand)
	{
		delivery->lock = fs_stream_lock_tag(store, delivery->name);
		return fs_stream_lock_try(store, delivery->name);
	}
	fs_stream_lock_acquire(store, delivery->name, false);
	return true;
}

/* Delivers the next batches of a stream that is taken. */
static DeliveryResult
deliver_next(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	BatchGroup	group = {.memory = CurrentMemoryContext};
	DeliveryResult result = DELIVERY_DONE;

	read_batches(store, delivery, stream, &group);
	if (group.count == 0)
	{
		skip_unmatched(store, delivery, stream);
		return DELIVERY_NOTHING_NEW;
	}
	delivery->first = group.batches[0].first_sequence_number;
	delivery->first_version = delivery->version;
	if (has_failures_of_another_batch(stream, group.batches))
	{
		move_cursor(store, delivery, stream, delivery->first - 1);
		return DELIVERY_DONE;
	}
	if (fs_parking_is_due(stream))
		return park(store, delivery, stream, group.batches);
	if (!delivery->by_hand)
		result = prepare_in_worker(store, delivery, stream);
	if (result != DELIVERY_DONE)
		return result;
	return deliver_group(store, delivery, stream, &group);
}

/* Delivers the next batches of a stream that is taken and has a handler, unless something prevents that. */
static DeliveryResult
deliver_if_possible(const FactstrStore *store, Delivery *delivery, const Stream *stream, bool streams_are_locked)
{
	DeliveryResult result = DELIVERY_DONE;

	if (delivery->by_hand)
		fs_delivery_refuse_foreign_subscription(stream);
	else
		result = obstacle_in_worker(store, delivery, stream);
	if (result != DELIVERY_DONE)
		return result;
	delivery->most = size_of_group(delivery, stream, streams_are_locked);
	return deliver_next(store, delivery, stream);
}

/*
 * Delivers the next batches in the current transaction, and holds the stream until it ends.  A worker observes the
 * pauses after failures.
 */
DeliveryResult
fs_delivery_deliver(const FactstrStore *store, Delivery *delivery)
{
	DeliveryResult result = DELIVERY_NOT_SUBSCRIBED;
	bool		streams_are_locked;
	Stream		stream;

	delivery->delivered = 0;
	delivery->first = 0;
	delivery->tries_first = false;
	delivery->error = NULL;
	if (!take_stream(store, delivery))
		return DELIVERY_BUSY;
	streams_are_locked = fs_sharing_streams_are_locked(store);
	stream = fs_stream_find(store, delivery->name);
	if (stream.row != NULL && stream.handler != NULL)
		result = deliver_if_possible(store, delivery, &stream, streams_are_locked);
	if (result != DELIVERY_ANNOUNCED)
		end_attempt(store, delivery);
	return result;
}

/*
 * Delivers a batch that was set aside, as it is now, in the current transaction of a session.  Raises failures.
 * Returns whether the batch existed.  It is unparked before the handler is called, because the handler may ask for
 * it, too.
 */
bool
fs_delivery_redeliver(const FactstrStore *store, const Stream *stream, int64 first)
{
	Delivery	delivery = {.name = stream->name,.by_hand = true,.most = 1};
	BatchGroup	group = {.memory = CurrentMemoryContext};

	if (!fs_parking_take(store, stream->name, first, &delivery.up_to))
		return false;
	delivery.nothing_up_to.sequence_number = first - 1;
	delivery.version = HeapTupleHeaderGetRawXmin(stream->row->t_data);
	read_batches(store, &delivery, stream, &group);
	if (group.count > 0 && !fs_group_deliver(store, &delivery, stream, &group))
		ReThrowError(delivery.error);
	return true;
}
