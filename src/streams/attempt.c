/*
 * streams/attempt.c
 *		One delivery by a worker, in its own transaction.
 *
 * Every failure is recorded: an error of the handler in that transaction, an error of the commit in another one,
 * the end of the process as its last act.  A killed process leaves its earlier announcement (streams/delivery.c).
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

/* How often a failed delivery tries to lock the row of its stream, and the time between two tries in ms. */
#define ROW_TRIES 100
#define ROW_INTERVAL 10

/* The current delivery of this process, or NULL. */
static Delivery *under_way = NULL;

/*
 * A worker can be cancelled while it delivers, but not while it looks for work: that cancel was for another stream.
 * Errors reset this state.
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

/*
 * Locks the stream's row.  Another transaction may have it, such as a redaction; if that waits for the stream in turn,
 * it does not end, so this gives up after a while.
 */
static bool
lock_row(const FactstrStore *store, const Delivery *delivery)
{
	for (int i = 0; i < ROW_TRIES; i++)
	{
		if (fs_stream_try_row(store, delivery->name))
			return true;
		pg_usleep(ROW_INTERVAL * 1000L);
	}
	return false;
}

static DeliveryResult
record_error(Delivery *delivery, const ErrorData *error, bool has_stream)
{
	FactstrStore store;
	bool		is_there = fs_worker_begin_in_store(delivery->log, &store);

	if (is_there && has_stream && !lock_row(&store, delivery))
	{
		fs_attempt_commit();
		fs_stream_lock_let_go(&delivery->lock);
		is_there = fs_worker_begin_in_store(delivery->log, &store);
	}
	if (!is_there)
		return DELIVERY_NOT_SUBSCRIBED;
	fs_failure_record(&store, delivery, error);
	fs_attempt_commit();
	return DELIVERY_FAILED;
}

/*
 * The transaction failed, not the handler: its commit, or something before or after the handler.  Until that is on
 * record, the stream has no other consumer.
 */
static DeliveryResult
recover(Delivery *delivery)
{
	DeliveryResult result;
	ErrorData  *error;
	bool		has_stream;

	let_cancel(false);
	HOLD_INTERRUPTS();
	EmitErrorReport();
	has_stream = fs_stream_lock_keep(&delivery->lock);
	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();

	result = record_error(delivery, error, has_stream);
	if (has_stream)
		fs_stream_lock_let_go(&delivery->lock);
	FreeErrorData(error);
	return result;
}

/* Delivers the next batches, or finds out why that is impossible. */
DeliveryResult
fs_attempt_deliver(Delivery *delivery)
{
	volatile DeliveryResult result = DELIVERY_NOT_SUBSCRIBED;

	CHECK_FOR_INTERRUPTS();

	/*
	 * The role's setting is for its handler (group.c): other sessions may hold locks that a worker
	 * needs for any time.
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
 * FATAL ends the process in the middle of a delivery: this aborts the transaction and records the end.  It counts as
 * a failure of the batch only if the batch was the first of its transaction, and the delivery was not stopped by a
 * session that wants the stream or by the shutdown of the server.  The process keeps the stream to its end, so that
 * no other consumer comes before that.  The server may be waiting for the end of this process, so this waits neither
 * for a standby nor, for long, for a lock, except one that changes the definition of the log's table.
 */
static void
record_end(int code, Datum argument)
{
	Delivery   *delivery = under_way;
	FactstrStore store;

	under_way = NULL;
	if (delivery == NULL || !OidIsValid(delivery->role) || !(delivery->tries_first || delivery->is_announced))
		return;
	(void) fs_stream_lock_keep(&delivery->lock);
	AbortOutOfAnyTransaction();
	if (!fs_worker_begin_in_store(delivery->log, &store) ||
		!ConditionalLockRelationOid(store.streams, RowExclusiveLock) ||
		!fs_stream_lock_try(&store, delivery->name) || !lock_row(&store, delivery))
		return;
	synchronous_commit = SYNCHRONOUS_COMMIT_LOCAL_FLUSH;
	if (delivery->tries_first && !fs_delivery_slots_is_to_stop() && !fs_worker_server_stops())
		fs_failure_record_end(&store, delivery);
	else
		fs_stream_withdraw(&store, delivery->name);
	fs_attempt_commit();
}

/* Registered after the connection, so that it runs before the connection ends. */
void
fs_attempt_init(void)
{
	let_cancel(false);
	before_shmem_exit(record_end, (Datum) 0);
}
