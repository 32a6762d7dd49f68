/*
 * streams/lock.c
 *		The lock of a durable stream's only consumer.
 *
 * A stream belongs to the transaction that has its lock, or to the session that holds it.  Either way the lock
 * ends with the process: a dead consumer does not block its successor.  It is an object lock whose class is the
 * table of streams, numbered by a hash of the log and the name, so every change to a row is made under its lock;
 * rows are read with a snapshot taken after it.
 *
 * It uses the lock method of advisory locks, because locks of the other method are taken from a session whenever
 * one of its transactions fails.  No advisory lock function reaches it, except those that release all locks of a
 * session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "errors.h"
#include "streams/lock.h"

/* A stream that the session holds. */
typedef struct StreamHold
{
	LOCKTAG		lock;
	text	   *name;

	/* Until that is committed: a rollback ends the hold. */
	SubTransactionId taken_in;
} StreamHold;

/* Few, so they are searched one by one.  In memory that lasts as long as the session. */
static List *holds = NIL;

static uint64
hash_of(text *value, uint64 seed)
{
	return DatumGetUInt64(DirectFunctionCall2Coll(hashtextextended, C_COLLATION_OID, PointerGetDatum(value),
												  UInt64GetDatum(seed)));
}

/* 47 bits, as many as a lock has. */
static uint64
hash_in_log(const char *log, uint64 seed_of_log, text *name)
{
	bool		is_main = strcmp(log, FACTSTR_MAIN_LOG) == 0;

	return hash_of(name, is_main ? 0 : hash_of(cstring_to_text(log), seed_of_log)) & UINT64CONST(0x7FFFFFFFFFFF);
}

/* Represents the names of a log and a stream where there is no room for them. */
uint64
fs_stream_lock_hash(const char *log, text *name)
{
	return hash_in_log(log, 0, name);
}

/*
 * Two names with the same hash take turns, or find each other active.  A session may still hold a stream of a log that
 * was dropped; if the log is created again, its streams have other locks, because it has another table.  The view
 * factstr_stream_status computes the same value.
 */
LOCKTAG
fs_stream_lock_tag(const FactstrStore *store, text *name)
{
	uint64		hash = hash_in_log(store->log, store->events, name);
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, store->streams, (uint32) hash, (uint16) (hash >> 32));
	tag.locktag_lockmethodid = USER_LOCKMETHOD;
	return tag;
}

static void
forget(StreamHold *hold)
{
	holds = list_delete_ptr(holds, hold);
	pfree(hold->name);
	pfree(hold);
}

/* The lock is no longer held: pg_advisory_unlock_all or DISCARD ALL has ended the holds. */
static void
forget_lost_holds(const LOCKTAG *lock)
{
	for (int i = list_length(holds) - 1; i >= 0; i--)
	{
		StreamHold *hold = list_nth(holds, i);

		if (memcmp(&hold->lock, lock, sizeof(LOCKTAG)) == 0)
			forget(hold);
	}
}

/* Takes the stream until the end of the transaction; false if that would require waiting. */
static bool
take_lock(const FactstrStore *store, text *name, bool nowait)
{
	LOCKTAG		tag = fs_stream_lock_tag(store, name);
	LockAcquireResult result = LockAcquire(&tag, ExclusiveLock, false, nowait);

	if (result == LOCKACQUIRE_OK)
		forget_lost_holds(&tag);
	return result != LOCKACQUIRE_NOT_AVAIL;
}

bool
fs_stream_lock_try(const FactstrStore *store, text *name)
{
	return take_lock(store, name, true);
}

/* The same, and false if this session already has the stream. */
bool
fs_stream_lock_try_free(const FactstrStore *store, text *name)
{
	LOCKTAG		tag = fs_stream_lock_tag(store, name);
	LockAcquireResult result = LockAcquire(&tag, ExclusiveLock, false, true);

	if (result == LOCKACQUIRE_OK)
		forget_lost_holds(&tag);
	else if (result != LOCKACQUIRE_NOT_AVAIL)
		(void) LockRelease(&tag, ExclusiveLock, false);
	return result == LOCKACQUIRE_OK;
}

/* The same, but with nowait it raises "already active". */
void
fs_stream_lock_acquire(const FactstrStore *store, text *name, bool nowait)
{
	if (!take_lock(store, name, nowait))
		ereport(ERROR,
				(errcode(FACTSTR_ERRCODE_STREAM_ACTIVE),
				 errmsg("durable stream \"%s\" is already active", text_to_cstring(name)),
				 errhint("The view factstr_stream_status shows its consumer; without nowait the call waits for it.")));
}

/*
 * Holds
 */

static StreamHold *
find_hold(const FactstrStore *store, text *name)
{
	LOCKTAG		lock = fs_stream_lock_tag(store, name);
	ListCell   *cell;

	foreach(cell, holds)
	{
		StreamHold *hold = lfirst(cell);

		if (memcmp(&hold->lock, &lock, sizeof(LOCKTAG)) == 0 &&
			VARSIZE_ANY_EXHDR(hold->name) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(VARDATA_ANY(hold->name), VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return hold;
	}
	return NULL;
}

bool
fs_stream_lock_is_held(const FactstrStore *store, text *name)
{
	return find_hold(store, name) != NULL;
}

/* Keeps a stream that the transaction has locked for the session, if the transaction commits. */
void
fs_stream_lock_hold(const FactstrStore *store, text *name)
{
	MemoryContext caller = CurrentMemoryContext;
	StreamHold *hold;

	if (fs_stream_lock_is_held(store, name))
		return;

	MemoryContextSwitchTo(TopMemoryContext);
	hold = palloc(sizeof(StreamHold));
	hold->lock = fs_stream_lock_tag(store, name);
	hold->name = DatumGetTextPCopy(PointerGetDatum(name));
	hold->taken_in = GetCurrentSubTransactionId();
	holds = lappend(holds, hold);
	MemoryContextSwitchTo(caller);

	/* It does not wait; if it fails nevertheless, so does the transaction. */
	(void) LockAcquire(&hold->lock, ExclusiveLock, true, false);
}

/* The transaction's own lock stays until it ends. */
static bool
end_hold(StreamHold *hold)
{
	LOCKTAG		lock = hold->lock;

	forget(hold);
	return compat_lock_held_by_me(&lock, ExclusiveLock) &&
		LockRelease(&lock, ExclusiveLock, true);
}

/* Ends the hold; was there one? */
bool
fs_stream_lock_release(const FactstrStore *store, text *name)
{
	StreamHold *hold = find_hold(store, name);

	return hold != NULL && end_hold(hold);
}

/*
 * A worker keeps a stream that its transaction has locked, however that ends: until it lets the stream go, or its turn
 * or the process is over.  False if the transaction does not have the stream.  Works in a failed transaction, too.
 */
bool
fs_stream_lock_keep(const LOCKTAG *lock)
{
	if (!compat_lock_held_by_me(lock, ExclusiveLock))
		return false;
	(void) LockAcquire(lock, ExclusiveLock, true, false);
	return true;
}

void
fs_stream_lock_let_go(const LOCKTAG *lock)
{
	/*
	 * The worker may have let it go before, and a handler may have released all locks of the
	 * session.
	 */
	if (compat_lock_held_by_me(lock, ExclusiveLock))
		(void) LockRelease(lock, ExclusiveLock, true);
}

/* Ends all holds of the session. */
void
fs_stream_lock_release_all(void)
{
	while (holds != NIL)
		(void) end_hold(linitial(holds));
}

/* The streams taken since the beginning of a subtransaction. */
static void
end_holds_since(SubTransactionId subtransaction)
{
	for (int i = list_length(holds) - 1; i >= 0; i--)
	{
		StreamHold *hold = list_nth(holds, i);

		if (hold->taken_in != InvalidSubTransactionId && hold->taken_in >= subtransaction)
			(void) end_hold(hold);
	}
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	ListCell   *cell;

	switch (event)
	{
		case XACT_EVENT_COMMIT:
			foreach(cell, holds)
				((StreamHold *) lfirst(cell))->taken_in = InvalidSubTransactionId;
			break;
		case XACT_EVENT_ABORT:
			end_holds_since(TopSubTransactionId);
			break;
		default:
			break;
	}
}

/* While a subtransaction runs, everything is taken in it or in one that started later, with a higher number. */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		end_holds_since(subtransaction);
}

void
fs_stream_lock_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
}
