/*
 * workers/databases.h
 *		The databases that want a worker for their subscriptions.
 */
#ifndef FACTSTR_WORKERS_DATABASES_H
#define FACTSTR_WORKERS_DATABASES_H

extern void fs_databases_reserve_memory(void);
extern void fs_databases_init(void);
extern bool fs_databases_call(Oid database);

/* For the launcher. */
extern bool fs_databases_have_launcher(void);
extern bool fs_databases_become_launcher(void);
extern void fs_databases_wake_launcher(void);
extern void fs_databases_forget(Oid database);
extern void fs_databases_put_off(Oid database);

/* For sessions. */
extern int	fs_databases_most_workers(Oid database);

#endif							/* FACTSTR_WORKERS_DATABASES_H */
