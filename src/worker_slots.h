/*
 * worker_slots.h
 *		Which subscriptions of the server want a background worker, and which have one.
 */
#ifndef FACTSTR_WORKER_SLOTS_H
#define FACTSTR_WORKER_SLOTS_H

#include "datatype/timestamp.h"

/* In place of a stream: look which subscriptions the database has, and request them. */
#define FACTSTR_LOOK_FOR_SUBSCRIPTIONS UINT64_MAX

/* What a worker is to do. */
typedef struct WorkerTask
{
	Oid			database;
	uint64		stream;			/* the hash of its name, or FACTSTR_LOOK_FOR_SUBSCRIPTIONS */
} WorkerTask;

extern void worker_slots_reserve_memory(void);
extern bool worker_slots_request(WorkerTask task);

/* For the launcher. */
extern bool worker_slots_have_launcher(void);
extern bool worker_slots_become_launcher(void);
extern bool worker_slots_look_pending(void);
extern int	worker_slots_next_due(TimestampTz now, WorkerTask *task, TimestampTz *next);
extern void worker_slots_not_started(int slot);
extern void worker_slots_forget_database(Oid database);

/* For a worker. */
extern bool worker_slots_enter(int number, WorkerTask *task);
extern void worker_slots_give_way(void);
extern void worker_slots_task_is_done(void);

#endif							/* FACTSTR_WORKER_SLOTS_H */
