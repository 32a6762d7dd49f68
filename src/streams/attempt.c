/*
 * streams/attempt.c
 *		One delivery by a worker, in a transaction of its own.
 *
 * However it fails, it is recorded: an error of the handler in that transaction, an error of the commit in another
 * one, the end of the process as its last act.  A process that is killed leaves what it has announced before
 * (streams/delivery.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

#include "streams/attempt.h"
#include "streams/failures.h"
#include "streams/lock.h"
#include "workers/delivery_slots.h"
#include "workers/process.h"

/* What this process delivers at the moment, or NULL. */
static Delivery *under_way = NULL;

/*
 * A worker can be cancelled while it delivers, but not while it looks whether there is something to deliver: that
 * cancel was for another stream.  Errors forget that it cannot be otherwise.
 */
static void
let_cancel(bool may_be_cancelled)
{
	QueryCancelHoldoffCount = may_be_cancelled ? 0 : 1;
	if (!may_be_cancelled)
		QueryCancelPending = false;
}

/* Ends the transaction, in which a handler may have run. */
void
fs_attempt_commit(void)
{
	CommitTransactionCommand();
	SetUserIdAndSecContext(GetSessionUserId(), 0);
	pgstat_report_stat(false);
}

/* The transaction has failed, not the handler: its commit, or something before or behind the handler. */
static DeliveryResult
recover(Delivery *delivery)
{
	FactstrStore store;
	ErrorData  *error;

	let_cancel(false);
	HOLD_INTERRUPTS();
	EmitErrorReport();
	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();

	if (!fs_worker_begin_in_store(delivery->log, &store))
		return DELIVERY_NOT_SUBSCRIBED;
	fs_failure_record(&store, delivery, error);
	fs_attempt_commit();
	FreeErrorData(error);
	return DELIVERY_FAILED;
}

/* Delivers what is next, or finds out why not. */
DeliveryResult
fs_attempt_deliver(Delivery *delivery)
{
	volatile DeliveryResult result = DELIVERY_NOT_SUBSCRIBED;

	CHECK_FOR_INTERRUPTS();

	/*
	 * The role's is for its handler (group.c): somebody else may hold what a worker needs for as
	 * long as he likes.
	 */
	LockTimeout = 0;
	under_way = delivery;
	PG_TRY();
	{
		FactstrStore store;

		let_cancel(OidIsValid(delivery->role));
		if (fs_worker_begin_in_store(delivery->log, &store))
		{
			delivery->log_is_replicated = OidIsValid(fs_store_subscription(&store));
			result = fs_delivery_deliver(&store, delivery);
			fs_attempt_commit();
			delivery->has_succeeded |= delivery->delivered > 0;
			delivery->tries_first = false;
		}
	}
	PG_CATCH();
	{
		result = recover(delivery);
	}
	PG_END_TRY();
	let_cancel(false);
	under_way = NULL;
	return result;
}

/*
 * The process ends in the middle of a delivery, by FATAL: the transaction is given up, and that recorded.  It is the
 * failure of the batch only if that was delivered as the first of its transaction, and nobody has stopped it: neither a
 * session that wants the stream nor one that stops the server.  The process waits for nobody: the server may wait for
 * its end, and others for the server's.
 */
static void
record_end(int code, Datum argument)
{
	Delivery   *delivery = under_way;
	FactstrStore store;

	under_way = NULL;
	if (delivery == NULL || !OidIsValid(delivery->role) || !(delivery->tries_first || delivery->is_announced))
		return;
	AbortOutOfAnyTransaction();
	if (!fs_worker_begin_in_store(delivery->log, &store) ||
		!ConditionalLockRelationOid(store.streams, RowExclusiveLock))
		return;
	if (delivery->tries_first && !fs_delivery_slots_is_to_stop() && !fs_worker_server_stops())
		fs_failure_record_end(&store, delivery);
	else if (fs_stream_lock_try(&store, delivery->name))
		fs_stream_withdraw(&store, delivery->name);
	fs_attempt_commit();
}

/* After the connection, so that it comes before the end of that. */
void
fs_attempt_init(void)
{
	let_cancel(false);
	before_shmem_exit(record_end, (Datum) 0);
}
