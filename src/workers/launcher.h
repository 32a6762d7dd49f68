/*
 * workers/launcher.h
 *		The process that starts the background workers.
 */
#ifndef FACTSTR_WORKERS_LAUNCHER_H
#define FACTSTR_WORKERS_LAUNCHER_H

extern void fs_launcher_register(void);
extern void fs_launcher_ensure(void);
extern void fs_launcher_request_at_commit(void);
extern void fs_launcher_init(void);

extern PGDLLEXPORT void factstr_launcher_main(Datum argument);

#endif							/* FACTSTR_WORKERS_LAUNCHER_H */
