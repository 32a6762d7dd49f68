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
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

#include "streams/attempt.h"
#include "streams/failures.h"
#include "workers/process.h"

/* What this process delivers at the moment, or NULL. */
static Delivery *under_way = NULL;

/* A worker can be cancelled while it delivers.  Errors forget that it cannot be otherwise. */
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

	if (!fs_worker_begin_in_store(&store))
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
	under_way = delivery;
	PG_TRY();
	{
		FactstrStore store;

		let_cancel(true);
		if (fs_worker_begin_in_store(&store))
		{
			delivery->log_is_replicated = OidIsValid(fs_store_subscription(&store));
			result = fs_delivery_deliver(&store, delivery);
			fs_attempt_commit();
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

/* The process ends in the middle of a delivery, by FATAL: the transaction is given up, and that recorded. */
static void
record_end(int code, Datum argument)
{
	Delivery   *delivery = under_way;
	FactstrStore store;

	under_way = NULL;
	if (delivery == NULL || !OidIsValid(delivery->role))
		return;
	AbortOutOfAnyTransaction();
	if (!fs_worker_begin_in_store(&store))
		return;
	fs_failure_record_end(&store, delivery);
	fs_attempt_commit();
}

/* After the connection, so that it comes before the end of that. */
void
fs_attempt_init(void)
{
	let_cancel(false);
	before_shmem_exit(record_end, (Datum) 0);
}
