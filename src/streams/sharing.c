/*
 * streams/sharing.c
 *		Whether the next batch may share the transaction of the last one.
 *
 * A handler should find the same whether its batches come one in a transaction or many.  What it has done to
 * rows of its own is there either way.  What PostgreSQL does when a transaction ends is not, so a batch after
 * which there is something of that kind is the last of its transaction:
 *	- facts that it has appended or redacted are delivered, or delivered otherwise, only once they are
 *	  committed, and nobody else can append until then;
 *	- temporary tables may be emptied or dropped by the commit;
 *	- deferred triggers that were fired leave all constraints immediate (deferred.c).
 *
 * Whether a handler has looked at its own stream, whose cursor moves when the transaction ends, is told by a
 * lock on the table of streams.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"

#include "commit/durability.h"
#include "compat.h"
#include "streams/sharing.h"

static bool
is_locked(Oid table, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	return compat_lock_held_by_me(&tag, mode);
}

/* Has the transaction done what only its end completes? */
bool
fs_sharing_is_over(const FactstrStore *store)
{
	return fs_durability_has_appended() || is_locked(store->events, RowExclusiveLock) ||
		(MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE) != 0;
}

/* Has the transaction read or written the table of streams, or does it hold it? */
bool
fs_sharing_streams_are_locked(const FactstrStore *store)
{
	return is_locked(store->streams, AccessShareLock) || is_locked(store->streams, RowExclusiveLock);
}

/* Gives back the lock of one look at a stream, so that later looks can be told. */
void
fs_sharing_unlock_streams(const FactstrStore *store)
{
	UnlockRelationOid(store->streams, AccessShareLock);
}
