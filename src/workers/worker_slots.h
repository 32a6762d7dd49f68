/*
 * workers/worker_slots.h
 *		The workers that empty pending lists: which are wanted, and which exist.
 */
#ifndef FACTSTR_WORKERS_WORKER_SLOTS_H
#define FACTSTR_WORKERS_WORKER_SLOTS_H

#include "datatype/timestamp.h"

#include "definition.h"

/* The task of a worker: empty the pending list of a log's payload index (append/pending_list.c). */
typedef struct WorkerTask
{
	Oid			database;
	char		log[FACTSTR_LOG_NAME_LENGTH + 1];
} WorkerTask;

extern void fs_worker_slots_reserve_memory(void);
extern bool fs_worker_slots_request(WorkerTask task);
extern bool fs_worker_slots_have_worker(const WorkerTask * task);

/* For the launcher. */
extern int	fs_worker_slots_next_due(TimestampTz now, WorkerTask * task, TimestampTz *next);
extern void fs_worker_slots_forget(int slot);
extern bool fs_worker_slots_make_room(void);
extern int	fs_worker_slots_count(void);

/* For a worker. */
extern bool fs_worker_slots_enter(int number, WorkerTask * task);
extern void fs_worker_slots_give_way(void);
extern void fs_worker_slots_task_is_done(void);

#endif							/* FACTSTR_WORKERS_WORKER_SLOTS_H */
