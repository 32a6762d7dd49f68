/*
 * streams/group.c
 *		Calls the handler of a durable stream with a group of batches, one after the other.
 *
 * This happens in one subtransaction: if a batch fails, the writes of all of them are rolled back.
 *
 * The handler runs with the rights of the role that subscribed it.  Its work at the commit (deferred triggers,
 * cursors) must not run with the rights of the delivering role:
 * - a worker's session is the subscriber's, which its handler cannot leave until its transaction has ended;
 * - in a session of another role, an operation with restricted security leaves no such work behind.
 * Settings are reset.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "clock.h"
#include "commit/pre_commit.h"
#include "rights.h"
#include "streams/group.h"
#include "streams/sharing.h"

/*
 * The group ends after the batch during which this time, in ms, has passed.  Others wait for its locks, and see its
 * writes, when its transaction ends.
 */
#define LONGEST_TRANSACTION 50

/* The role whose handler runs in a session of another role, or ran last in this worker; InvalidOid if none. */
static Oid	acting_subscriber = InvalidOid;

/*
 * For records of authors: a handler acts for its subscriber, not for the role of the session in which it happens to
 * run.
 */
Oid
fs_group_login_user(void)
{
	return OidIsValid(acting_subscriber) ? acting_subscriber : GetSessionUserId();
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
	return subscriber;
}

/* A cancel is for the session that requested the delivery, and says nothing about the handler. */
static bool
is_cancel(const Delivery *delivery, const ErrorData *error)
{
	return delivery->by_hand && error->sqlerrcode == ERRCODE_QUERY_CANCELED;
}

/* A worker waits for locks without a limit (attempt.c), its handler as long as the session's role allows. */
static void
limit_waits_for_locks(void)
{
	const char *limit = GetConfigOptionResetString("lock_timeout");

	if (strcmp(limit, "0") != 0)
		(void) set_config_option("lock_timeout", limit, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Calls the handler with the group's next batch.  Settings that the handler makes are reset when it returns. */
static void
call_handler(Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	Oid			subscriber = become_subscriber(delivery, stream);
	int			settings = NewGUCNestLevel();

	if (!delivery->by_hand)
	{
		SetCurrentStatementStartTimestamp();
		limit_waits_for_locks();
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	fs_handler_find(stream->handler, subscriber, &group->handler);
	MemoryContextSwitchTo(group->batch_memory);
	group->is_over = fs_handler_call(&group->handler, group->batches[group->delivered].event_records);
	MemoryContextSwitchTo(group->memory);
	MemoryContextReset(group->batch_memory);
	PopActiveSnapshot();
	fs_pre_commit_run_current();
	CommandCounterIncrement();
	AtEOXact_GUC(false, settings);
}

/*
 * Calls the handler with one batch after the other.  The cursor moves behind them together: returns false if a
 * handler has looked at it before, so that its batch must be the first.
 */
static bool
call_handler_for_each(const FactstrStore *store, Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	int64		until = fs_clock_after(LONGEST_TRANSACTION);

	fs_right_require(store->log, store->rights, get_role_oid(stream->subscriber, false), RIGHT_TO_CONSUME);
	while (!group->is_over && group->delivered < group->count)
	{
		bool		has_looked;

		delivery->tries_first = group->delivered == 0;
		call_handler(delivery, stream, group);
		has_looked = fs_sharing_streams_are_locked(store);
		if (has_looked && group->delivered > 0)
			return false;
		group->is_over |= has_looked || fs_sharing_is_over(store);
		group->delivered++;
		if (fs_clock_now() >= until)
			break;
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Only the first batch of a transaction fails; others are tried again. */
static void
keep_error(Delivery *delivery, const BatchGroup *group)
{
	if (!delivery->by_hand && group->delivered == 0)
		EmitErrorReport();
	MemoryContextSwitchTo(group->memory);
	delivery->error = CopyErrorData();
	FlushErrorState();
}

/*
 * Delivers the group in a subtransaction; false if that was rolled back, possibly with the error in the delivery.
 */
static bool
deliver_in_subtransaction(const FactstrStore *store, Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	ResourceOwner owner = CurrentResourceOwner;
	Oid			outer_subscriber = acting_subscriber;
	volatile bool succeeded = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(group->memory);
	PG_TRY();
	{
		succeeded = call_handler_for_each(store, delivery, stream, group);
		if (succeeded)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		succeeded = false;
		keep_error(delivery, group);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(group->memory);
	CurrentResourceOwner = owner;
	if (delivery->by_hand)
		acting_subscriber = outer_subscriber;
	if (delivery->error != NULL && is_cancel(delivery, delivery->error))
		ReThrowError(delivery->error);
	return succeeded;
}

typedef struct DeliveryContext
{
	const Stream *stream;
	const BatchGroup *group;
} DeliveryContext;

static void
add_error_context(void *argument)
{
	DeliveryContext *context = argument;
	const FactBatch *batch = &context->group->batches[Min(context->group->delivered, context->group->count - 1)];

	errcontext("delivery of facts " INT64_FORMAT " to " INT64_FORMAT " to handler %s of durable stream \"%s\"",
			   batch->first_sequence_number, batch->last_sequence_number,
			   context->stream->handler, text_to_cstring(context->stream->name));
}

/* Calls the handler with the batches that were read; false if all of its work was rolled back. */
bool
fs_group_deliver(const FactstrStore *store, Delivery *delivery, const Stream *stream, BatchGroup *group)
{
	DeliveryContext context = {stream, group};
	ErrorContextCallback callback = {error_context_stack, add_error_context, &context};
	Oid			user;
	int			security_context;
	bool		succeeded;

	GetUserIdAndSecContext(&user, &security_context);
	fs_sharing_unlock_streams(store);
	group->batch_memory = AllocSetContextCreate(group->memory, "factstr batch", ALLOCSET_DEFAULT_SIZES);
	error_context_stack = &callback;
	succeeded = deliver_in_subtransaction(store, delivery, stream, group);
	error_context_stack = callback.previous;
	if (delivery->by_hand)
		SetUserIdAndSecContext(user, security_context);
	return succeeded;
}
