/*
 * workers/places.c
 *		The launcher gives slots to workers, and takes them back for others that have waited.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "commit/wakeup.h"
#include "workers/attendance.h"
#include "workers/places.h"
#include "workers/delivery_entries.h"

/* A started worker that has not entered its slot within this time will not come.  In ms. */
#define START_TIMEOUT 10000

/* Prepares a slot for a worker that is to be started; returns the number with which it enters. */
int32
fs_places_take(Oid database)
{
	DeliverySlots *workers = fs_delivery_slots_memory();
	uint32		entry = fs_attendance_expect_worker(database);
	int			i = 0;

	LWLockAcquire(&workers->lock, LW_EXCLUSIVE);
	while (OidIsValid(workers->slots[i].database))
		i++;
	memset(&workers->slots[i], 0, sizeof(DeliverySlot));
	workers->slots[i].database = database;
	workers->slots[i].entry = entry;
	workers->slots[i].start = (workers->starts++ & 0xffffff) * MAX_SLOTS + i;
	workers->slots[i].start_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), START_TIMEOUT);
	LWLockRelease(&workers->lock);
	return workers->slots[i].start;
}

/* It could not be started, or has not come.  If it comes at this moment, it stays. */
void
fs_places_give_back(int32 start)
{
	DeliverySlots *workers = fs_delivery_slots_memory();
	DeliverySlot *slot = &workers->slots[start % MAX_SLOTS];
	Oid			database = InvalidOid;

	LWLockAcquire(&workers->lock, LW_EXCLUSIVE);
	if (slot->pid == 0)
	{
		database = slot->database;
		slot->database = InvalidOid;
	}
	LWLockRelease(&workers->lock);
	/* Called again, it stays due. */
	if (OidIsValid(database))
		fs_attendance_leave(database, slot->entry, true, 0, GetCurrentTimestamp());
}

/*
 * Gives up workers that have not come, which is not announced.  Returns when the next one would be given up, or
 * DT_NOEND.
 */
TimestampTz
fs_places_end_starts(TimestampTz now)
{
	DeliverySlots *workers = fs_delivery_slots_memory();
	TimestampTz next = DT_NOEND;

	for (int i = 0; i < MAX_SLOTS; i++)
	{
		DeliverySlot *slot = &workers->slots[i];
		bool		is_starting;

		LWLockAcquire(&workers->lock, LW_SHARED);
		is_starting = OidIsValid(slot->database) && slot->pid == 0;
		LWLockRelease(&workers->lock);
		if (!is_starting)
			continue;
		if (slot->start_until <= now || slot->start_until > TimestampTzPlusMilliseconds(now, START_TIMEOUT))
			fs_places_give_back(slot->start);
		else
			next = Min(next, slot->start_until);
	}
	return next;
}

/*
 * Of the idle workers, the one that has waited longest; otherwise, of the busy ones, the one that came first;
 * otherwise one that has yet to come, and leaves when it is done.
 */
static bool
leaves_before(const DeliverySlot *slot, const DeliverySlot *other)
{
	if (other == NULL || slot->pid == 0 || other->pid == 0)
		return other == NULL || slot->pid != 0;
	if ((slot->waits_since != 0) != (other->waits_since != 0))
		return slot->waits_since != 0;
	return slot->waits_since != 0 ? slot->waits_since < other->waits_since :
		slot->entered_at < other->entered_at;
}

/* Another database needs the place of a worker.  One worker at a time makes room. */
void
fs_places_ask_one_to_leave(void)
{
	DeliverySlots *workers = fs_delivery_slots_memory();
	DeliverySlot *chosen = NULL;
	Oid			database = InvalidOid;

	LWLockAcquire(&workers->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_SLOTS; i++)
	{
		DeliverySlot *slot = &workers->slots[i];

		if (!OidIsValid(slot->database) || slot->is_late)
			continue;
		if (slot->is_to_leave || leaves_before(slot, chosen))
			chosen = slot;
		if (slot->is_to_leave)
			break;
	}
	if (chosen != NULL)
	{
		chosen->is_to_leave = true;
		database = chosen->database;
	}
	LWLockRelease(&workers->lock);
	if (OidIsValid(database))
		fs_wakeup_now_of_facts(database);
}
