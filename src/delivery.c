/*
 * delivery.c
 *		Delivers the batches of a durable stream to its handler.
 *
 * One batch in one transaction: what the handler does and the cursor's move are committed together.
 * If the handler fails, what it did is taken back, and the failure is recorded instead, with the
 * time at which the batch is tried again.
 *
 * The handler runs with the rights of the role that subscribed it.  What it leaves for the commit
 * (deferred triggers, cursors) must not run with those of whoever delivers:
 *	- a worker stays the subscriber until its transaction has ended;
 *	- in a session of another role, an operation with restricted security leaves nothing behind, and
 *	  settings are taken back.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "batch_reader.h"
#include "delivery.h"
#include "durability.h"
#include "handler.h"
#include "stream_lock.h"
#include "streams.h"

/* The pause before a failed batch is tried again doubles with each failure.  In ms. */
#define FIRST_PAUSE 250
#define LONGEST_PAUSE 60000

/* Whose handler runs in a session of another role, or ran last in this worker; InvalidOid if none. */
static Oid	acting_subscriber = InvalidOid;

/*
 * For records of who did something: a handler acts for its subscriber, not for who is logged in where it
 * happens to run.
 */
Oid
delivery_login_user(void)
{
	return OidIsValid(acting_subscriber) ? acting_subscriber : GetSessionUserId();
}

static TimestampTz
end_of_pause(int32 failures_before)
{
	int64		pause = FIRST_PAUSE;

	while (failures_before-- > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), Min(pause, LONGEST_PAUSE));
}

static void
record(const FactstrStore *store, Delivery *delivery, const Stream *stream, const ErrorData *error)
{
	char	   *description = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);

	delivery->retry_at = end_of_pause(stream->failure_count);
	stream_fail(store, stream, description, delivery->retry_at);
}

/* For an error that ended the transaction of a delivery, in another transaction. */
void
delivery_record_failure(const FactstrStore *store, Delivery *delivery, const ErrorData *error)
{
	Stream		stream;

	stream_lock(store, delivery->name, false);
	stream = stream_find(store, delivery->name);
	if (stream.row != NULL && stream.handler != NULL)
		record(store, delivery, &stream, error);
}

/*
 * Reads the next batch with a match, in the current memory context; false if there is none.  What is known
 * of the log is forgotten with every change of the stream: it may have been dropped, and made again with
 * another query and the same cursor.
 */
static bool
read_batch(const FactstrStore *store, Delivery *delivery, const Stream *stream, FactBatch *batch)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int64		upto = Min(delivery->upto, factstr_newest_committed());
	TransactionId version = HeapTupleHeaderGetRawXmin(stream->row->t_data);
	BatchReader *reader;
	bool		found;

	if (delivery->version != version)
	{
		delivery->version = version;
		delivery->nothing_upto = stream->cursor;
	}
	reader = batch_reader_begin(store, stream->query, snapshot, delivery->nothing_upto, upto, 1);
	found = batch_reader_next(reader, batch);
	if (!found)
		delivery->nothing_upto = Max(delivery->nothing_upto, batch_reader_head(reader));
	batch_reader_end(reader);
	UnregisterSnapshot(snapshot);
	return found;
}

static void
move(const FactstrStore *store, Delivery *delivery, const Stream *stream, int64 cursor)
{
	stream_move(store, stream, cursor);
	delivery->version = InvalidTransactionId;
	delivery->moved_at = GetCurrentTimestamp();
}

/*
 * Moves the cursor over facts that do not match, but not with every append.  Nothing is lost if a crash
 * takes that back, so it is not worth a flush.
 */
static void
skip(const FactstrStore *store, Delivery *delivery, const Stream *stream)
{
	delivery->is_behind = delivery->nothing_upto > stream->cursor;
	if (!delivery->is_behind)
		return;
	if (!delivery->by_hand)
	{
		if (!TimestampDifferenceExceeds(delivery->moved_at, GetCurrentTimestamp(),
										DELIVERY_SKIP_INTERVAL))
			return;
		(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
	}
	move(store, delivery, stream, delivery->nothing_upto);
	delivery->is_behind = false;
}

/* In a session, its user must be able to become the subscriber anyway. */
static void
refuse_foreign_subscription(const Stream *stream)
{
	Oid			subscriber = get_role_oid(stream->subscriber, true);

	if (OidIsValid(subscriber) && !is_member_of_role(GetUserId(), subscriber))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to deliver to durable stream \"%s\"",
						text_to_cstring(stream->name)),
				 errdetail("Its handler runs with the rights of role \"%s\", of which the current user is no member.",
						   stream->subscriber)));
}

/*
 * Settings, temporary tables and the like that a handler has left in a worker's session would meet the
 * handler of another role.
 */
static bool
is_another_subscriber(const Delivery *delivery, const Stream *stream)
{
	return OidIsValid(delivery->subscriber) &&
		delivery->subscriber != get_role_oid(stream->subscriber, true);
}

static Oid
become_subscriber(Delivery *delivery, const Stream *stream)
{
	Oid			subscriber = get_role_oid(stream->subscriber, false);
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	if (delivery->by_hand && user == subscriber)
		return subscriber;
	acting_subscriber = subscriber;
	if (delivery->by_hand)
		context |= SECURITY_RESTRICTED_OPERATION;
	SetUserIdAndSecContext(subscriber, context | SECURITY_LOCAL_USERID_CHANGE);
	delivery->subscriber = subscriber;
	return subscriber;
}

/* A cancel is for the session that asked for the delivery, and tells nothing of the handler. */
static bool
is_cancel(const Delivery *delivery, const ErrorData *error)
{
	return delivery->by_hand && error->sqlerrcode == ERRCODE_QUERY_CANCELED;
}

/* Calls the handler in a subtransaction; false if it failed, with the error in the delivery. */
static bool
handle(Delivery *delivery, const Stream *stream, const FactBatch *batch)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Oid			outer_subscriber = acting_subscriber;
	volatile bool succeeded = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		Oid			subscriber = become_subscriber(delivery, stream);
		int			settings = NewGUCNestLevel();

		PushActiveSnapshot(GetTransactionSnapshot());
		handler_call(stream->handler, subscriber, batch->event_records);
		PopActiveSnapshot();
		AtEOXact_GUC(!InSecurityRestrictedOperation(), settings);
		ReleaseCurrentSubTransaction();
		succeeded = true;
	}
	PG_CATCH();
	{
		if (!delivery->by_hand)
			EmitErrorReport();
		MemoryContextSwitchTo(caller);
		delivery->error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (delivery->by_hand)
		acting_subscriber = outer_subscriber;
	if (!succeeded && is_cancel(delivery, delivery->error))
		ReThrowError(delivery->error);
	return succeeded;
}

typedef struct DeliveryContext
{
	const Stream *stream;
	const FactBatch *batch;
} DeliveryContext;

static void
add_error_context(void *argument)
{
	DeliveryContext *context = argument;

	errcontext("delivery of facts " INT64_FORMAT " to " INT64_FORMAT " to handler %s of durable stream \"%s\"",
			   context->batch->first_sequence_number, context->batch->last_sequence_number,
			   context->stream->handler, text_to_cstring(context->stream->name));
}

/* Whatever the handler did to its own stream, such as dropping it or moving its cursor, stands. */
static void
acknowledge(const FactstrStore *store, Delivery *delivery, int64 cursor_before, int64 last)
{
	Stream		stream = stream_find(store, delivery->name);

	if (stream.row != NULL && stream.cursor == cursor_before)
		move(store, delivery, &stream, last);
}

static DeliveryResult
deliver(const FactstrStore *store, Delivery *delivery, const Stream *stream,
		const FactBatch *batch)
{
	DeliveryContext context = {stream, batch};
	ErrorContextCallback callback = {error_context_stack, add_error_context, &context};
	Oid			user;
	int			security_context;
	bool		succeeded;

	GetUserIdAndSecContext(&user, &security_context);
	error_context_stack = &callback;
	succeeded = handle(delivery, stream, batch);
	error_context_stack = callback.previous;
	if (delivery->by_hand)
		SetUserIdAndSecContext(user, security_context);

	if (succeeded)
		acknowledge(store, delivery, stream->cursor, batch->last_sequence_number);
	else
		record(store, delivery, stream, delivery->error);
	return succeeded ? DELIVERY_DONE : DELIVERY_FAILED;
}

/*
 * Delivers the next batch within the current transaction, and holds the stream until it ends. A worker
 * keeps the pauses after failures, and is the subscriber afterwards, until its transaction has ended.
 */
DeliveryResult
delivery_next(const FactstrStore *store, Delivery *delivery)
{
	Stream		stream;
	FactBatch	batch;

	stream_lock(store, delivery->name, false);
	stream = stream_find(store, delivery->name);
	if (stream.row == NULL || stream.handler == NULL)
		return DELIVERY_NOT_SUBSCRIBED;
	if (delivery->by_hand)
		refuse_foreign_subscription(&stream);
	else if (stream.retry_at > GetCurrentTimestamp())
	{
		delivery->retry_at = stream.retry_at;
		return DELIVERY_PAUSED;
	}
	else if (is_another_subscriber(delivery, &stream))
		return DELIVERY_ANOTHER_SUBSCRIBER;
	if (read_batch(store, delivery, &stream, &batch))
		return deliver(store, delivery, &stream, &batch);
	skip(store, delivery, &stream);
	return DELIVERY_NOTHING_NEW;
}
