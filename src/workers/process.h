/*
 * workers/process.h
 *		Shared code of the background workers of databases.
 */
#ifndef FACTSTR_WORKERS_PROCESS_H
#define FACTSTR_WORKERS_PROCESS_H

#include "commit/wakeup.h"
#include "compat.h"
#include "store.h"
#include "workers/worker_slots.h"

/* DROP DATABASE waits five seconds for others to leave.  In ms. */
#define WORKER_GIVE_WAY_INTERVAL 2000

extern void fs_worker_begin(Datum slot, Oid *database);
extern void fs_worker_attend(void);
extern bool fs_worker_wait(WakeupPoint *point, uint64 generation, long timeout);
extern bool fs_worker_wait_once(WakeupPoint *point, uint64 generation, long timeout);
extern bool fs_worker_database_is_wanted(void);
extern bool fs_worker_begin_in_store(const char *log, FactstrStore *store);
extern bool fs_worker_server_stops(void);

#endif							/* FACTSTR_WORKERS_PROCESS_H */
