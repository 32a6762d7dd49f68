/*
 * commit/log_head.c
 *		Where the log ended with its last commit, in shared memory.
 *
 * In the table the newest fact is behind all that was rolled back since the last vacuum, which has to be
 * walked to find it.  So each commit of an append notes its last number and where its commit record ends,
 * before it lets go of the append lock.
 *
 * What readers get is a hint, which the table confirms: the fact is there, and the next one is not
 * (read/facts.c).  After a change of the table they look without the hint, until both say the same.  An
 * append that has the lock believes it without a look, as long as nothing has happened that would make it
 * doubtful to this session:
 *	- The server has just been started or promoted, or its memory was initialized after a crash: there is no note.
 *	- The table was changed, or a subscription was; its trigger does not keep others from deleting facts, now or
 *	  when somebody else appended: the session looks into the table.
 *	- Somebody wrote rows beside the appends: the numbers are taken, which the primary key tells.
 *	- An append was prepared: its committer does not know of this.  There is no note until the next append.
 *
 * There is a place for the notes of so many logs.  The memory is so little that PostgreSQL's own reserve has
 * room for it without preloading.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "commit/log_head.h"

/* If there are more logs, the one that has not been appended to for longest has no note. */
#define LOGS 64

/* As with wakeup.c's: what has another size needs another name. */
#define MEMORY_NAME "factstr log heads 0.2"

typedef struct LogNote
{
	Oid			database;
	Oid			events;
	FactPosition head;			/* 0 if it is not known */
	bool		has_strangers;	/* somebody writes rows beside the appends */
} LogNote;

typedef struct LogPlace
{
	slock_t		mutex;
	LogNote		note;
} LogPlace;

static LogPlace *places = NULL;

/*
 * The log that ends where its note says, or where this transaction has appended.  Else the table must be asked;
 * InvalidOid at first and after any doubt.
 */
static Oid	sure_of = InvalidOid;

/* The log that was asked about last. */
static Oid	log_in_use = InvalidOid;

/* The table was changed since this session has compared it with the note. */
static bool note_is_doubtful = false;

/* Where the log ends for this transaction, as of each subtransaction that has appended. */
typedef struct OwnHead
{
	int64		sequence_number;
	SubTransactionId appended_in;
} OwnHead;

static struct
{
	Oid			events;
	OwnHead    *heads;			/* in the transaction's memory, NULL if there are none */
	int64		count;
	int64		allocated;
} own;

/* The newest fact of the session's last commit that appended. */
static struct
{
	Oid			events;
	int64		sequence_number;	/* 0 if there was none */
} last_commit;

/*
 * Shared memory
 */

static Size
memory_size(void)
{
	return LOGS * sizeof(LogPlace);
}

/* When preloaded. */
void
fs_log_head_reserve_memory(void)
{
	RequestAddinShmemSpace(memory_size());
}

static void
attach(void)
{
	bool		found;

	if (places != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	places = ShmemInitStruct(MEMORY_NAME, memory_size(), &found);
	if (!found)
		memset(places, 0, memory_size());
	for (int i = 0; i < LOGS && !found; i++)
		SpinLockInit(&places[i].mutex);
	LWLockRelease(AddinShmemInitLock);
}

static LogNote
read_place(LogPlace *place)
{
	LogNote		note;

	SpinLockAcquire(&place->mutex);
	note = place->note;
	SpinLockRelease(&place->mutex);
	return note;
}

static bool
is_of_log(const LogNote *note, Oid events)
{
	return note->events == events && note->database == MyDatabaseId;
}

/* The note of a log, and its place; NULL if it has none.  Places are given to other logs at any time. */
static LogPlace *
find_note(Oid events, LogNote *note)
{
	static LogPlace *place_found_last = NULL;

	if (place_found_last != NULL)
	{
		*note = read_place(place_found_last);
		if (is_of_log(note, events))
			return place_found_last;
	}
	for (int i = 0; i < LOGS; i++)
	{
		*note = read_place(&places[i]);
		if (is_of_log(note, events))
			return place_found_last = &places[i];
	}
	return NULL;
}

/* Commits have higher positions the later they come, and a note that is not known any more has none. */
static LogPlace *
place_to_take_over(void)
{
	LogPlace   *oldest = NULL;
	XLogRecPtr	position = InvalidXLogRecPtr;

	for (int i = 0; i < LOGS; i++)
	{
		LogNote		note = read_place(&places[i]);

		if (oldest != NULL && note.head.commit_position >= position)
			continue;
		oldest = &places[i];
		position = note.head.commit_position;
	}
	return oldest;
}

/* Who has the append lock notes where the log ends; for no head, that it is not known. */
static void
write_note(Oid events, FactPosition head, bool has_strangers)
{
	LogNote		note;
	LogPlace   *place = find_note(events, &note);

	if (place == NULL && head.sequence_number == 0 && !has_strangers)
		return;
	if (place == NULL)
	{
		place = place_to_take_over();
		note.has_strangers = false;
	}
	note.database = MyDatabaseId;
	note.events = events;
	note.head = head;
	note.has_strangers |= has_strangers;
	SpinLockAcquire(&place->mutex);
	place->note = note;
	SpinLockRelease(&place->mutex);
}

static void
forget(Oid events, bool has_strangers)
{
	FactPosition unknown = {0, InvalidXLogRecPtr};

	write_note(events, unknown, has_strangers);
}

/*
 * What the transaction has appended
 */

static int64
own_head(const FactstrStore *store)
{
	return own.count > 0 && own.events == store->events ? own.heads[own.count - 1].sequence_number : 0;
}

/* An append has written behind the head; this is the new one. */
void
fs_log_head_moved(const FactstrStore *store, int64 head)
{
	SubTransactionId current = GetCurrentSubTransactionId();

	attach();
	if (own.count > 0 && own.events != store->events)
	{
		/* The extension was dropped and created again. */
		forget(own.events, false);
		own.count = 0;
	}
	own.events = store->events;
	if (own.heads == NULL)
	{
		own.allocated = 8;
		own.heads = MemoryContextAlloc(TopTransactionContext, own.allocated * sizeof(OwnHead));
	}
	else if (own.count == own.allocated)
	{
		own.heads = repalloc_huge(own.heads, 2 * own.allocated * sizeof(OwnHead));
		own.allocated *= 2;
	}
	if (own.count == 0 || own.heads[own.count - 1].appended_in != current)
		own.count++;
	own.heads[own.count - 1].sequence_number = head;
	own.heads[own.count - 1].appended_in = current;
}

static void
note_own_head(void)
{
	FactPosition head = {own.heads[own.count - 1].sequence_number, XactLastCommitEnd};

	write_note(own.events, head, false);
	last_commit.events = own.events;
	last_commit.sequence_number = head.sequence_number;
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (own.count > 0)
				forget(own.events, false);
			break;
		case XACT_EVENT_COMMIT:
			if (own.count > 0)
				note_own_head();
			memset(&own, 0, sizeof(own));
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			memset(&own, 0, sizeof(own));
			break;
		default:
			break;
	}
}

/*
 * While a subtransaction runs, everything is appended in it or in one that started later, which has a
 * higher number.  What is left was appended under a lock that is still held.
 */
static void
on_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
						SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (own.count > 0 && own.heads[own.count - 1].appended_in >= subtransaction)
		own.count--;
}

/*
 * Doubts
 */

static void
on_table_change(Datum argument, Oid relation)
{
	if (relation != InvalidOid && relation != log_in_use)
		return;
	sure_of = InvalidOid;
	note_is_doubtful = true;
}

static void
on_subscription_change(Datum argument, int cache, uint32 hash)
{
	sure_of = InvalidOid;
}

void
fs_log_head_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	RegisterSubXactCallback(on_subtransaction_event, NULL);
	CacheRegisterRelcacheCallback(on_table_change, (Datum) 0);
	CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, on_subscription_change, (Datum) 0);
}

/*
 * Answers
 */

static int64
own_or_noted_head(const FactstrStore *store)
{
	int64		head = own_head(store);
	LogNote		note;

	if (head > 0)
		return head;
	attach();
	return find_note(store->events, &note) == NULL ? 0 : note.head.sequence_number;
}

/* What is probably the number of the newest fact, of the transaction's own as well; 0 if there is no telling. */
int64
fs_log_head_expected(const FactstrStore *store)
{
	if (log_in_use != store->events)
		note_is_doubtful = false;
	log_in_use = store->events;
	return note_is_doubtful ? 0 : own_or_noted_head(store);
}

/* What a look at the table has found without it. */
void
fs_log_head_seen(const FactstrStore *store, int64 head)
{
	if (note_is_doubtful)
		note_is_doubtful = own_or_noted_head(store) != head;
}

/* Is it certain where the log ends?  Else the table must be asked, and fs_log_head_found be told. */
bool
fs_log_head_is_known(const FactstrStore *store, FactPosition *head)
{
	LogNote		note;

	if (sure_of != store->events)
		return false;
	head->sequence_number = own_head(store);
	if (head->sequence_number > 0)
	{
		head->commit_position = fs_durability_preceding_commit();
		return true;
	}
	attach();
	if (find_note(store->events, &note) == NULL || note.head.sequence_number == 0 ||
		note.has_strangers)
		return false;
	*head = note.head;
	return true;
}

/* The table was asked.  If its trigger does not guard the facts, the newest might be deleted at any time. */
void
fs_log_head_found(const FactstrStore *store, int64 head, bool is_guarded)
{
	LogNote		note;

	sure_of = is_guarded ? store->events : InvalidOid;
	attach();
	if (own_head(store) == 0 && find_note(store->events, &note) != NULL &&
		note.head.sequence_number != head)
		forget(store->events, false);
}

/* Somebody has written rows beside the appends, and may do so again. */
void
fs_log_head_has_strangers(const FactstrStore *store)
{
	sure_of = InvalidOid;
	attach();
	forget(store->events, true);
}

/* The number of the newest fact that the session has committed; 0 if it has committed none. */
int64
fs_log_head_of_last_commit(const FactstrStore *store)
{
	return last_commit.events == store->events ? last_commit.sequence_number : 0;
}
