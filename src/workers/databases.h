/*
 * workers/databases.h
 *		Which databases want a worker for their subscriptions.
 */
#ifndef FACTSTR_WORKERS_DATABASES_H
#define FACTSTR_WORKERS_DATABASES_H

#include "datatype/timestamp.h"

extern void fs_databases_reserve_memory(void);
extern void fs_databases_init(void);
extern bool fs_databases_call(Oid database);

/* For the launcher. */
extern bool fs_databases_have_launcher(void);
extern bool fs_databases_become_launcher(void);
extern void fs_databases_wake_launcher(void);
extern void fs_databases_forget(Oid database);

/* For a worker, of its own database. */
typedef struct DatabaseChanges
{
	uint64		facts;
	uint64		subscriptions;
} DatabaseChanges;

extern void fs_databases_expect_worker(Oid database);
extern DatabaseChanges fs_databases_begin_look(void);
extern DatabaseChanges fs_databases_changes(void);
extern void fs_databases_limit_workers(int most);
extern void fs_databases_ask_for_another_role(void);
extern void fs_databases_be_late(void);
extern void fs_databases_be_in_time(void);
extern void fs_databases_leave(Oid database, bool is_attentive, long pause, TimestampTz look_at);
extern void fs_databases_worker_works(void);
extern void fs_databases_have_no_subscriptions(const DatabaseChanges *seen);
extern int	fs_databases_most_workers(Oid database);

#endif							/* FACTSTR_WORKERS_DATABASES_H */
