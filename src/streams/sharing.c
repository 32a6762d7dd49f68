/*
 * streams/sharing.c
 *		Decides whether the next batch may share the transaction of the last one.
 *
 * A handler should see no difference between batches that share a transaction and batches that have their own.
 * Its writes to its own tables are visible either way, but the effects of the end of a transaction are not.  So a
 * batch with such effects is the last of its transaction:
 * - facts that it has appended or redacted are delivered, in their new form, only after the commit, and no other
 *   session can append until then;
 * - the commit may empty or drop temporary tables;
 * - deferred triggers that were fired make all constraints immediate (deferred.c).
 *
 * A lock on the table of streams reveals whether a handler has looked at its own stream, whose cursor moves when
 * the transaction ends.
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

/* Has the transaction started something that only its end completes? */
bool
fs_sharing_is_over(const FactstrStore *store)
{
	return fs_durability_has_appended() || is_locked(store->events, RowExclusiveLock) ||
		(MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE) != 0;
}

/* Has the transaction read or written the table of streams, or does it hold its lock? */
bool
fs_sharing_streams_are_locked(const FactstrStore *store)
{
	return is_locked(store->streams, AccessShareLock) || is_locked(store->streams, RowExclusiveLock);
}

/* Releases the lock of one look at a stream, so that later looks can be detected. */
void
fs_sharing_unlock_streams(const FactstrStore *store)
{
	UnlockRelationOid(store->streams, AccessShareLock);
}
