/*
 * commit/log_head.c
 *		The position of the log after its last commit, in shared memory.
 *
 * In the table, the rows of all appends that were rolled back since the last vacuum come after the newest fact,
 * and a search for it would visit them.  So each commit of an append notes its last number and the end of its
 * commit record, before it releases the append lock.
 *
 * For readers the note is a hint that the table confirms: the fact exists, and the next number does not
 * (read/facts.c).  After a change of the table they search without the hint, until both agree.  An append that
 * holds the lock trusts the note without looking into the table, except in these cases:
 * - The server has just been started or promoted, or its memory was initialized after a crash: there is no note.
 * - The table or a subscription was changed: its trigger may no longer protect the facts from deletion.
 * - Rows were written without an append: the primary key shows that their numbers are taken.
 * - An append was prepared: the session that commits it does not know of the note.  There is none until the next
 *   append.
 *
 * The memory is small enough for PostgreSQL's own reserve, without preloading.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "commit/log_head.h"
#include "commit/own_heads.h"
#include "shared_memory.h"

/*
 * The number of notes.  If there are more logs, some of those without recent appends have no note.  The hash of a log
 * selects a few places for its note, so that a search takes the same time for any number of logs.
 */
#define LOGS 256
#define PLACES_OF_A_SET 8

typedef struct LogNote
{
	Oid			database;
	Oid			events;
	FactPosition head;			/* 0 if it is not known */
	bool		has_strangers;	/* rows are also written without appends */
} LogNote;

typedef struct LogPlace
{
	slock_t		mutex;
	LogNote		note;
} LogPlace;

static LogPlace *places = NULL;

/* This session's knowledge of a log.  Knowledge from before a change of any table or subscription is doubtful. */
typedef struct KnownHead
{
	Oid			events;			/* the key */
	LogPlace   *place;			/* of its note when last seen, or NULL */

	/*
	 * The log ends where its note or this transaction's last append says.  Otherwise the table
	 * must be searched: at first, and after any change that makes the note doubtful.
	 */
	bool		is_sure;

	/* The table has changed since this session compared it with the note. */
	bool		note_is_doubtful;
	/* The values of the counters below when the session last looked. */
	uint64		changes;
	uint64		subscription_changes;

	int64		last_commit;	/* the newest fact that the session has committed; 0 if none */
} KnownHead;

static HTAB *known_heads = NULL;

/* The log used last: most sessions use no other. */
static KnownHead *used_last = NULL;

/* Counters of changes of any table and of subscriptions. */
static uint64 changes_of_any = 0;
static uint64 changes_of_subscriptions = 0;

/* The entry stays until the session ends. */
static KnownHead *
find_known(Oid events)
{
	KnownHead  *known;
	bool		found;

	if (likely(used_last != NULL && used_last->events == events))
		return used_last;
	if (known_heads == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(KnownHead);
		control.hcxt = TopMemoryContext;
		known_heads = hash_create("factstr log heads", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	known = hash_search(known_heads, &events, HASH_ENTER, &found);
	if (!found)
	{
		memset(known, 0, sizeof(KnownHead));
		known->events = events;
		known->changes = changes_of_any;
		known->subscription_changes = changes_of_subscriptions;
	}
	return used_last = known;
}

/* The same, after applying the changes since the last look. */
static KnownHead *
find_known_now(const FactstrStore *store)
{
	KnownHead  *known = find_known(store->events);

	if (known->changes != changes_of_any)
		known->note_is_doubtful = true;
	if (known->changes != changes_of_any || known->subscription_changes != changes_of_subscriptions)
		known->is_sure = false;
	known->changes = changes_of_any;
	known->subscription_changes = changes_of_subscriptions;
	return known;
}

/*
 * Shared memory
 */

#define MEMORY_SIZE (LOGS * sizeof(LogPlace))

/* When preloaded. */
void
fs_log_head_reserve_memory(void)
{
	RequestAddinShmemSpace(MEMORY_SIZE);
}

static void
initialize(void *structure)
{
	LogPlace   *all = structure;

	for (int i = 0; i < LOGS; i++)
		SpinLockInit(&all[i].mutex);
}

/* When preloaded: also after a crash, when the server has new memory. */
void
fs_log_head_attach(void)
{
	places = fs_shared_memory_attach("factstr log heads 0.2", MEMORY_SIZE, initialize);
}

static void
attach(void)
{
	if (places == NULL)
		fs_log_head_attach();
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

/* The places that the note of a log may have. */
static LogPlace *
set_of(Oid events)
{
	uint32		hash = hash_combine(murmurhash32(events), MyDatabaseId);

	return &places[hash % (LOGS / PLACES_OF_A_SET) * PLACES_OF_A_SET];
}

static bool
is_of_log(const LogNote *note, Oid events)
{
	return note->events == events && note->database == MyDatabaseId;
}

/*
 * The note of a log, and its place; NULL if it has none.  Places may be given to other logs with the same hash at
 * any time.
 */
static LogPlace *
find_note(KnownHead *known, LogNote *note)
{
	LogPlace   *set = set_of(known->events);

	if (known->place != NULL)
	{
		*note = read_place(known->place);
		if (is_of_log(note, known->events))
			return known->place;
	}
	for (int i = 0; i < PLACES_OF_A_SET; i++)
	{
		*note = read_place(&set[i]);
		if (is_of_log(note, known->events))
			return known->place = &set[i];
	}
	return NULL;
}

/* The place with the oldest commit.  Later commits have higher positions; an empty place has none. */
static LogPlace *
place_to_take_over(Oid events)
{
	LogPlace   *set = set_of(events);
	LogPlace   *oldest = NULL;
	XLogRecPtr	position = InvalidXLogRecPtr;

	for (int i = 0; i < PLACES_OF_A_SET; i++)
	{
		LogNote		note = read_place(&set[i]);

		if (oldest != NULL && note.head.commit_position >= position)
			continue;
		oldest = &set[i];
		position = note.head.commit_position;
	}
	return oldest;
}

/* The holder of the append lock notes the end of the log, or that it is unknown. */
static void
write_note(KnownHead *known, FactPosition head, bool has_strangers)
{
	LogNote		note;
	LogPlace   *place = find_note(known, &note);

	if (place == NULL && head.sequence_number == 0 && !has_strangers)
		return;
	if (place == NULL)
	{
		place = known->place = place_to_take_over(known->events);
		note.has_strangers = false;
	}
	note.database = MyDatabaseId;
	note.events = known->events;
	note.head = head;
	note.has_strangers |= has_strangers;
	SpinLockAcquire(&place->mutex);
	place->note = note;
	SpinLockRelease(&place->mutex);
}

static void
forget(KnownHead *known, bool has_strangers)
{
	FactPosition unknown = {0, InvalidXLogRecPtr};

	write_note(known, unknown, has_strangers);
}

/* An append has written facts; this is the new head. */
void
fs_log_head_moved(const FactstrStore *store, int64 head)
{
	attach();
	(void) find_known(store->events);
	fs_own_heads_moved(store->events, head);
}

/* Notes the heads of a commit.  For a prepared transaction, removes the notes, since another session may commit it. */
static void
note_own_heads(bool is_committed)
{
	for (int i = 0; i < fs_own_heads_count(); i++)
	{
		OwnHead		own = fs_own_heads_get(i);
		FactPosition head = {own.sequence_number, XactLastCommitEnd};
		KnownHead  *known = find_known(own.events);

		if (head.sequence_number > 0 && is_committed)
		{
			write_note(known, head, false);
			known->last_commit = head.sequence_number;
		}
		else if (head.sequence_number > 0)
			forget(known, false);
	}
}

static void
on_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			note_own_heads(false);
			break;
		case XACT_EVENT_COMMIT:
			note_own_heads(true);
			fs_own_heads_forget();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			fs_own_heads_forget();
			break;
		default:
			break;
	}
}

/*
 * Doubts
 */

static void
on_table_change(Datum argument, Oid relation)
{
	KnownHead  *known;

	if (relation == InvalidOid)
	{
		changes_of_any++;
		return;
	}
	known = known_heads == NULL ? NULL : hash_search(known_heads, &relation, HASH_FIND, NULL);
	if (known == NULL)
		return;
	known->is_sure = false;
	known->note_is_doubtful = true;
}

static void
on_subscription_change(Datum argument, int cache, uint32 hash)
{
	changes_of_subscriptions++;
}

void
fs_log_head_init(void)
{
	RegisterXactCallback(on_transaction_event, NULL);
	fs_own_heads_init();
	CacheRegisterRelcacheCallback(on_table_change, (Datum) 0);
	CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, on_subscription_change, (Datum) 0);
}

/*
 * Answers
 */

static int64
own_or_noted_head(KnownHead *known)
{
	int64		head = fs_own_heads_of(known->events);
	LogNote		note;

	if (head > 0)
		return head;
	attach();
	return find_note(known, &note) == NULL ? 0 : note.head.sequence_number;
}

/* Probably the number of the newest fact, including the transaction's own; 0 if unknown. */
int64
fs_log_head_expected(const FactstrStore *store)
{
	KnownHead  *known = find_known_now(store);

	return known->note_is_doubtful ? 0 : own_or_noted_head(known);
}

/* Call with the result of a search that did not use the expected head. */
void
fs_log_head_seen(const FactstrStore *store, int64 head)
{
	KnownHead  *known = find_known(store->events);

	if (known->note_is_doubtful)
		known->note_is_doubtful = own_or_noted_head(known) != head;
}

/*
 * Is the end of the log certain?  Otherwise the table must be searched, and the result passed to fs_log_head_found.
 */
bool
fs_log_head_is_known(const FactstrStore *store, FactPosition *head)
{
	KnownHead  *known = find_known_now(store);
	LogNote		note;

	if (!known->is_sure)
		return false;
	head->sequence_number = fs_own_heads_of(known->events);
	if (head->sequence_number > 0)
	{
		head->commit_position = fs_durability_preceding_commit();
		return true;
	}
	attach();
	if (find_note(known, &note) == NULL || note.head.sequence_number == 0 ||
		note.has_strangers)
		return false;
	*head = note.head;
	return true;
}

/* The table was searched.  Unless its trigger protects the facts, the newest might be deleted at any time. */
void
fs_log_head_found(const FactstrStore *store, int64 head, bool is_guarded)
{
	KnownHead  *known = find_known_now(store);
	LogNote		note;

	known->is_sure = is_guarded;
	attach();
	if (fs_own_heads_of(known->events) == 0 && find_note(known, &note) != NULL &&
		note.head.sequence_number != head)
		forget(known, false);
}

/* Rows were written without an append, and that may happen again. */
void
fs_log_head_has_strangers(const FactstrStore *store)
{
	KnownHead  *known = find_known(store->events);

	known->is_sure = false;
	attach();
	forget(known, true);
}

/* The number of the newest fact of this log that the session has committed; 0 if none. */
int64
fs_log_head_of_last_commit(const FactstrStore *store)
{
	return find_known(store->events)->last_commit;
}
