/*
 * commit/in_flight.h
 *		Relations written by commits that other sessions can see, but a crash could still undo.
 */
#ifndef FACTSTR_COMMIT_IN_FLIGHT_H
#define FACTSTR_COMMIT_IN_FLIGHT_H

extern void fs_in_flight_reserve_memory(void);
extern void fs_in_flight_attach(void);
extern bool fs_in_flight_is_known(void);

/* For a commit. */
extern bool fs_in_flight_begin(void);
extern void fs_in_flight_end(void);

/* For a read. */
extern bool fs_in_flight_exist(void);
extern bool fs_in_flight_has(Oid relation);

#endif							/* FACTSTR_COMMIT_IN_FLIGHT_H */
