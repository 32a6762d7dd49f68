/*
 * launcher.h
 *		The process that starts the workers of subscriptions.
 */
#ifndef FACTSTR_LAUNCHER_H
#define FACTSTR_LAUNCHER_H

extern void launcher_register(void);
extern void launcher_ensure(void);
extern void launcher_request_at_commit(uint64 stream);
extern void launcher_init(void);

extern PGDLLEXPORT void factstr_launcher_main(Datum argument);

#endif							/* FACTSTR_LAUNCHER_H */
