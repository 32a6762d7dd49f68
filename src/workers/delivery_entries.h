/*
 * workers/delivery_entries.h
 *		The entry in shared memory for each worker that delivers subscriptions.
 */
#ifndef FACTSTR_WORKERS_DELIVERY_ENTRIES_H
#define FACTSTR_WORKERS_DELIVERY_ENTRIES_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"

#include "settings.h"

#define MAX_SLOTS FACTSTR_MAX_DELIVERY_WORKERS

typedef struct DeliverySlot
{
	Oid			database;		/* InvalidOid: the slot is free */
	int32		start;			/* distinguishes it from earlier workers of the slot */
	uint32		entry;			/* the entry in which it counts as attentive */
	pid_t		pid;			/* 0: it is being started */
	Oid			role;			/* as which it serves the stream */
	TimestampTz start_until;
	TimestampTz entered_at;
	TimestampTz waits_since;	/* 0: it is at work */
	uint64		stream;			/* the hash of its name, if it serves one */
	bool		serves;
	bool		is_late;		/* has been in the handler for some time */
	bool		is_to_stop;		/* the delivery under way */
	bool		is_to_leave;
} DeliverySlot;

/* A stream that a session is about to take: no worker begins with it before. */
typedef struct DeliveryStop
{
	Oid			database;
	uint64		stream;			/* the hash of its name */
	TimestampTz until;			/* unless it has taken it */
} DeliveryStop;

#define MAX_STOPS 64

typedef struct DeliverySlots
{
	LWLock		lock;			/* protects everything else, except that a worker reads its own
								 * slot */
	int32		starts;
	TimestampTz made_at;		/* when the server started, or restarted after a crash */
	DeliverySlot slots[MAX_SLOTS];
	DeliveryStop stops[MAX_STOPS];
} DeliverySlots;

extern DeliverySlots *fs_delivery_slots_memory(void);

#endif							/* FACTSTR_WORKERS_DELIVERY_ENTRIES_H */
