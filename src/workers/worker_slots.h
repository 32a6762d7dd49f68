/*
 * workers/worker_slots.h
 *		The workers that empty pending lists: which are wanted, and which exist.
 */
#ifndef FACTSTR_WORKERS_WORKER_SLOTS_H
#define FACTSTR_WORKERS_WORKER_SLOTS_H

#include "datatype/timestamp.h"

extern void fs_worker_slots_reserve_memory(void);
extern bool fs_worker_slots_request(Oid database);
extern bool fs_worker_slots_have_worker(Oid database);

/* For the launcher. */
extern int	fs_worker_slots_next_due(TimestampTz now, Oid *database, TimestampTz *next);
extern void fs_worker_slots_forget(int slot);
extern bool fs_worker_slots_make_room(void);
extern int	fs_worker_slots_count(void);

/* For a worker. */
extern bool fs_worker_slots_enter(int number, Oid *database);
extern void fs_worker_slots_give_way(void);
extern void fs_worker_slots_work_is_done(void);

#endif							/* FACTSTR_WORKERS_WORKER_SLOTS_H */
