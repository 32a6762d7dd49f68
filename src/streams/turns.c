/*
 * streams/turns.c
 *		Serves the subscriptions of a worker's database in turn.
 *
 * A worker checks the subscriptions of all roles, because checking needs no rights.  Of those with work, it serves
 * the one that has waited longest, and becomes its subscriber.  From then on it serves the
 * subscriptions of this role, and calls another worker for others.  Each turn is short, so no stream waits for
 * the end of another's rebuild, and after each turn the session is cleaned.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "settings.h"
#include "streams/attempt.h"
#include "streams/connection.h"
#include "streams/lock.h"
#include "streams/subscribed.h"
#include "streams/turns.h"
#include "workers/delivery_slots.h"
#include "workers/process.h"

/* The time for which one subscription is served while others may wait.  In ms. */
#define TURN 100

/* The time after which a stream with another consumer is checked again: at first, and at most.  In ms. */
#define SHORTEST_BUSY_PAUSE 10
#define LONGEST_BUSY_PAUSE 1000

/* The same for a role that has its maximum of active workers. */
#define LIMIT_PAUSE 100

typedef struct Subscription
{
	Delivery	delivery;
	uint64		hash;
	Oid			role;			/* the subscriber; InvalidOid if the role no longer exists */
	TimestampTz served_at;		/* when it had its last turn, or its cursor moved before */
	bool		is_due;
	long		busy_pause;
} Subscription;

/* In memory that lasts. */
static List *subscriptions = NIL;

/* The role that this process serves; InvalidOid at first. */
static Oid	my_role = InvalidOid;

/*
 * The list
 */

static Subscription *
find(const SubscribedStream *stream)
{
	ListCell   *cell;

	foreach(cell, subscriptions)
	{
		Subscription *subscription = lfirst(cell);

		if (strcmp(subscription->delivery.log, stream->log) == 0 &&
			strcmp(text_to_cstring(subscription->delivery.name), text_to_cstring(stream->name)) == 0)
			return subscription;
	}
	return NULL;
}

/* Keeps the existing knowledge about a subscription. */
static Subscription *
know(const SubscribedStream *stream)
{
	Subscription *known = find(stream);
	Subscription *subscription = MemoryContextAllocZero(TopMemoryContext, sizeof(Subscription));

	if (known != NULL)
		*subscription = *known;
	else
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		subscription->delivery.name = DatumGetTextPCopy(PointerGetDatum(stream->name));
		subscription->delivery.up_to = PG_INT64_MAX;
		strlcpy(subscription->delivery.log, stream->log, sizeof(subscription->delivery.log));
		subscription->hash = fs_stream_lock_hash(stream->log, stream->name);
		subscription->served_at = stream->served_at;
		MemoryContextSwitchTo(caller);
	}
	subscription->role = stream->role;
	return subscription;
}

static void
forget_those_not_in(List *kept)
{
	ListCell   *cell;

	foreach(cell, subscriptions)
	{
		Subscription *subscription = lfirst(cell);
		bool		is_kept = false;
		ListCell   *other;

		foreach(other, kept)
			is_kept |= ((Subscription *) lfirst(other))->delivery.name == subscription->delivery.name;
		if (!is_kept)
			pfree(subscription->delivery.name);
		pfree(subscription);
	}
	list_free(subscriptions);
	subscriptions = kept;
}

/* Reads the subscriptions; false if there are none. */
bool
fs_turns_list(void)
{
	List	   *found = NIL;
	FactstrStore store;
	ListCell   *cell;

	if (fs_worker_begin_in_store(FACTSTR_MAIN_LOG, &store))
	{
		foreach(cell, fs_subscribed_list(&store))
		{
			Subscription *subscription = know(lfirst(cell));
			MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

			found = lappend(found, subscription);
			MemoryContextSwitchTo(caller);
		}
		fs_attempt_commit();
	}
	forget_those_not_in(found);
	return subscriptions != NIL;
}

/*
 * Looking
 */

static void
look_again_after(Round *round, long pause)
{
	round->timeout = round->timeout < 0 ? pause : Min(round->timeout, pause);
}

/* Another consumer may stay for long, and its end is not announced. */
static void
meet_consumer(Round *round, Subscription *subscription)
{
	subscription->busy_pause = Min(Max(2 * subscription->busy_pause, SHORTEST_BUSY_PAUSE), LONGEST_BUSY_PAUSE);
	look_again_after(round, subscription->busy_pause);
}

/* Does it have work?  Moves its cursor over facts that do not match. */
static void
look_at(Round *round, Subscription *subscription)
{
	DeliveryResult result;

	subscription->delivery.role = InvalidOid;
	result = fs_attempt_deliver(&subscription->delivery);
	subscription->is_due = result == DELIVERY_FOR_ANOTHER_ROLE;
	if (subscription->is_due)
		subscription->role = subscription->delivery.subscriber;
	round->some_are_gone |= result == DELIVERY_NOT_SUBSCRIBED;
	round->log_is_replicated |= subscription->delivery.log_is_replicated;
	if (result == DELIVERY_BUSY)
		meet_consumer(round, subscription);
	else
		subscription->busy_pause = 0;
	if (result == DELIVERY_PAUSED)
		look_again_after(round, subscription->delivery.pause);
	else if (result == DELIVERY_FAILED || result == DELIVERY_ANNOUNCED)
		look_again_after(round, 0);
	else if (result == DELIVERY_NOTHING_NEW && subscription->delivery.is_behind)
		look_again_after(round, DELIVERY_SKIP_INTERVAL);
}

/*
 * Serving
 */

/* The number of workers of the database that may be active for one role: one is left to others. */
static int
most_of_role(void)
{
	Oid			first = ((Subscription *) linitial(subscriptions))->role;
	ListCell   *cell;

	foreach(cell, subscriptions)
	{
		if (((Subscription *) lfirst(cell))->role != first)
			return Max(1, factstr_delivery_workers - 1);
	}
	return factstr_delivery_workers;
}

/* Delivers until nothing is left, or it is others' turn.  An announced delivery is attempted. */
static void
deliver(Subscription *subscription)
{
	int64		until = fs_clock_after(TURN);
	char	   *name = text_to_cstring(subscription->delivery.name);
	DeliveryResult result;

	subscription->delivery.role = my_role;
	pgstat_report_appname(name);
	pfree(name);
	pgstat_report_activity(STATE_RUNNING, "delivery to the handler of a durable stream");
	do
		result = fs_attempt_deliver(&subscription->delivery);
	while (result == DELIVERY_ANNOUNCED || (result == DELIVERY_DONE && fs_clock_until(until) > 0));
}

/*
 * Gives one subscription its turn; false if its role has its maximum of active workers, or somebody has stopped it.
 */
static bool
serve(Round *round, Subscription *subscription)
{
	if (!fs_delivery_slots_begin(subscription->hash, subscription->role, most_of_role()))
		return false;
	if (!OidIsValid(my_role))
	{
		my_role = subscription->role;
		fs_connection_become(my_role);
	}
	else
		round->is_outdated = !fs_connection_is_current(my_role);
	if (!round->is_outdated)
		deliver(subscription);
	fs_delivery_slots_end();
	fs_connection_clean();
	subscription->served_at = GetCurrentTimestamp();
	subscription->is_due = false;
	return true;
}

/* The one that has waited longest, among those that this process may serve. */
static Subscription *
next_due(void)
{
	Subscription *next = NULL;
	ListCell   *cell;

	foreach(cell, subscriptions)
	{
		Subscription *subscription = lfirst(cell);

		if (subscription->is_due && (!OidIsValid(my_role) || subscription->role == my_role) &&
			(next == NULL || subscription->served_at < next->served_at))
			next = subscription;
	}
	return next;
}

/* Those left over are another role's. */
static void
look_who_waits(Round *round)
{
	int			most = most_of_role();
	ListCell   *cell;

	foreach(cell, subscriptions)
	{
		Subscription *subscription = lfirst(cell);

		if (!subscription->is_due)
			continue;
		if (fs_delivery_slots_role_may_begin(subscription->role, most))
			round->others_wait = true;
		else
			look_again_after(round, LIMIT_PAUSE);
	}
}

/* Looks at all, and gives each one with work its turn. */
Round
fs_turns_take(void)
{
	Round		round = {.timeout = -1};
	ListCell   *cell;
	Subscription *next;

	foreach(cell, subscriptions)
	{
		look_at(&round, lfirst(cell));
	}
	while (!round.is_outdated && (next = next_due()) != NULL)
	{
		if (serve(&round, next))
			round.has_served = true;
		else
		{
			next->is_due = false;
			look_again_after(&round, LIMIT_PAUSE);
		}
	}
	look_who_waits(&round);
	return round;
}
